/**
 * Every number of ffi that comes from a C header, compared with what a C compiler makes of that header.
 *
 * The questions are made from what the modules export, whatever that is: a constant in capitals is asked for by its name,
 * a table in capitals is a struct of that name in small letters, `…_SIZE` its size.
 */

import assert from "node:assert/strict";
import { compileC, hasCompiler, ROOT } from "../../interop/build.ts";
import { type Answers, ask, linesOf, macrosOf } from "../../interop/layout.ts";
import { controlSpace, encodeControlMessages } from "../../ffi/cmsg.ts";
import { IP_TTL, IPPROTO_IP, SCM_RIGHTS, SOL_SOCKET } from "../../ffi/constants.ts";
import { ERRNO, errnoMessage, errnoName } from "../../ffi/errno.ts";
import { architecture } from "../../ffi/runtime.ts";
import { decodeSockaddr, encodeSockaddr, type SocketAddress } from "../../ffi/sockaddr.ts";
import { SYSCALL_NUMBERS, type SyscallName, syscallNumber } from "../../ffi/syscall_numbers.ts";
import { decodeTimespec, decodeTimeval, encodeTimespec, encodeTimeval } from "../../ffi/timespec.ts";
import { decodeUcred, encodeUcred } from "../../ffi/ucred.ts";
import { test } from "../support/harness.ts";

const skip = hasCompiler() ? undefined : "no C compiler: install gcc and libc6-dev";

const LIBC_HEADERS = `
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <linux/errqueue.h>
#include <linux/futex.h>
#include <linux/sockios.h>
`;

/** What glibc leaves to the kernel's own headers, which can't be included beside its own. */
const KERNEL_HEADERS = `
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <linux/icmp.h>
#include <linux/fcntl.h>
#include <linux/memfd.h>
#include <linux/mman.h>
#include <asm/socket.h>
`;

/** The system call table of arm64 is the generic one, with what arch/arm64/include/uapi/asm/unistd.h asks for. */
const ARM64_SYSCALLS = `
#define __ARCH_WANT_RENAMEAT
#define __ARCH_WANT_NEW_STAT
#define __ARCH_WANT_SET_GET_RLIMIT
#define __ARCH_WANT_SYS_CLONE3
#define __ARCH_WANT_MEMFD_SECRET
#include <asm-generic/unistd.h>
`;

/** Constants that C says in another way. */
const EXPRESSIONS: Readonly<Record<string, string>> = {
  IOVEC_WORDS: "sizeof(struct iovec) / 4",
  IOV_BASE_WORD: "offsetof(struct iovec, iov_base) / 4",
  IOV_LEN_WORD: "offsetof(struct iovec, iov_len) / 4",
  READABLE: "EPOLLIN",
  WRITABLE: "EPOLLOUT",
  FAILED: "EPOLLERR | EPOLLHUP",
};

/** Names of which the headers here may know nothing, and why that is no mistake of ours. */
const YOUNGER_THAN_THE_HEADERS: Readonly<Record<string, string>> = {
  IP_LOCAL_PORT_RANGE: "since Linux 6.3",
};

/** The modules that export nothing in capitals but what C knows; elsewhere there are names of our own beside. */
const C_MODULES = ["constants.ts", "cmsg.ts", "iovec.ts", "msghdr.ts", "sockaddr.ts", "timespec.ts", "ucred.ts"];

interface Claim {
  module: string;
  key: string;
  expression: string;
  value: number;
}

const isNumberTable = (value: unknown): value is Record<string, number> =>
  typeof value === "object" && value !== null && Object.values(value).length > 0 &&
  Object.values(value).every((field) => typeof field === "number");

/** What the modules of ffi claim about C. */
async function claims(): Promise<Claim[]> {
  const found: Claim[] = [];
  const files = [...Deno.readDirSync(`${ROOT}ffi`)].map(({ name }) => name).filter((name) => name.endsWith(".ts"));
  for (const module of files.sort()) {
    if (module === "mod.ts") continue;
    const exports: Record<string, unknown> = await import(`../../ffi/${module}`);
    for (const [name, value] of Object.entries(exports)) {
      if (!/^[A-Z][A-Z0-9_]*$/.test(name) || name === "ERRNO" || name === "SYSCALL_NUMBERS") continue;
      const claim = (key: string, expression: string, worth: number) =>
        found.push({ module, key, expression: EXPRESSIONS[key] ?? expression, value: worth });
      if (typeof value === "number") {
        const struct = /^(\w+)_SIZE$/.exec(name)?.[1].toLowerCase();
        claim(name, struct === undefined ? name : `sizeof(struct ${struct})`, value);
      } else if (isNumberTable(value)) {
        const struct = name.toLowerCase();
        for (const [field, offset] of Object.entries(value)) {
          claim(`${name}.${field}`, `offsetof(struct ${struct}, ${field})`, offset);
        }
      }
    }
  }
  return found;
}

let answered: Promise<{ claims: Claim[]; answers: Answers }> | undefined;

function answeredClaims(): Promise<{ claims: Claim[]; answers: Answers }> {
  return answered ??= claims().then((list) => ({
    claims: list,
    answers: ask({
      name: "layout-ffi",
      headers: [LIBC_HEADERS, KERNEL_HEADERS],
      expressions: new Map(list.map(({ key, expression }) => [key, expression])),
    }),
  }));
}

test("every constant, size and offset that ffi exports has the value that C gives it", async () => {
  const { claims, answers } = await answeredClaims();

  const wrong = claims.filter(({ key, value }) => answers.values.has(key) && answers.values.get(key) !== value)
    .map(({ module, key, value }) => `ffi/${module}: ${key} is ${value}, in C ${answers.values.get(key)}`);

  assert.deepEqual(wrong, []);
  assert(claims.length > 200, `only ${claims.length} numbers were found to compare`);
}, { skip });

test("every name that ffi takes from C is known to C", async () => {
  const { claims, answers } = await answeredClaims();

  const unknown = claims
    .filter(({ module, key }) =>
      C_MODULES.includes(module) && answers.unknown.has(key) && !(key in YOUNGER_THAN_THE_HEADERS)
    )
    .map(({ module, key }) => `ffi/${module}: ${key}: ${answers.unknown.get(key)}`);

  assert.deepEqual(unknown, []);
}, { skip });

test("error numbers have C's names, and none of C's names is missing", () => {
  const macros = macrosOf("#include <errno.h>").filter((name) => /^E[A-Z0-9]+$/.test(name));
  const names = new Set([...macros, ...Object.keys(ERRNO)]);
  const { values } = ask({
    name: "layout-errno",
    headers: "#include <errno.h>",
    expressions: new Map([...names].map((name) => [name, name])),
  });

  assert.deepEqual(
    Object.fromEntries([...names].sort().map((name) => [name, (ERRNO as Record<string, number>)[name]])),
    Object.fromEntries([...names].sort().map((name) => [name, values.get(name)])),
  );
  assert(names.size > 130);
}, { skip });

test("system call numbers are those of the unistd headers", () => {
  const names = Object.keys(SYSCALL_NUMBERS) as SyscallName[];
  const expressions = new Map(names.map((name) => [name as string, `__NR_${name}`]));
  const host = ask({ name: "layout-syscalls", headers: "#include <asm/unistd.h>", expressions });
  const arm64 = ask({ name: "layout-syscalls-arm64", headers: ARM64_SYSCALLS, expressions });

  for (const [arch, { values, unknown }] of [[architecture(), host], ["arm64", arm64]] as const) {
    assert.deepEqual([...unknown], [], arch);
    for (const name of names) assert.equal(syscallNumber(name, arch), values.get(name), `${arch}: ${name}`);
  }
}, { skip });

const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const bytesOf = (text: string) => new Uint8Array(text.match(/../g)?.map((pair) => parseInt(pair, 16)) ?? []);

/** What interop/c/samples.c prints. */
function samples(): Map<string, string> {
  const built = compileC({ name: "samples", source: Deno.readTextFileSync(`${ROOT}interop/c/samples.c`) });
  assert(built.path !== undefined, built.path === undefined ? built.stderr : "");
  return new Map(
    linesOf(built.path).map((line) => {
      const space = line.indexOf(" ");
      return [line.slice(0, space), line.slice(space + 1)];
    }),
  );
}

test("addresses are encoded as C fills the structs, and read back", () => {
  const expected: Record<string, SocketAddress> = {
    "sockaddr_in": { family: "inet", address: "192.0.2.17", port: 5000 },
    "sockaddr_in6": { family: "inet6", address: "fe80::1:2", port: 3868, flowInfo: 0x12345, scopeId: 7 },
    "sockaddr_un.path": { family: "unix", path: "/run/sockeye.sock" },
    "sockaddr_un.abstract": { family: "unix", abstract: "sockeye" },
    "sockaddr_un.unnamed": { family: "unix", unnamed: true },
  };
  const made = samples();

  for (const [name, address] of Object.entries(expected)) {
    assert.equal(hex(encodeSockaddr(address)), made.get(name), name);
    const decoded = decodeSockaddr(bytesOf(made.get(name)!));
    assert.equal(hex(encodeSockaddr(decoded!)), made.get(name), name);
  }
}, { skip });

test("control messages are laid out as the CMSG macros do", () => {
  const made = samples();

  const encoded = encodeControlMessages([
    { level: SOL_SOCKET, type: SCM_RIGHTS, data: bytesOf("0300000004000000") },
    { level: IPPROTO_IP, type: IP_TTL, data: new TextEncoder().encode("abcde") },
  ]);

  assert.equal(hex(encoded), made.get("cmsghdr"));
  for (let length = 0; length < 18; length++) {
    assert.equal(hex(new Uint8Array([controlSpace(length)])), made.get(`CMSG_SPACE(${length})`), `${length} bytes`);
  }
}, { skip });

test("times and credentials are encoded as C fills the structs, and read back", () => {
  const made = samples();
  const duration = { seconds: 5, nanoseconds: 999_999_999 };
  const timeout = { seconds: 4_294_967_296, nanoseconds: 250_000_000 };
  const credentials = { pid: 4242, uid: 1000, gid: 4_294_967_294 };

  assert.equal(hex(encodeTimespec(duration)), made.get("timespec"));
  assert.deepEqual(decodeTimespec(bytesOf(made.get("timespec")!)), duration);
  assert.equal(hex(encodeTimeval(timeout)), made.get("timeval"));
  assert.deepEqual(decodeTimeval(bytesOf(made.get("timeval")!)), timeout);
  assert.equal(hex(encodeUcred(credentials)), made.get("ucred"));
  assert.deepEqual(decodeUcred(bytesOf(made.get("ucred")!)), credentials);
}, { skip });

test("error numbers have the texts of strerror(3)", () => {
  const made = samples();

  for (const errno of new Set(Object.values(ERRNO))) {
    assert.equal(errnoMessage(errno), made.get(`strerror(${errno})`), errnoName(errno));
  }
}, { skip });

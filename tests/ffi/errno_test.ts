import assert from "node:assert/strict";
import { constants } from "node:os";
import fc from "fast-check";
import { SystemError } from "../../common/errors.ts";
import { ERRNO, errnoMessage, errnoName, systemError } from "../../ffi/errno.ts";
import { test } from "../support/harness.ts";

test("every number from 1 to 133 has a name and a text, but for the two that Linux skips", () => {
  for (let errno = 1; errno <= 133; errno++) {
    if (errno === 41 || errno === 58) continue;
    assert.match(errnoName(errno), /^E[A-Z0-9]{2,}$/);
    assert.doesNotMatch(errnoMessage(errno), /Unknown/);
    assert.equal((ERRNO as Record<string, number>)[errnoName(errno)], errno);
  }
});

test("the numbers are those that the runtime was compiled with", () => {
  const numbers: Record<string, number> = ERRNO;
  const shared = Object.entries(constants.errno).filter(([name]) => name in numbers);

  assert(shared.length > 70);
  for (const [name, number] of shared) assert.equal(numbers[name], number, name);
});

test("the names and texts are those that glibc prints", () => {
  // C: printf("%d %s %s\n", n, strerrorname_np(n), strerror(n))
  const printed: [number, string, string][] = [
    [1, "EPERM", "Operation not permitted"],
    [11, "EAGAIN", "Resource temporarily unavailable"],
    [35, "EDEADLK", "Resource deadlock avoided"],
    [73, "EDOTDOT", "RFS specific error"],
    [81, "ELIBSCN", ".lib section in a.out corrupted"],
    [95, "EOPNOTSUPP", "Operation not supported"],
    [133, "EHWPOISON", "Memory page has hardware error"],
  ];
  for (const [number, name, text] of printed) {
    assert.equal(errnoName(number), name);
    assert.equal(errnoMessage(number), text);
  }
});

test("aliases have the number of the name they stand for", () => {
  assert.equal(ERRNO.EWOULDBLOCK, ERRNO.EAGAIN);
  assert.equal(ERRNO.EDEADLOCK, ERRNO.EDEADLK);
  assert.equal(ERRNO.ENOTSUP, ERRNO.EOPNOTSUPP);
});

test("a number without a name still makes an error that can be read", () => {
  assert.equal(errnoName(41), "E41");
  assert.equal(errnoMessage(0), "Unknown error 0");
  assert.equal(systemError(4095, "ioctl").message, "ioctl: unknown error 4095 (E4095)");
});

test("a system error carries what Node's users know", () => {
  const error = systemError(ERRNO.ECONNREFUSED, "connect", "192.0.2.1:80");

  assert(error instanceof SystemError);
  assert.equal(error.name, "SystemError");
  assert.deepEqual(
    { code: error.code, errno: error.errno, syscall: error.syscall, address: error.address },
    { code: "ECONNREFUSED", errno: 111, syscall: "connect", address: "192.0.2.1:80" },
  );
  assert.equal(systemError(ERRNO.EBADF, "close").address, undefined);
});

test("the message says what was tried, on what, and what helps", () => {
  const cases: [Parameters<typeof systemError>, RegExp][] = [
    [
      [ERRNO.EACCES, "bind", "127.0.0.1:80"],
      /^bind 127\.0\.0\.1:80: permission denied \(EACCES\); .*CAP_NET_BIND_SERVICE/,
    ],
    [[ERRNO.EACCES, "bind", "/run/x"], /check the permissions of the path/],
    [[ERRNO.EACCES, "sendto", "192.0.2.255:9"], /SO_BROADCAST/],
    [[ERRNO.EPERM, "socket"], /CAP_NET_RAW/],
    [[ERRNO.EPERM, "setsockopt"], /CAP_NET_ADMIN/],
    [[ERRNO.EADDRINUSE, "bind", "127.0.0.1:5000"], /another port/],
    [[ERRNO.EADDRINUSE, "bind", "/run/x"], /remove the file/],
    [[ERRNO.EADDRNOTAVAIL, "bind", "192.0.2.1:0"], /does not have that address/],
    [[ERRNO.EADDRNOTAVAIL, "connect", "192.0.2.1:1"], /ip_local_port_range/],
    [[ERRNO.EMFILE, "socket"], /ulimit -n/],
    [[ERRNO.ENFILE, "socket"], /fs\.file-max/],
    [[ERRNO.ENOBUFS, "sendmsg"], /SO_SNDBUF/],
    [[ERRNO.EPROTONOSUPPORT, "socket"], /modprobe sctp/],
    [[ERRNO.ESOCKTNOSUPPORT, "socket"], /modprobe sctp/],
    [[ERRNO.EAFNOSUPPORT, "socket"], /disable_ipv6/],
    [[ERRNO.EMSGSIZE, "sendmsg"], /send less/],
    [
      [ERRNO.ECONNREFUSED, "connect", "[::1]:1"],
      /^connect \[::1\]:1: connection refused \(ECONNREFUSED\); nobody listens/,
    ],
    [[ERRNO.ENOSYS, "io_uring_setup"], /kernel does not have/],
  ];
  for (const [details, message] of cases) assert.match(systemError(...details).message, message);
});

test("a remedy for privileged ports is not given for others", () => {
  assert.doesNotMatch(systemError(ERRNO.EACCES, "bind", "127.0.0.1:1024").message, /CAP_NET_BIND_SERVICE/);
});

test("a hint takes the place of the usual remedy", () => {
  assert.equal(
    systemError(ERRNO.EMFILE, "accept4", undefined, "stop accepting").message,
    "accept4: too many open files (EMFILE); stop accepting",
  );
});

test("any number, call and address give one line of message", () => {
  fc.assert(
    fc.property(fc.integer(), fc.stringMatching(/^[a-z0-9_]+$/), fc.option(fc.ipV6()), (errno, call, address) => {
      const error = systemError(errno, call, address ?? undefined);
      assert.match(error.message, new RegExp(`^${call}`));
      assert.match(error.code, /^E/);
      assert(!error.message.includes("\n"));
    }),
  );
});

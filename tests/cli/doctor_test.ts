import { deepEqual, equal, match, notEqual } from "node:assert/strict";
import { test } from "../support/harness.ts";
import { objects, runSockeye, runSockeyeOn, startSockeye } from "./sockeye.ts";

const CONDITIONS = ["ok", "off", "low", "missing", "unknown"];

test("the doctor looks at everything, and has a remedy for whatever is not ok", () => {
  const { status, stdout, stderr } = runSockeye(["doctor", "--json"]);

  equal(status, 0);
  equal(stderr, "");
  const checks = objects(stdout).slice(0, -1);
  const names = checks.map(({ name }) => name);
  for (
    const name of [
      "runtime",
      "libc",
      "kernel-sctp",
      "raw-ip",
      "unixgram",
      "udp",
      "packet-options",
      "packet-options6",
      "icmp-errors",
      "icmp-errors6",
      "raw-ip6",
      "udp-segmentation",
      "udp-coalescing",
      "memfd",
      "shm",
      "futex",
      "epoll",
      "io-uring",
    ]
  ) {
    equal(names.includes(name), true, name);
  }
  for (
    const name of [
      "net.core.rmem_max",
      "net.core.wmem_max",
      "net.unix.max_dgram_qlen",
      "net.ipv4.ip_no_pmtu_disc",
      "open-files",
    ]
  ) {
    equal(names.includes(name), true, name);
  }
  equal(new Set(names).size, names.length);
  for (const { type, topic, title, status, detail, remedy } of checks) {
    equal(type, "check");
    for (const text of [topic, title, detail]) match(text as string, /./);
    equal(CONDITIONS.includes(status as string), true);
    equal(typeof remedy, status === "ok" ? "undefined" : "string", title as string);
  }
});

test("the doctor's summary counts what it found", () => {
  const lines = objects(runSockeye(["doctor", "--json"]).stdout);

  const { type, ...totals } = lines.at(-1)!;
  equal(type, "summary");
  const counted = Object.fromEntries(
    CONDITIONS.map((condition) => [condition, lines.filter(({ status }) => status === condition).length]),
  );
  deepEqual(totals, counted);
});

test("what this machine carries is found to work", () => {
  const lines = objects(runSockeye(["doctor", "--json"]).stdout);

  const statusOf = (name: string) => lines.find((line) => line.name === name)?.status;
  for (const name of ["libc", "unixgram", "udp", "packet-options", "icmp-errors", "memfd", "epoll", "eventfd"]) {
    equal(statusOf(name), "ok", name);
  }
  equal(lines.find(({ name }) => name === "runtime")?.detail, Deno.version.deno);
});

test("for people the doctor prints a table with the remedies, and no colours where there is no terminal", () => {
  const { status, stdout } = runSockeye(["doctor"]);

  equal(status, 0);
  match(stdout, /^Runtime\n {2}ok {7}Sockeye/);
  match(stdout, /\nSCTP\n {2}\w+ +kernel SCTP/);
  match(stdout, /\n\d+ ok, \d+ off, \d+ low, \d+ missing, \d+ unknown\n$/);
  equal(stdout.includes("\x1b"), false);
});

test("where libc can't be called the doctor says so and how to change it, and looks at the rest", () => {
  const { status, stdout, stderr } = runSockeye(["doctor", "--json"], {
    permissions: ["--allow-read", "--allow-sys", "--allow-env"],
  });

  equal(status, 0);
  equal(stderr, "");
  const lines = objects(stdout);
  const libc = lines.find(({ name }) => name === "libc")!;
  equal(libc.status, "missing");
  match(libc.remedy as string, /--allow-ffi/);
  equal(lines.find(({ name }) => name === "unixgram")?.detail, "needs libc");
  notEqual(lines.find(({ name }) => name === "net.core.rmem_max")?.status, "missing");
});

test("on a platform without libc the doctor says so, and looks", () => {
  const { status, stdout, stderr } = runSockeyeOn("darwin", ["doctor", "--json"]);

  equal(status, 0);
  equal(stderr, "");
  const lines = objects(stdout);
  for (const name of ["platform", "libc"]) {
    const { status, remedy } = lines.find((line) => line.name === name)!;
    equal(status, "missing");
    match(remedy as string, /need Linux/);
  }
  equal(lines.find(({ name }) => name === "kernel-sctp")?.detail, "needs libc");
});

test("on a platform without libc a server fails in one line with the remedy", () => {
  const { status, stdout, stderr } = runSockeyeOn("darwin", ["sctp", "listen", "sctp://127.0.0.1:0"]);

  equal(status, 1);
  equal(stdout, "");
  match(stderr, /^sockeye: kernel SCTP is not available: this platform is darwin[^\n]*\n$/);
});

test("the doctor looks without any permission at all", () => {
  const { status, stdout } = runSockeye(["doctor", "--json"], { permissions: [] });

  equal(status, 0);
  equal(objects(stdout).at(-1)!.type, "summary");
});

test("a reader that goes away ends the doctor quietly", async () => {
  await using doctor = startSockeye(["doctor"]);
  doctor.stopReading();

  const { status, stderr } = await doctor.ended;

  equal(status, 0);
  equal(stderr, "");
});

/**
 * The programs in examples/ and what each prints, in whatever order: several ends speak at once.
 *
 * @module
 */

import { equal } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import process from "node:process";

/** A line as it is, or what it looks like. */
type Lines = readonly (string | RegExp)[];

/** The programs that run on any Linux. */
export const PROGRAMS: Readonly<Record<string, Lines>> = {
  "descriptor_passing.ts": ["received: 4096 bytes for you", "seen on the other side: 42"],
  "shared_memory_counter.ts": ["3 workers counted to 300000"],
  "tcp_half_close.ts": ["answer: 9 words"],
  "udp_ping.ts": [1, 30, 255].map((ttl) => new RegExp(`^ttl ${ttl}: arrived with ${ttl}, [\\d.]+ ms$`)),
  "unixgram_echo.ts": ["one", "two", "three"].flatMap((text) => [`received: ${text}`, `echo: ${text}`]),
};

/** The programs that need a kernel with SCTP. */
export const SCTP_PROGRAMS: Readonly<Record<string, Lines>> = {
  "sctp_blocking.ts": ["answer: ONE", "answer: TWO", "answer: THREE"],
  "sctp_echo.ts": [0, 1, 2].flatMap((number) => [
    "server: comm-up",
    `client ${number}: "hello from client ${number}" on stream ${number}, ppid 46`,
    "server: shutdown-complete",
  ]),
  "sctp_endings.ts": [
    "server: comm-up",
    "server: one",
    "server: two",
    "server: shutdown-complete",
    "client: shut down",
    "server: comm-up",
    "server: unwelcome",
    /^client: ECONNRESET, receive: the peer aborted the association: user-initiated-abort "not today"/,
  ],
  "sctp_multihoming.ts": [
    "client: 127.0.0.3 and 127.0.0.4",
    "server: 127.0.0.1 and 127.0.0.2",
    "path to 127.0.0.1: active",
    "path to 127.0.0.2: active",
    'received "on the primary path"',
    'received "on the other path"',
    'received "on the new primary path"',
    "primary path: 127.0.0.2",
  ],
  "sctp_request_response.ts": [
    "answering: quick",
    "answering: quicker",
    "answering: slow",
    "response: slow on stream 1",
    "response: quick on stream 2",
    "response: quicker on stream 3",
    "response: given up",
  ],
  "sctp_streams.ts": ["control: flush", "log 0: started", "log 1: 100000 bytes", "log 2: stopped"],
};

const LIMIT_MS = 30_000;

/** Runs a program, and holds what it prints against what it should. */
export function expectOutput(name: string, expected: Lines): void {
  const path = new URL(`../../examples/${name}`, import.meta.url).pathname;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["run", "--no-check", "-A", path], {
    encoding: "utf8",
    timeout: LIMIT_MS,
    env: { ...process.env, NO_COLOR: "1" },
  });
  equal(status, 0, `${stdout}${stderr}`);
  equal(stderr, "");
  const lines = stdout.trimEnd().split("\n");
  for (const wanted of expected) {
    const index = lines.findIndex((line) => typeof wanted === "string" ? line === wanted : wanted.test(line));
    equal(index >= 0, true, `${wanted} is missing in\n${stdout}`);
    lines.splice(index, 1);
  }
  equal(lines.join("\n"), "", `more than expected in\n${stdout}`);
}

/**
 * The programs in examples/ and what each prints, in whatever order: several ends speak at once.
 *
 * @module
 */

import { equal } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** A line as it is, or what it looks like. */
type Lines = readonly (string | RegExp)[];

/** The programs that run on any Linux. */
export const PROGRAMS: Readonly<Record<string, Lines>> = {
  "descriptor_passing.ts": ["received: 4096 bytes for you", "seen on the other side: 42"],
  "qos_demo.ts": [
    "arrived: voice    ttl 7, dscp EF, ecn 0",
    "arrived: video    ttl 70, dscp AF41, ecn 2",
    "arrived: backup   ttl 64, dscp LE, ecn 0",
    "error:   the probe with ttl 1: port-unreachable from 127.0.0.1",
    "error:   the probe with ttl 2: port-unreachable from 127.0.0.1",
    "trace:       from here on packets have at most 65535 bytes",
    /^trace: {4}1 {2}127\.0\.0\.1 {2}[\d.]+ ms$/,
    /^trace: {3}127\.0\.0\.1 reached in \d+ ms$/,
    "pathMtu: 65535 bytes to 127.0.0.1",
  ],
  "qos_errors.ts": [
    ...[0, 1, 2].map((index) => `closed port ${index}: port-unreachable from 127.0.0.1`),
    'open port: heard "anybody there?"',
  ],
  "qos_packet_options.ts": [
    "voice: ttl 3, dscp EF, ecn 0",
    "video: ttl 30, dscp AF41, ecn 2",
    "backup: ttl 64, dscp LE, ecn 0",
  ],
  "shared_memory_counter.ts": ["3 workers counted to 300000"],
  "sp_access.ts": [
    "the file has mode 600",
    "connected: a process of ours",
    "received: work",
    "a second one: refused",
  ],
  "sp_bus.ts": [
    "ann heard: I am bob, I am eve",
    "bob heard: I am ann, I am eve",
    "eve heard: I am ann, I am bob",
  ],
  "sp_contexts.ts": [
    "one, answered last",
    "two, answered first",
    "sports: sports 2:1",
    "everything: weather sunny",
    "everything: sports 2:1",
  ],
  "sp_demo.ts": [
    "req:     1, 2, 3 doubled at the same time: 2, 4, 6",
    "sub:     weather sunny",
    "survey:  ann, bob, eve answered",
    ...spawnSync("nngcat", ["--version"]).status === 0
      ? ["req:     nngcat asks for 21, and gets 42", "sub:     weather rain, says nngcat"]
      : ["nngcat:  is not installed here; Debian has it in nng-utils"],
  ],
  "sp_device.ts": ["THROUGH", "THE", "MIDDLE"],
  "sp_pair.ts": ["right: ping", "left: pong", "ann: I am ann, too?", "bob: I am bob, too?"],
  "sp_pipeline.ts": ["the squares of 1 to 10 add up to 385"],
  "sp_pub_sub.ts": ["weather sunny", "weather rain"],
  "sp_req_rep.ts": ["1 doubled is 2", "2 doubled is 4", "3 doubled is 6"],
  "sp_streams.ts": ["the whole program came through"],
  "sp_survey.ts": ["ann", "bob", "time is up"],
  "sp_worker.ts": ["NOT A PROMISE"],
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

/** Only what hangs takes so long. */
const LIMIT_MS = 120_000;

/** Runs a program, and holds what it prints against what it should. */
export function expectOutput(name: string, expected: Lines): void {
  const path = fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));
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

/** `sockeye cat` over the transports that nngcat has not. */

import { deepEqual, equal, match } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { test } from "../support/harness.ts";
import { Folder } from "./nngcat.ts";
import { runSockeye, sockeyeCommand, startSockeye } from "./sockeye.ts";

const notRoot = process.getuid!() === 0 ? undefined : "raw sockets need root (CAP_NET_RAW)";
const noSetpriv = notRoot ?? (spawnSync("setpriv", ["--version"]).error === undefined ? undefined : "needs setpriv");

const TRANSPORTS = [
  { name: "udp", url: () => "udp://127.0.0.1:0", skip: undefined },
  { name: "unixgram", url: (folder: Folder) => `unixgram://${folder.path}/socket`, skip: undefined },
  { name: "ip", url: () => "ip://127.0.0.1:0", skip: notRoot },
] as const;

/** A conversation: who listens, who dials, and what either prints. */
const CONVERSATIONS = [
  { listener: ["--pull", "-C1", "-Q"], dialer: ["--push", "-D", "job"], heard: '"job"\n', answered: "" },
  { listener: ["--push", "-D", "job"], dialer: ["--pull", "-C1", "-Q"], heard: "", answered: '"job"\n' },
  { listener: ["--rep", "-D42", "-C1", "-Q"], dialer: ["--req", "-D", "?", "-Q"], heard: '"?"\n', answered: '"42"\n' },
  { listener: ["--sub", "-C1", "-Q"], dialer: ["--pub", "-D", "news"], heard: '"news"\n', answered: "" },
  {
    listener: ["--respondent", "-D", "here", "-C1", "-Q"],
    dialer: ["--surveyor", "-D", "who?", "-Q"],
    heard: '"who?"\n',
    answered: '"here"\n',
  },
  ...["--pair0", "--pair1"].map((pair) => ({
    listener: [pair, "-D", "listener", "-C1", "-Q"],
    dialer: [pair, "-D", "dialer", "-C1", "-Q"],
    heard: '"dialer"\n',
    answered: '"listener"\n',
  })),
  {
    listener: ["--bus", "-C1", "-Q"],
    dialer: ["--bus", "-D", "hop", "--recv-timeout", "1"],
    heard: '"hop"\n',
    answered: "",
  },
];

for (const { name, url, skip } of TRANSPORTS) {
  for (const { listener, dialer, heard, answered } of CONVERSATIONS) {
    test(`over ${name} ${dialer[0]} reaches ${listener[0]}`, async () => {
      using folder = new Folder();
      await using server = startSockeye(["cat", ...listener, "--listen", url(folder), "-v"]);
      const [line, address] = await server.line(/^Listening at: (.*)$/);
      await using client = startSockeye(["cat", ...dialer, "--dial", address]);

      deepEqual(await client.ended, { status: 0, stdout: answered, stderr: "" });
      deepEqual(await server.ended, { status: 0, stdout: `${line}\n${heard}`, stderr: "" });
    }, { skip });
  }
}

/** What can't be, and what is said of it. */
const COMPLAINTS: readonly (readonly [words: readonly string[], complaint: RegExp])[] = [
  [
    ["--dial", "ws://127.0.0.1:7"],
    /^Unable to create dialer for ws:.*: Not supported: there is no TLS, WebSocket or ZeroTier here$/,
  ],
  [["--listen", "tls+tcp://127.0.0.1:7"], /^Unable to create listener for tls\+tcp:.*: Not supported: there is no TLS/],
  [["--dial", "gopher://x"], /^Unable to create dialer for gopher:\/\/x: Not supported$/],
  [["--listen", "udp://127.0.0.1"], /^Unable to listen on udp:.* is no address and port; write 127\.0\.0\.1:5000/],
  [["--listen", "unixgram://"], /^Unable to listen on unixgram:.* nothing is named; write unixgram:/],
  [["--dial", "unixgram:///nonexistent/socket"], /^Unable to dial on unixgram:.*ENOENT.*start the server first/],
  [["--dial", "udp://127.0.0.1:7"], /^Unable to dial on udp:.*ECONNREFUSED.*start the server/],
];

for (const [words, complaint] of COMPLAINTS) {
  test(`what is wrong with ${words.join(" ")} is told, and what to do`, () => {
    const { status, stdout, stderr } = runSockeye(["cat", "--pull", ...words]);

    deepEqual([status, stdout], [1, ""]);
    match(stderr.trimEnd(), complaint);
    equal(stderr.split("\n").length, 2);
  });
}

test("over ip without the privilege the complaint says how to get it", () => {
  const command = sockeyeCommand(["cat", "--pull", "--listen", "ip://127.0.0.1:0"]);

  const { status, stderr } = spawnSync("setpriv", ["--bounding-set=-net_raw", "--inh-caps=-net_raw", ...command], {
    encoding: "utf8",
  });

  equal(status, 1);
  match(stderr, /^Unable to listen on ip:[^\n]*CAP_NET_RAW[^\n]*root[^\n]*setcap[^\n]*\n$/);
}, { skip: noSetpriv });

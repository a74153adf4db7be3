/** `sockeye unixgram send` and `sockeye unixgram listen`. @module */

import { deepEqual, equal, match } from "node:assert/strict";
import { UnixDatagramSocket } from "@sockeye/sockeye/qos";
import { randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "../support/harness.ts";
import { objects, type Outcome, runSockeye, startSockeye } from "./sockeye.ts";

function datagrams({ stdout }: Outcome): Record<string, unknown>[] {
  return objects(stdout).filter(({ type }) => type === "datagram");
}

test("a datagram tells which process, user and group sent it", async () => {
  const name = `@sockeye-${randomUUID()}`;
  await using server = startSockeye(["unixgram", "listen", name, "--count", "1", "--json"]);
  await server.line(/"listening"/);

  const client = runSockeye(["unixgram", "send", name, "--data", "now", "--json"]);

  equal(client.status, 0, client.stderr);
  const [{ data, length, from, credentials }] = datagrams(await server.ended);
  deepEqual([data, length], ["now", 3]);
  match(from as string, /^@/);
  const { pid, uid, gid } = credentials as Record<string, number>;
  deepEqual([pid > 0, uid, gid], [true, process.getuid!(), process.getgid!()]);
});

test("a listener on a path answers, and leaves nothing behind", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sockeye-"));
  try {
    const path = join(folder, "clock");
    await using server = startSockeye(["unixgram", "listen", path, "--echo"]);
    await server.line(/^listening on \S*clock$/);

    const client = runSockeye([
      "unixgram",
      "send",
      path,
      "--data",
      "00ff",
      "--hex",
      "--receive",
      "1",
      "--wait",
      "20",
      "--json",
    ]);

    equal(client.status, 0, client.stderr);
    deepEqual(datagrams(client).map(({ from, dataHex }) => [from, dataHex]), [[path, "00ff"]]);
    server.kill("SIGTERM");
    const { status, stdout } = await server.ended;
    equal(status, 0);
    match(stdout, /\ndatagram {2}from @\S+ {2}pid \d+ {2}uid \d+ {2}gid \d+ {2}at \S+Z {2}00ff\n$/);
    equal(existsSync(path), false);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a datagram that exceeds the limit is told of, and the next one is received", async () => {
  const name = `@sockeye-${randomUUID()}`;
  await using server = startSockeye(["unixgram", "listen", name, "--count", "1", "--json"]);
  await server.line(/"listening"/);
  await using sender = UnixDatagramSocket.bind(undefined, { sendBuffer: 400_000 });

  await sender.send(new Uint8Array(300_000), name);
  await sender.send(new TextEncoder().encode("small"), name);

  const { status, stdout } = await server.ended;
  equal(status, 0);
  deepEqual(objects(stdout).map(({ type, data }) => [type, data]), [
    ["listening", undefined],
    ["datagram-too-large", undefined],
    ["datagram", "small"],
  ]);
});

test("nobody at the other end is a failure in one line", () => {
  const { status, stderr } = runSockeye(["unixgram", "send", `/nonexistent/${randomUUID()}`, "--data", "x"]);

  equal(status, 1);
  match(stderr, /^sockeye: [^\n]*\n$/);
});

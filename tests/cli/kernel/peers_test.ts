/** The command against programs that we did not write in TypeScript: the C peer of the interop suite, and sctp_darn. @module */

import { deepEqual, equal } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { peerOnKernelHeaders } from "../../../interop/build.ts";
import { test } from "../../support/harness.ts";
import { objects, Program, runSockeye, startSockeye } from "../sockeye.ts";

const C_PEER = peerOnKernelHeaders();
const NO_C_PEER = C_PEER.path === undefined ? C_PEER.reason : undefined;
const NO_SCTP_DARN = spawnSync("sctp_darn").error === undefined ? undefined : "needs lksctp-tools";

const isMessage = ({ type }: Record<string, unknown>) => type === "message";

/** The lines of the C peer that are objects; "ready PORT" is none. */
function reports(stdout: string): Record<string, unknown>[] {
  return objects(stdout.replace(/^ready.*\n/m, ""));
}

test("an echo server in C answers with the metadata that it got", async () => {
  const words = ["listen", "--style", "many", "--local", "127.0.0.1,127.0.0.2", "--echo"];
  await using server = new Program(C_PEER.path!, words);
  const [, port] = await server.line(/^ready (\d+)/);

  const client = runSockeye([
    ...["sctp", "connect", `sctp://127.0.0.1,127.0.0.2:${port}`, "--json", "--data", "hello", "--count", "3"],
    ...["--receive", "3", "--stream", "7", "--ppid", "0x01020304", "--unordered"],
  ]);

  equal(client.status, 0, client.stderr);
  const metadata = { stream: 7, ppid: 0x01020304, unordered: true };
  for (const { stream, ppid, unordered, data } of objects(client.stdout).filter(isMessage)) {
    deepEqual({ stream, ppid, unordered, data }, { ...metadata, data: "hello" });
  }
  const served = await server.ended;
  equal(served.status, 0, served.stdout);
  const received = reports(served.stdout).filter(isMessage);
  deepEqual(
    received.map(({ stream, ppid, unordered, length }) => ({ stream, ppid, unordered, length })),
    Array(3).fill({ ...metadata, length: 5 }),
  );
}, { skip: NO_C_PEER });

for (const style of ["one-to-many", "one-to-one"]) {
  test(`a client in C gets its messages back from a ${style} server`, async () => {
    await using server = startSockeye(["sctp", "listen", "sctp://127.0.0.1:0", "--echo", "--style", style, "--json"]);
    const [, port] = await server.line(/127\.0\.0\.1:(\d+)/);
    const sends = ["--send", "stream=2,ppid=46,size=10,count=2", "--send", "stream=0,ppid=0,size=100000,unordered"];

    const peer = [
      "connect",
      "--peer",
      "127.0.0.1",
      "--peer-port",
      port,
      ...sends,
      "--expect",
      "3",
      "--end",
      "shutdown",
    ];
    await using client = new Program(C_PEER.path!, peer);

    const { status, stdout } = await client.ended;
    equal(status, 0, stdout);
    const echoes = reports(stdout).filter(isMessage);
    deepEqual(
      echoes.map(({ stream, ppid, length, unordered }) => [stream, ppid, length, unordered]).sort(),
      [[0, 0, 100_000, true], [2, 46, 10, false], [2, 46, 10, false]],
    );
  }, { skip: NO_C_PEER });
}

test("sctp_darn's line arrives with its newline and its final zero", async () => {
  await using server = startSockeye(["sctp", "listen", "sctp://127.0.0.1:0", "--count", "1", "--json"]);
  const [, port] = await server.line(/127\.0\.0\.1:(\d+)/);

  const to = ["-H", "127.0.0.1", "-P", "0", "-h", "127.0.0.1", "-p", port, "-s"];
  await using darn = new Program("sctp_darn", to, true);
  darn.write("hello\n");

  const { status, stdout } = await server.ended;
  equal(status, 0);
  const [{ data, stream, ppid }] = objects(stdout).filter(isMessage);
  deepEqual([data, stream, ppid], ["hello\n\0", 0, 0]);
}, { skip: NO_SCTP_DARN });

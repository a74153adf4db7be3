/** How `sockeye sctp listen` and `sockeye sctp connect` end, and what they say of it. @module */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { test } from "../../support/harness.ts";
import { objects, runSockeye, startSockeye } from "../sockeye.ts";

const ANY = "sctp://127.0.0.1:0";

for (const [style, signal] of [["one-to-many", "SIGINT"], ["one-to-one", "SIGTERM"]] as const) {
  test(`${signal} ends a ${style} server gracefully: its peers see a shutdown`, async () => {
    await using server = startSockeye(["sctp", "listen", ANY, "--style", style]);
    const [, url] = await server.line(/^listening on (sctp:.*)$/);
    await using client = startSockeye(["sctp", "connect", url, "--events", "--json"], { stdin: true });
    client.write("hello\n");
    await server.line(/"hello"/);

    server.kill(signal);

    deepEqual(await statusAndComplaint(server.ended), [0, ""]);
    deepEqual(await statusAndComplaint(client.ended), [0, ""]);
    const states = objects((await client.ended).stdout).map(({ state }) => state);
    ok(states.includes("shutdown-complete"), `${states}`);
    ok(!states.includes("comm-lost"), `${states}`);
  });
}

test("an interrupted client fails if something was left to do, and its peer sees a shutdown", async () => {
  await using server = startSockeye(["sctp", "listen", ANY, "--events", "--json"]);
  const [, url] = await server.line(/"address":"([^"]+)"/);
  await using client = startSockeye(["sctp", "connect", url, "--data", "x", "--receive", "1"]);
  await server.line(/"data":"x"/);

  client.kill("SIGINT");

  deepEqual(await statusAndComplaint(client.ended), [1, "sockeye: interrupted\n"]);
  await server.line(/shutdown-complete/);
});

test("an interrupted client without anything left to do is fine", async () => {
  await using server = startSockeye(["sctp", "listen", ANY]);
  const [, url] = await server.line(/^listening on (sctp:.*)$/);
  await using client = startSockeye(["sctp", "connect", url], { stdin: true });
  await client.line(/^connected/);

  client.kill("SIGTERM");

  deepEqual(await statusAndComplaint(client.ended), [0, ""]);
});

test("a peer that ends before the last message was received is a failure", async () => {
  await using server = startSockeye(["sctp", "listen", ANY, "--echo", "--count", "1"]);
  const [, url] = await server.line(/^listening on (sctp:.*)$/);

  const client = runSockeye(["sctp", "connect", url, "--data", "x", "--receive", "2", "--json"]);

  equal(client.status, 1);
  match(client.stderr, /^sockeye: the peer has ended the association\n$/);
  deepEqual(objects(client.stdout).at(-1), { type: "end", sent: 1, received: 1 });
});

test("a peer that is killed is a failure that says so", async () => {
  await using server = startSockeye(["sctp", "listen", ANY, "--style", "one-to-many"]);
  const [, url] = await server.line(/^listening on (sctp:.*)$/);
  await using client = startSockeye(["sctp", "connect", url, "--data", "x", "--receive", "1"]);
  await server.line(/"x"/);

  // The message is read: a socket that is closed by SIGKILL shuts down, and the end is too early for the client.
  server.kill("SIGKILL");

  const [status, complaint] = await statusAndComplaint(client.ended);
  equal(status, 1);
  match(complaint, /^sockeye: [^\n]*\n$/);
});

test("a server ends after --count messages, whoever sent them", async () => {
  await using server = startSockeye(["sctp", "listen", ANY, "--count", "2", "--json"]);
  const [, url] = await server.line(/"address":"([^"]+)"/);

  for (const text of ["one", "two"]) equal(runSockeye(["sctp", "connect", url, "--data", text]).status, 0);

  const { status, stdout } = await server.ended;
  equal(status, 0);
  deepEqual(objects(stdout).slice(1).map(({ data }) => data), ["one", "two"]);
});

test("a server whose --count does not come in time fails, and says how many came", () => {
  const { status, stderr } = runSockeye(["sctp", "listen", ANY, "--count", "2", "--timeout", "0.1"]);

  equal(status, 1);
  equal(stderr, "sockeye: 0 of 2 messages came; --timeout allows for more time\n");
});

test("a server without --count ends fine when its time is up", () => {
  equal(runSockeye(["sctp", "listen", ANY, "--timeout", "0.1"]).status, 0);
});

test("a client whose answer does not come in time fails", async () => {
  await using server = startSockeye(["sctp", "listen", ANY]);
  const [, url] = await server.line(/^listening on (sctp:.*)$/);

  const { status, stderr } = runSockeye(["sctp", "connect", url, "--data", "x", "--receive", "1", "--timeout", "0.3"]);

  equal(status, 1);
  equal(stderr, "sockeye: not everything was done within 0.3 s; raise --timeout\n");
});

test("a server whose reader goes away ends quietly at the next line", async () => {
  await using server = startSockeye(["sctp", "listen", ANY]);
  const [, url] = await server.line(/^listening on (sctp:.*)$/);
  server.stopReading();

  equal(runSockeye(["sctp", "connect", url, "--data", "x"]).status, 0);

  deepEqual(await statusAndComplaint(server.ended), [0, ""]);
});

async function statusAndComplaint(
  ended: Promise<{ status: number | null; stderr: string }>,
): Promise<[number | null, string]> {
  const { status, stderr } = await ended;
  return [status, stderr];
}

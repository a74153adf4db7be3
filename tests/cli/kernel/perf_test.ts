/** `sockeye sctp perf` on both ends. @module */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { test } from "../../support/harness.ts";
import { objects, type Program, runSockeye, startSockeye } from "../sockeye.ts";

async function listen(...words: string[]): Promise<{ server: Program; url: string }> {
  const server = startSockeye(["sctp", "perf", "listen", "sctp://127.0.0.1:0", ...words, "--json"]);
  const [, url] = await server.line(/"type":"listening","address":"([^"]+)"/);
  return { server, url };
}

test("a measurement gives round trips and throughput, and the server counts the same", async () => {
  const { server, url } = await listen("--count", "1");
  await using _ = server;

  const client = runSockeye([
    "sctp",
    "perf",
    "connect",
    url,
    "--count",
    "50",
    "--size",
    "100",
    "--streams",
    "3",
    "--json",
  ]);

  equal(client.status, 0, client.stderr);
  const [roundTrip, throughput] = objects(client.stdout);
  const { minUs, medianUs, p99Us, maxUs, seconds, ...rest } = roundTrip as Record<string, number>;
  deepEqual(rest, { type: "round-trip", size: 100, streams: 3, count: 50 });
  ok(0 < minUs && minUs <= medianUs && medianUs <= p99Us && p99Us <= maxUs && maxUs <= seconds * 1e6, client.stdout);
  const { messages, bytes, messagesPerSecond, bytesPerSecond } = throughput as Record<string, number>;
  deepEqual([throughput.type, messages, bytes], ["throughput", 50, 5000]);
  ok(messagesPerSecond > 0 && bytesPerSecond > 0, client.stdout);

  const served = await server.ended;
  equal(served.status, 0, served.stderr);
  const { association: _id, ...ledger } = objects(served.stdout).at(-1)!;
  deepEqual(ledger, { type: "served", pings: 50, messages: 50, bytes: 5000 });
});

test("a measurement of one kind for a given time ends by itself, and people can read it", async () => {
  const { server, url } = await listen();
  await using _ = server;

  const words = ["sctp", "perf", "connect", url, "--duration", "0.05", "--unordered", "--nodelay"];
  const roundTrips = runSockeye([...words, "--measure", "round-trip"]);
  const throughput = runSockeye([...words, "--measure", "throughput"]);

  match(roundTrips.stdout, /^round trip +64 bytes: median \d+ µs, min \d+, 99% \d+, max \d+ \(\d+ in [\d.]+ s\)\n$/);
  match(throughput.stdout, /^throughput +64 bytes on 1 stream: \d+ messages\/s, [\d.]+ MB\/s \(\d+ in [\d.]+ s\)\n$/);
});

test("a peer that does not measure is told from one that does", async () => {
  await using server = startSockeye(["sctp", "listen", "sctp://127.0.0.1:0", "--echo"]);
  const [, url] = await server.line(/^listening on (sctp:.*)$/);

  const { status, stderr } = runSockeye(["sctp", "perf", "connect", url, "--measure", "throughput", "--count", "1"]);

  equal(status, 1);
  match(stderr, /^sockeye: [^\n]*no sockeye sctp perf[^\n]*\n$/);
});

test("an interrupted server ends fine, and its client fails", async () => {
  const { server, url } = await listen();
  await using _ = server;
  await using client = startSockeye(["sctp", "perf", "connect", url, "--duration", "20", "--measure", "throughput"]);
  await using pinging = startSockeye(["sctp", "perf", "connect", url, "--count", "1"]);
  equal((await pinging.ended).status, 0);

  server.kill("SIGINT");

  equal((await server.ended).status, 0);
  const { status, stderr } = await client.ended;
  equal(status, 1);
  match(stderr, /^sockeye: [^\n]*\n$/);
});

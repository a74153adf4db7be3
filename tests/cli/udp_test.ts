/** `sockeye udp send` and `sockeye udp listen`. @module */

import { deepEqual, equal, match } from "node:assert/strict";
import { test } from "../support/harness.ts";
import { objects, type Outcome, type Program, runSockeye, startSockeye } from "./sockeye.ts";

/** Nobody listens there: it is reserved, and below what the kernel gives away. */
const CLOSED = "127.0.0.1:1";

async function listen(
  address: string,
  ...words: string[]
): Promise<{ server: Program; port: number; address: string }> {
  const server = startSockeye(["udp", "listen", address, ...words, "--json"]);
  const [, bound, port] = await server.line(/"type":"listening","address":"(.+:(\d+))"/);
  return { server, port: Number(port), address: bound };
}

function send(to: string, ...words: string[]): Outcome {
  return runSockeye(["udp", "send", to, ...words, "--json"]);
}

function arrivals({ stdout }: Outcome, type = "datagram"): Record<string, unknown>[] {
  return objects(stdout).filter((line) => line.type === type);
}

for (const [family, host, name] of [["IPv4", "127.0.0.1", "127.0.0.1"], ["IPv6", "[::1]", "::1"]]) {
  test(`a datagram over ${family} arrives as its sender asked: TTL, DSCP, ECN`, async () => {
    const { server, address } = await listen(`${host}:0`, "--count", "1");
    await using _ = server;

    const client = send(address, "--data", "grüße", "--ttl", "7", "--dscp", "EF", "--ecn", "ECT(0)");

    equal(client.status, 0, client.stderr);
    deepEqual(objects(client.stdout), [{ type: "end", sent: 1, received: 0 }]);
    const [datagram] = arrivals(await server.ended);
    const { ttl, tos, dscp, ecn, data, length, destination, interface: device } = datagram;
    deepEqual(
      { ttl, tos, dscp, ecn, data, length, destination, device },
      { ttl: 7, tos: 0xba, dscp: "EF", ecn: "ECT(0)", data: "grüße", length: 7, destination: name, device: "lo" },
    );
    equal(typeof datagram.timestamp, "number");
    match(datagram.from as string, /^(127\.0\.0\.1|\[::1\]):\d+$/);
  });
}

test("a socket for both families shows IPv4 as IPv4", async () => {
  const { server, port } = await listen("[::]:0", "--count", "2");
  await using _ = server;

  equal(send(`127.0.0.1:${port}`, "--data", "four", "--tos", "0x20").status, 0);
  equal(send(`[::1]:${port}`, "--data", "six", "--tos", "8").status, 0);

  deepEqual(
    arrivals(await server.ended).map(({ data, destination, tos }) => [data, destination, tos]),
    [["four", "127.0.0.1", 0x20], ["six", "::1", 8]],
  );
});

test("an echo comes from the address that was asked", async () => {
  const { server, port } = await listen("0.0.0.0:0", "--echo");
  await using _ = server;

  const client = send(`127.0.0.2:${port}`, "--data", "hello", "--receive", "2", "--count", "2", "--wait", "20");

  equal(client.status, 0, client.stderr);
  deepEqual(arrivals(client).map(({ from, data }) => [from, data]), [
    [`127.0.0.2:${port}`, "hello"],
    [`127.0.0.2:${port}`, "hello"],
  ]);
  deepEqual(objects(client.stdout).at(-1), { type: "end", sent: 2, received: 2 });
  server.kill("SIGINT");
  equal((await server.ended).status, 0);
});

test("an ICMP error is printed with the number of the datagram that caused it", () => {
  const { status, stdout, stderr } = send(CLOSED, "--data", "hello", "--errors");

  equal(status, 0, stderr);
  const [error, end] = objects(stdout);
  const { number, origin, name, icmpType, icmpCode, router, destination, errorCode } = error;
  deepEqual({ number, origin, name, icmpType, icmpCode, router, destination, errorCode }, {
    number: 1,
    origin: "icmp",
    name: "port-unreachable",
    icmpType: 3,
    icmpCode: 3,
    router: "127.0.0.1",
    destination: CLOSED,
    errorCode: "ECONNREFUSED",
  });
  deepEqual(end, { type: "end", sent: 1, received: 0, errors: 1 });
});

test("for people an error is a line", () => {
  const { stdout } = runSockeye(["udp", "send", CLOSED, "--size", "3", "--errors"]);

  match(stdout, /^error {5}datagram 1 {2}port-unreachable \(ECONNREFUSED\) {2}from 127\.0\.0\.1 {2}to 127\.0\.0\.1:1 /);
  match(stdout, /\nsent 1, received 0, errors 1\n$/);
});

test("for people a datagram is a line, and nothing in it reaches the terminal", async () => {
  await using server = startSockeye(["udp", "listen", "127.0.0.1:0", "--count", "1"]);
  const [, address] = await server.line(/^listening on (.*)$/);

  send(address, "--data", "1b5b324a", "--hex", "--ttl", "9", "--dscp", "af41");

  const { stdout } = await server.ended;
  match(
    stdout,
    /\ndatagram {2}from 127\.0\.0\.1:\d+ {2}to 127\.0\.0\.1 \(lo\) {2}ttl 9 {2}tos 0x88 \(AF41, Not-ECT\) {2}at 20\S+\.\d{6}Z {2}"\\u\{1b\}\[2J"\n$/,
  );
});

test("each line of standard input is a datagram", async () => {
  const { server, address } = await listen("127.0.0.1:0", "--count", "2");
  await using _ = server;
  await using client = startSockeye(["udp", "send", address, "--json"], { stdin: true });

  client.write("one\n\ntwo\n");
  client.closeInput();

  equal((await client.ended).status, 0);
  deepEqual(arrivals(await server.ended).map(({ data }) => data), ["one", "two"]);
});

test("a datagram has the size that was asked for, and may be empty", async () => {
  const { server, address } = await listen("127.0.0.1:0", "--count", "3", "--hex");
  await using _ = server;

  equal(send(address, "--data", "ab", "--size", "4").status, 0);
  equal(send(address, "--size", "2").status, 0);
  equal(send(address, "--data", "").status, 0);

  deepEqual(arrivals(await server.ended).map(({ dataHex }) => dataHex), ["61620000", "0000", ""]);
});

test("an answer that does not come is a failure, which says how long it was waited for", () => {
  const { status, stderr } = send(CLOSED, "--data", "x", "--receive", "1", "--wait", "0.05");

  equal(status, 1);
  equal(stderr, "sockeye: 0 of 1 datagrams came within 0.05 s; --wait allows for more time\n");
});

test("what exceeds a datagram is a failure in one line", () => {
  const { status, stderr } = send("127.0.0.1:9", "--size", "65508");

  equal(status, 1);
  match(stderr, /^sockeye: [^\n]*\n$/);
});

test("what is sent to a group reaches who has joined it", async () => {
  const { server, port } = await listen("0.0.0.0:0", "--join", "239.255.77.1", "--interface", "lo", "--count", "1");
  await using _ = server;

  const client = send(`239.255.77.1:${port}`, "--data", "all", "--interface", "lo");

  equal(client.status, 0, client.stderr);
  deepEqual(arrivals(await server.ended).map(({ data, destination }) => [data, destination]), [[
    "all",
    "239.255.77.1",
  ]]);
});

test("a listener whose datagrams do not come in time fails, and says how many came", () => {
  const { status, stderr } = runSockeye(["udp", "listen", "127.0.0.1:0", "--count", "1", "--timeout", "0.05"]);

  equal(status, 1);
  equal(stderr, "sockeye: 0 of 1 datagrams came; --timeout allows for more time\n");
});

test("an interrupted client with nothing left to do is fine, and one with something left is not", async () => {
  const { server, address } = await listen("127.0.0.1:0");
  await using _ = server;
  await using idle = startSockeye(["udp", "send", address], { stdin: true });
  idle.write("hello\n");
  await server.line(/"data":"hello"/);

  idle.kill("SIGTERM");

  equal((await idle.ended).status, 0);
  await using waiting = startSockeye(["udp", "send", address, "--data", "x", "--receive", "1", "--wait", "25"]);
  await server.line(/"data":"x"/);
  waiting.kill("SIGINT");
  const { status, stderr } = await waiting.ended;
  deepEqual([status, stderr], [1, "sockeye: interrupted\n"]);
});

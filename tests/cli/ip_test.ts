/** `sockeye ip send` and `sockeye ip listen`. @module */

import { deepEqual, equal, match } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { test } from "../support/harness.ts";
import { netnsUnavailable, Topology } from "../support/netns/topology.ts";
import { objects, type Program, runSockeye, sockeyeCommand, startSockeye } from "./sockeye.ts";

const NOT_ROOT = process.getuid!() === 0 ? undefined : "raw sockets need root (CAP_NET_RAW)";
const NO_SETPRIV = NOT_ROOT ?? (spawnSync("setpriv", ["--version"]).error === undefined ? undefined : "needs setpriv");

/** Nobody's; other tests use other ones, and a raw socket hears everything of its protocol. */
const PROTOCOL = "251";

/** Runs `sockeye` on a machine of its own, where nobody else's packets and errors are heard. */
async function runAlone(words: readonly string[]) {
  await using net = await Topology.create({ namespaces: ["alone"] });
  return await net.exec("alone", sockeyeCommand(words));
}

async function listen(...words: string[]): Promise<Program> {
  const server = startSockeye(["ip", "listen", ...words, "--json"]);
  await server.line(/"listening"/);
  return server;
}

for (const [host, other] of [["127.0.0.1", "127.0.0.2"], ["::1", "::1"]]) {
  test(`a packet of any protocol arrives at ${host} as its sender asked`, async () => {
    await using server = await listen(host, "--protocol", PROTOCOL, "--count", "1");

    const words = ["--data", "hello", "--ttl", "9", "--dscp", "AF41", "--ecn", "CE", "--source", other];
    const client = runSockeye(["ip", "send", host, "-P", PROTOCOL, ...words]);

    equal(client.status, 0, client.stderr);
    const [, datagram] = objects((await server.ended).stdout);
    const { from, destination, ttl, dscp, ecn, data, length, headerHex } = datagram;
    deepEqual({ from, destination, ttl, dscp, ecn, data, length }, {
      from: other,
      destination: host,
      ttl: 9,
      dscp: "AF41",
      ecn: "CE",
      data: "hello",
      length: 5,
    });
    // RFC 791 section 3.1: version 4 with five words, then the type of service.
    if (host === "127.0.0.1") match(headerHex as string, /^458b/);
    else equal(headerHex, undefined);
  }, { skip: NOT_ROOT });
}

test("an echo request made by hand is answered", async () => {
  const { code, stdout, stderr } = await runAlone([
    ...["ip", "send", "127.0.0.1", "--protocol", "icmp", "--hex", "--data", "0800f7fd00010001", "--receive", "2"],
    "--json",
  ]);

  equal(code, 0, stderr);
  // On the loopback interface a socket for ICMP sees its own packet too.
  deepEqual(objects(stdout).map(({ dataHex }) => dataHex), ["0800f7fd00010001", "0000fffd00010001", undefined]);
}, { skip: NOT_ROOT ?? netnsUnavailable() });

test("an ICMP error for a UDP header made by hand names its packet", async () => {
  const { code, stdout, stderr } = await runAlone([
    ...["ip", "send", "127.0.0.1", "--protocol", "udp", "--hex", "--data", "0001000100080000", "--errors", "--json"],
  ]);

  equal(code, 0, stderr);
  const [{ type, number, name, router, destination }] = objects(stdout);
  deepEqual({ type, number, name, router, destination }, {
    type: "error",
    number: 1,
    name: "port-unreachable",
    router: "127.0.0.1",
    destination: "127.0.0.1",
  });
}, { skip: NOT_ROOT ?? netnsUnavailable() });

test("without the privilege for raw sockets the failure names it", () => {
  const command = sockeyeCommand(["ip", "listen", "--protocol", "253"]);

  const { status, stderr } = spawnSync("setpriv", ["--bounding-set=-net_raw", "--inh-caps=-net_raw", ...command], {
    encoding: "utf8",
  });

  equal(status, 1);
  match(stderr, /^sockeye: [^\n]*CAP_NET_RAW[^\n]*\n$/);
}, { skip: NO_SETPRIV });

// trace() and pathMtu() from an address, or through an interface, that is not the one which the routes choose.

import type { PathMtuOptions, TraceOptions } from "@sockeye/sockeye/qos";
import assert from "node:assert/strict";
import { test } from "../../support/harness.ts";
import { netnsUnavailable, Topology } from "../../support/netns/topology.ts";
import { address, becomeReady, configure, FAMILIES, numberedLink, TRUTHFUL } from "./chain.ts";
import { programsMissing } from "./foreign.ts";
import { measure, summaryOf, traceAll } from "./measure.ts";

const skip = netnsUnavailable() ?? programsMissing("traceroute");

const METHODS = ["udp", "icmp", "tcp"] as const;
const PROBES = 2;
/** Everything is answered, however busy this machine is. */
const TIMEOUT_MS = 30_000;
/** A second address of the source on the first link, and one of the destination behind both links. */
const SECOND = { inet: "10.78.1.7", inet6: "fd78:1::7" };
const BEHIND = { inet: "10.79.0.1", inet6: "fd79::1" };

/** Two machines with two links between them, of which the routes prefer the first. */
async function createPair(): Promise<Topology> {
  const net = await Topology.create({
    namespaces: ["source", "destination"],
    links: [1, 2].map((number) => numberedLink("source", "destination", number)),
    sysctls: TRUTHFUL,
  });
  try {
    const ends = FAMILIES.flatMap((family) => [1, 2].map((number) => address(family, number, "to")));
    await becomeReady(net, ["source", "destination"], ends);
    const first = net.links[0].interfaces.from;
    await configure(net, "source", [
      `address add ${SECOND.inet}/24 dev ${first}`,
      `address add ${SECOND.inet6}/64 dev ${first} nodad`,
      ...FAMILIES.flatMap((family) =>
        [1, 2].map((number) => `route add ${BEHIND[family]} via ${address(family, number, "to")} metric ${number}`)
      ),
    ]);
    await configure(net, "destination", FAMILIES.map((family) => `address add ${BEHIND[family]} dev lo`));
    return net;
  } catch (error) {
    await net[Symbol.asyncDispose]();
    throw error;
  }
}

/** Where probes leave otherwise than they would, and where they go. */
function departures(net: Topology) {
  const through = net.links[1].interfaces.from;
  return FAMILIES.flatMap((family) => [
    { host: address(family, 1, "to"), source: SECOND[family] },
    { host: BEHIND[family], interface: through },
    { host: BEHIND[family], interface: through, source: address(family, 2, "from") },
  ]);
}

test("probes from another address or through another interface are answered, whatever they are", async () => {
  await using net = await createPair();
  const cases = departures(net).flatMap(({ host, ...from }) =>
    METHODS.map((method) => ({
      host,
      options: { ...from, method, probes: PROBES, maxTtl: 2, timeout: TIMEOUT_MS } satisfies TraceOptions,
    }))
  );

  const all = await traceAll(net, cases);

  all.forEach((events, index) => {
    const { reached, hops } = summaryOf(events);
    const what = JSON.stringify(cases[index]);
    assert.equal(reached, true, what);
    assert.deepEqual(hops.map(({ sent, lost }) => [sent, lost]), [[PROBES, 0]], what);
  });
}, { skip });

test("pathMtu is answered there too", async () => {
  await using net = await createPair();
  const cases = departures(net).flatMap(({ host, ...from }) =>
    (["udp", "icmp"] as const).map((method) => ({
      host,
      options: { ...from, method, timeout: TIMEOUT_MS } satisfies PathMtuOptions,
    }))
  );

  const findings = await measure(net, cases.map((one) => ({ kind: "mtu", ...one })));

  findings.forEach(({ mtu, failure }, index) => {
    assert.deepEqual([mtu?.mtu, mtu?.reached], [1500, true], `${JSON.stringify(cases[index])} ${failure?.message}`);
  });
}, { skip });

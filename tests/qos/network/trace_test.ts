// trace() on real networks: it finds the truth, and agrees with traceroute and tracepath that run beside it.

import type { TraceEvent, TraceOptions } from "@sockeye/sockeye/qos";
import assert from "node:assert/strict";
import { test } from "../../support/harness.ts";
import { type IpPacket, ipPacket, udpDatagram } from "../../support/ip_packets.ts";
import { netnsUnavailable } from "../../support/netns/topology.ts";
import type { CapturedPacket } from "../../support/pcap.ts";
import { Capture } from "./capture.ts";
import { BALANCED_TTL, configure, createChain, FAMILIES, silence, SILENT_TTL, type Truth } from "./chain.ts";
import { programsMissing, tracepath, traceroute } from "./foreign.ts";
import { eventsOf, foundBy, measure, PATIENT, summaryOf, traceAll } from "./measure.ts";
import { assertHops, assertMtu } from "./truth.ts";

const skip = netnsUnavailable() ?? programsMissing("traceroute", "tracepath", "tcpdump");

/** The ways to probe, each with that of traceroute, and how a destination answers where nobody listens. */
const WAYS = {
  "UDP to port after port": { options: {}, traceroute: [], answer: "icmp" },
  "UDP of one flow": { options: { flow: "stable" }, traceroute: ["-U"], answer: "icmp" },
  "ICMP": { options: { method: "icmp" }, traceroute: ["-I"], answer: "echo-reply" },
  "TCP": { options: { method: "tcp" }, traceroute: ["-T"], answer: "reset" },
  "TCP of one flow": { options: { method: "tcp", flow: "stable" }, traceroute: ["-T"], answer: "reset" },
} as const satisfies Record<string, { options: TraceOptions; traceroute: string[]; answer: string }>;

const PROBES = 5;
/** What Linux gives to its own packets. */
const DEFAULT_TTL = 64;

/** traceroute(8): the port of the first UDP probe. */
const FIRST_PORT = 33434;
/** Which of the chain's links leads into r3b. */
const INTO_R3B = 3;
const SERVER_PORT = 8080;
const SERVER = `
  const listener = Deno.listen({ hostname: "::", port: ${SERVER_PORT} });
  console.log("ready");
  for await (const connection of listener) connection.close();
`;

/** Each reply and each silence is as the network is made. */
function assertReplies(events: readonly TraceEvent[], truth: Truth, answer: string): void {
  const last = truth.hops.length;
  for (const reply of eventsOf(events, "reply")) {
    const what = JSON.stringify(reply);
    const isLast = reply.ttl === last;
    assert(truth.hops[reply.ttl - 1].includes(reply.router), what);
    assert.equal(reply.isDestination, isLast, what);
    assert.equal(reply.answer, isLast ? answer : "icmp", what);
    if (!isLast) assert.equal(reply.icmp?.name, "time-exceeded", what);
    assert.equal(reply.annotation, undefined, what);
    assert.equal(reply.isCertain, true, what);
    // The way back is as long as the way there.
    assert.equal(reply.replyTtl, DEFAULT_TTL + 1 - reply.ttl, what);
    assert(reply.rtt > 0 && reply.rtt < 3000, what);
  }
  assert(eventsOf(events, "timeout").every(({ ttl }) => ttl === SILENT_TTL || ttl > last));
  assert.deepEqual(eventsOf(events, "reached").map(({ ttl, address }) => [ttl, address]), [[last, truth.destination]]);
  const { reached, hops } = summaryOf(events);
  assert.equal(reached, true);
  for (const { ttl, sent, lost } of hops) assert.deepEqual([sent, lost], [PROBES, ttl === SILENT_TTL ? PROBES : 0]);
}

test("a trace finds every router of the chain in every way, and so does traceroute", async () => {
  await using chain = await createChain();
  const cases = FAMILIES.flatMap((family) =>
    Object.entries(WAYS).map(([name, way]) => ({ name, way, truth: chain.truth[family] }))
  );

  const [ours, theirs] = await Promise.all([
    traceAll(
      chain.net,
      cases.map(({ truth, way }) => ({ host: truth.destination, options: { ...way.options, probes: PROBES } })),
    ),
    Promise.all(cases.map(({ truth, way }) => traceroute(chain.net, truth.destination, ...way.traceroute))),
  ]);

  cases.forEach(({ name, way, truth }, index) => {
    const found = foundBy(ours[index]);
    assertHops(found, truth);
    assertHops(theirs[index], truth);
    assertReplies(ours[index], truth, way.answer);
    const isOneFlow = way.options !== WAYS["UDP to port after port"].options && way.options !== WAYS.TCP.options;
    if (isOneFlow) assert.equal(found.hops[BALANCED_TTL - 1].routers.length, 1, `${name} takes one of equal paths`);
  });
}, { skip });

test(
  "a trace with many ports finds every router of a balanced pair, one with a single flow none but its own",
  async () => {
    await using chain = await createChain();
    const here = { firstTtl: BALANCED_TTL, maxTtl: BALANCED_TTL, probes: 40, window: 40 };
    const flows: TraceOptions[] = [
      {},
      { method: "tcp" },
      ...Array.from({ length: 24 }, () => ({ flow: "stable" as const })),
    ];
    const cases = FAMILIES.flatMap((family) => flows.map((options) => ({ truth: chain.truth[family], options })));

    const all = await traceAll(
      chain.net,
      cases.map(({ truth, options }) => ({ host: truth.destination, options: { ...here, ...options } })),
    );

    const found = all.map((events) => foundBy(events).hops[0].routers);
    for (const family of FAMILIES) {
      const both = [...chain.truth[family].hops[BALANCED_TTL - 1]].sort();
      const ofFamily = found.filter((_, index) => cases[index].truth === chain.truth[family]);
      const [udp, tcp, ...stable] = ofFamily;
      assert.deepEqual([udp, tcp], [both, both]);
      assert(stable.every((routers) => routers.length === 1));
      // Each flow takes one way, not all of them the same.
      assert.deepEqual([...new Set(stable.flat())].sort(), both);
    }
  },
  { skip },
);

test("a trace with --mtu finds where the MTU falls and to what, and so do traceroute --mtu and tracepath", async () => {
  await using chain = await createChain();
  const methods = ["udp", "icmp"] as const;
  const cases = FAMILIES.flatMap((family) => methods.map((method) => ({ truth: chain.truth[family], method })));

  const [ours, theirs] = await Promise.all([
    traceAll(
      chain.net,
      cases.map(({ truth, method }) => ({ host: truth.destination, options: { method, mtu: true } })),
    ),
    Promise.all(FAMILIES.flatMap((family) => {
      const [truth, alias] = [chain.truth[family], chain.alias[family]];
      return [
        traceroute(chain.net, truth.destination, "--mtu", "-q", "1").then((found) => ({ found, truth })),
        tracepath(chain.net, alias.destination).then((found) => ({ found, truth: alias })),
      ];
    })),
  ]);

  for (const { found, truth } of theirs) {
    assertHops(found, truth);
    assertMtu(found, truth);
  }
  cases.forEach(({ truth }, index) => {
    const events = ours[index];
    assertHops(foundBy(events), truth);
    assertMtu(foundBy(events), truth);
    const falls = eventsOf(events, "mtu").filter(({ ttl }) => ttl > 1);
    assert.deepEqual(falls.map(({ ttl, router, mtu }) => ({ ttl, router, mtu })), truth.narrow);
  });
}, { skip });

/** How a router that refuses is marked, by traceroute and by us; Linux has no code of ICMPv6 for routes that are unreachable. */
const MARKS = {
  inet: { unreachable: "!H", prohibit: "!X", "no-route": "!N" },
  inet6: { unreachable: "!N", prohibit: "!X", "no-route": "!N" },
} as const;
/** The hop of the router that refuses. */
const REFUSING_TTL = 6;

test("where a router refuses to forward, a trace ends with the mark that traceroute shows", async () => {
  await using chain = await createChain();
  const cases = FAMILIES.flatMap((family) =>
    Object.entries(chain.truth[family].refused).map(([refusal, host]) => ({
      host,
      truth: chain.truth[family],
      mark: MARKS[family][refusal as keyof typeof MARKS.inet],
    }))
  );
  const device = chain.net.links[0].interfaces.from;
  // A machine of Linux tells an IPv4 address of refusals no more than five times at once: each asks from its own.
  const sources = Array.from({ length: 2 * cases.length }, (_, index) => `10.78.1.${10 + index}`);
  await configure(chain.net, "source", sources.map((source) => `address add ${source}/24 dev ${device}`));
  const from = (host: string, index: number) => host.includes(":") ? undefined : sources[index];
  const firstTtl = REFUSING_TTL - 1;

  const ours = await traceAll(
    chain.net,
    cases.map(({ host }, index) => ({
      host,
      options: { source: from(host, index), firstTtl, probes: 1, window: 1 },
    })),
  );
  const theirs = await Promise.all(cases.map(({ host }, index) => {
    const source = from(host, cases.length + index);
    const how = ["-N", "1", "-q", "1", "-f", String(firstTtl), ...source === undefined ? [] : ["-s", source]];
    return traceroute(chain.net, host, ...how);
  }));

  cases.forEach(({ host, truth, mark }, index) => {
    for (const { hops } of [foundBy(ours[index]), theirs[index]]) {
      assert.deepEqual(hops.map(({ ttl }) => ttl), [firstTtl, REFUSING_TTL], host);
      assert.deepEqual(hops[1].routers, truth.hops[REFUSING_TTL - 1]);
      assert.deepEqual(hops.map(({ annotations }) => annotations), [[], [mark]], host);
    }
    assert.equal(summaryOf(ours[index]).reached, false);
    const [, refusal] = eventsOf(ours[index], "reply");
    assert.deepEqual([refusal.isFinal, refusal.isDestination], [true, false]);
  });
}, { skip });

test("a trace without privileges finds as much by UDP, and says what ICMP and TCP need", async () => {
  await using chain = await createChain();
  const methods = ["udp", "icmp", "tcp"] as const;
  const cases = FAMILIES.flatMap((family) => methods.map((method) => ({ truth: chain.truth[family], method })));

  const findings = await measure(
    chain.net,
    cases.map(({ truth, method }) => ({
      kind: "trace",
      host: truth.destination,
      options: { ...PATIENT, method, probes: PROBES },
    })),
    false,
  );

  cases.forEach(({ truth, method }, index) => {
    const { events, failure } = findings[index];
    if (method === "udp") {
      assertHops(foundBy(events!), truth);
      assertReplies(events!, truth, "icmp");
    } else {
      assert.equal(failure?.name, "UnsupportedError");
      assert.match(failure.message, /CAP_NET_RAW/);
    }
  });
}, { skip });

test("a trace by TCP reaches a server, whose answers are not resets", async () => {
  await using chain = await createChain();
  const server = chain.net.spawn("destination", [Deno.execPath(), "eval", SERVER], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise((resolve) => server.stdout!.once("data", resolve));

  const hosts = FAMILIES.map((family) => chain.truth[family].destination);
  const all = await traceAll(
    chain.net,
    hosts.map((host) => ({ host, options: { method: "tcp", port: SERVER_PORT, probes: PROBES } })),
  );

  FAMILIES.forEach((family, index) => assertReplies(all[index], chain.truth[family], "syn-ack"));
}, { skip });

test("a trace of a path that swallows one of two flows counts as lost what was lost, probe by probe", async () => {
  await using chain = await createChain();
  const { net, truth } = chain;
  const device = net.links[INTO_R3B].interfaces.to;
  await configure(net, "r3b", [`-4 rule add iif ${device} blackhole`, `-6 rule add iif ${device} blackhole`]);
  using capture = await Capture.start(net, { namespace: "r3b", interface: device, arguments: ["udp"] });

  const all = await traceAll(
    net,
    FAMILIES.map((family) => ({ host: truth[family].destination, options: { probes: 10, maxTtl: 7, window: 70 } })),
  );
  const probes = all.flatMap((events, index) =>
    eventsOf(events, "sent").map(({ ttl, probe }, number) => ({
      ...{ ttl, probe, flow: `${FAMILIES[index]} ${FIRST_PORT + number}` },
      isAnswered: eventsOf(events, "reply").some((reply) => reply.ttl === ttl && reply.probe === probe),
    }))
  );
  const lost = probes.filter(({ ttl, isAnswered }) => !isAnswered && ttl !== SILENT_TTL);
  const swallowed = new Set<string>();
  await capture.until((news) => {
    for (const packet of news) swallowed.add(flowOf(packet));
    return lost.every(({ flow }) => swallowed.has(flow));
  });

  assert.equal(await capture.stop(), 0);
  assert(lost.length > 0);
  for (const { ttl, probe, flow, isAnswered } of probes) {
    const isLost = swallowed.has(flow) || ttl === SILENT_TTL;
    assert.equal(isAnswered, !isLost, `probe ${probe} of hop ${ttl}, ${flow}`);
  }
  for (const events of all) {
    for (const { sent, lost, probes } of summaryOf(events).hops) {
      assert.deepEqual([sent, lost], [10, probes.filter((reply) => reply === null).length]);
    }
  }
}, { skip });

test("a host that sends no ICMP is reached by TCP only, as by traceroute", async () => {
  await using chain = await createChain();
  await silence(chain.net, "destination");
  const maxTtl = 9;
  const cases = FAMILIES.flatMap((family) =>
    [WAYS["UDP to port after port"], WAYS.ICMP, WAYS.TCP].map((way) => ({ way, truth: chain.truth[family] }))
  );

  const [ours, theirs] = await Promise.all([
    traceAll(
      chain.net,
      cases.map(({ truth, way }) => ({ host: truth.destination, options: { ...way.options, maxTtl, window: 32 } })),
    ),
    Promise.all(
      cases.map(({ truth, way }) =>
        traceroute(chain.net, truth.destination, "-m", String(maxTtl), "-N", "32", ...way.traceroute)
      ),
    ),
  ]);

  cases.forEach(({ truth, way }, index) => {
    const isReached = way === WAYS.TCP;
    const hops = isReached ? truth.hops : [...truth.hops.slice(0, -1), [], [], []];
    for (const found of [foundBy(ours[index]), theirs[index]]) {
      assert.deepEqual(found.hops.map(({ routers }) => routers.length > 0), hops.map((routers) => routers.length > 0));
      assert(found.hops.every(({ routers, ttl }) => routers.every((router) => hops[ttl - 1].includes(router))));
    }
    assert.equal(summaryOf(ours[index]).reached, isReached);
  });
}, { skip });

test("each probe of a trace is on the wire as the trace says, with the options that it was given", async () => {
  await using chain = await createChain();
  const { net, truth } = chain;
  const methods = ["udp", "icmp", "tcp"] as const;
  const cases = FAMILIES.flatMap((family) => methods.map((method) => ({ family, method })));
  using capture = await Capture.start(net, { namespace: "r1", interface: net.links[0].interfaces.to });

  const all = await traceAll(
    net,
    cases.map(({ family, method }) => ({
      host: truth[family].destination,
      options: {
        ...{ method, dscp: "AF41", ecn: 1, dontFragment: true, ...method === "tcp" ? {} : { size: 333 } },
        ...family === "inet6" ? { flowLabel: 0x12345 } : {},
      },
    })),
  );
  const expected = all.flatMap((events, index) =>
    eventsOf(events, "sent").map(({ ttl, size }) => {
      const { family, method } = cases[index];
      return `${family} ${method}: TTL ${ttl}, ${size} bytes, ${family === "inet" ? 0 : 0x12345}`;
    })
  ).sort();
  const probes: IpPacket[] = [];
  await capture.until((news) => {
    probes.push(...news.flatMap(probeIn));
    return probes.length >= expected.length;
  });

  assert.equal(await capture.stop(), 0);
  const seen = probes.map(({ family, protocol, ttl, length, flowLabel }) =>
    `${family} ${PROTOCOLS[protocol]}: TTL ${ttl}, ${length} bytes, ${flowLabel}`
  );
  assert.deepEqual(seen.sort(), expected);
  assert(probes.every(({ tos, dontFragment }) => tos === (34 << 2 | 1) && dontFragment));
}, { skip });

const PROTOCOLS: Readonly<Record<number, string>> = { 1: "icmp", 6: "tcp", 17: "udp", 58: "icmp" };
const ECHO_REQUESTS = [8, 128];

/** The packet if it is a probe: on its way to the destination, and neither an error nor a question for neighbours. */
function probeIn(captured: CapturedPacket): IpPacket[] {
  const packet = ipPacket(captured);
  if (packet === undefined || !/^10\.78\.9\.2$|^fd78:0009:/.test(packet.destination)) return [];
  const method = PROTOCOLS[packet.protocol];
  const isProbe = method !== undefined && (method !== "icmp" || ECHO_REQUESTS.includes(packet.payload[0]));
  return isProbe ? [packet] : [];
}

/** Family and destination port of a captured probe, which tell it from others. */
function flowOf(captured: CapturedPacket): string {
  const packet = ipPacket(captured)!;
  return `${packet.family} ${udpDatagram({ ...packet, fragments: [packet] }).destinationPort}`;
}

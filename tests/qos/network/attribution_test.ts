// Errors of routers land on the labels of the packets that caused them, with a thousand of them on their way at once.

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { test } from "../../support/harness.ts";
import { netnsUnavailable, tbfUnavailable, Topology } from "../../support/netns/topology.ts";
import { becomeReady, createChain, FAMILIES, type Family, numberedLink, TRUTHFUL } from "./chain.ts";
import { programsMissing } from "./foreign.ts";
import { CUT, EXTENSIONS, type Forgery, forgeryOf, forgeryProbe, HEADERS } from "./forgeries.ts";
import { answerTo, numberOf, type Order, probeOf, type ProbeSocket, type Report } from "./labelled_probes.ts";
import type { Mission, Received } from "./programs/forgery_victim.ts";
import type { SizedError, SizedOrder, SizedPacket } from "./programs/sized_probes.ts";
import type { Route } from "./programs/forging_router.ts";

const skip = netnsUnavailable() ?? tbfUnavailable() ?? programsMissing("traceroute");

const SOCKETS: readonly ProbeSocket[] = ["inet", "inet6", "dual", "raw-inet", "raw-inet6", "own"];
const COUNT = 1000;

/** The command that runs a program of ours. */
function commandOf(program: string, order: unknown): string[] {
  const path = fileURLToPath(new URL(`./programs/${program}`, import.meta.url));
  return [Deno.execPath(), "run", "-A", "--no-check", path, JSON.stringify(order)];
}

async function run(net: Topology, namespace: string, program: string, order: unknown): Promise<string> {
  const { code, stdout, stderr } = await net.exec(namespace, commandOf(program, order));
  assert.equal(code, 0, stderr);
  return stdout;
}

/** Starts a program of ours that says so many times that it is ready. */
async function start(net: Topology, namespace: string, program: string, order: unknown, times: number): Promise<void> {
  const child = net.spawn(namespace, commandOf(program, order), { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout!.setEncoding("utf8");
  for await (const text of child.stdout!) {
    said += text;
    if (said === "ready\n".repeat(times)) return;
  }
  throw new Error(`${program} said ${JSON.stringify(said)} and ended`);
}

/** The command that sets how fast packets leave the source. Those that wait when it is set stay. */
function atRate(net: Topology, rate: string): string[] {
  const device = net.links[0].interfaces.from;
  return ["tc", "qdisc", "replace", "dev", device, "root", "tbf", "rate", rate, "burst", "4kb", "limit", "64mb"];
}

/** From now on a few packets get through, and the others wait until all are there. */
async function hold(net: Topology): Promise<void> {
  const { code, stderr } = await net.exec("source", atRate(net, "8kbit"));
  assert.equal(code, 0, stderr);
}

test("each of 1,000 probes on their way at once to several destinations has its error land on its label", async () => {
  await using chain = await createChain();
  const { net, truth } = chain;
  const destinationsOf = (
    family: "inet" | "inet6",
  ) => [truth[family].destination, ...Object.values(truth[family].refused)];
  const destinations = { inet: destinationsOf("inet"), inet6: destinationsOf("inet6") };

  for (const socket of SOCKETS) {
    const order: Order = { socket, count: COUNT, answered: 0, destinations, release: atRate(net, "20mbit") };
    const probes = Array.from({ length: COUNT }, (_, number) => probeOf(order, number));
    const answers = probes.map((probe) => answerTo(probe, truth[probe.family]));
    order.answered = answers.filter((answer) => answer !== undefined).length;

    await hold(net);
    const report: Report = JSON.parse(await run(net, "source", "labelled_probes.ts", order));

    const numbers = new Set<number>();
    for (const error of report.errors) {
      const number = numberOf(order, error);
      const [probe, answer] = [probes[number], answers[number]];
      const of = `${socket}, probe ${number} with TTL ${probe?.ttl} to ${probe?.destination}: ${JSON.stringify(error)}`;
      assert.equal(error.label, number, of);
      assert.equal(error.address, probe.destination, of);
      assert(answer?.routers.includes(error.router!), of);
      assert.equal(error.name === "time-exceeded", answer!.expired, of);
      numbers.add(number);
    }
    assert.equal(numbers.size, order.answered, `${socket}: each probe that is answered has one error`);
    assert.equal(report.errors.length, order.answered);
    assert(report.early < COUNT / 10, `${socket}: ${report.early} errors came back before all probes were sent`);
  }
}, { skip });

test("whatever a router sends back, extensions are told, and a label is the packet's own or none", async () => {
  const namespaces = ["source", "router"];
  await using net = await Topology.create({
    namespaces,
    links: [numberedLink("source", "router", 1)],
    sysctls: TRUTHFUL,
  });
  const [inet, inet6] = net.links[0].addresses.to;
  await becomeReady(net, namespaces, [inet, inet6]);
  const route: Route = { addresses: { inet, inet6 }, port: 7000 };
  await start(net, "router", "forging_router.ts", route, 2);

  for (const family of FAMILIES) {
    const mission: Mission = { to: { family, address: route.addresses[family], port: route.port }, count: 450 };
    const received: Received[] = JSON.parse(await run(net, "source", "forgery_victim.ts", mission));

    // The router answers in order.
    assert.equal(received.length, mission.count);
    received.forEach((error, number) => {
      const payload = forgeryProbe(number);
      assertForged(error, number, payload, forgeryOf(payload), family, mission);
    });
  }
}, { skip });

function assertForged(
  error: Received,
  number: number,
  payload: Uint8Array,
  forgery: Forgery,
  family: Family,
  { to, count }: Mission,
): void {
  const of = `${family}, probe ${number}, ${forgery}: ${JSON.stringify(error)}`;
  const isExtended = forgery === "extended" || forgery === "extended by an old router";
  const isMoreThanHeaders = forgery !== "headers only";
  const isPackets = isMoreThanHeaders && forgery !== "altered" && forgery !== "of another port";

  assert.equal(error.label, isPackets ? number : undefined, of);
  assert.deepEqual(error.extensions, isExtended ? EXTENSIONS : [], of);
  assert.deepEqual([error.name, error.router], ["time-exceeded", to.address], of);
  assert.equal(error.port, forgery === "of another port" ? to.port ^ 1 : to.port, of);
  // Without a payload it can be any of them.
  if (!isMoreThanHeaders) assert(error.candidates.length > 1 && error.candidates.length <= count, of);
  else assert.deepEqual(error.candidates, [], of);
  if (!isPackets) return;
  const left = forgery === "cut"
    ? CUT
    : isExtended || forgery === "with an unsound extension"
    ? 128 - HEADERS[family]
    : 999;
  assert.deepEqual(error.data, [...payload.subarray(0, left)], of);
}

test("packets that are too large for a link come back, whatever was sent behind them", async () => {
  await using chain = await createChain();
  const { net } = chain;

  for (const family of FAMILIES) {
    const { destination, narrow: [narrow, narrower] } = chain.truth[family];
    const payload = (packet: number) => packet - HEADERS[family];
    const packets: SizedPacket[] = [
      // The path is not known yet, and this machine's own link takes 1500 bytes.
      { label: "too large for this machine", size: payload(1501), fill: 5, dontFragment: true },
      { label: "whole", size: payload(narrower.mtu), fill: 1, dontFragment: "probe" },
      { label: "too large for the second", size: payload(narrower.mtu + 1), fill: 2, dontFragment: "probe" },
      { label: "too large for the first", size: payload(narrow.mtu + 1), fill: 3, dontFragment: "probe" },
      // These differ in nothing but their sizes: an MTU tells some of them apart, for certain.
      { label: "large", size: payload(1250), fill: 4, dontFragment: "probe" },
      { label: "larger", size: payload(1350), fill: 4, dontFragment: "probe" },
      { label: "largest", size: payload(1500), fill: 4, dontFragment: "probe" },
      { label: "may be cut", size: payload(1280), fill: 6, dontFragment: false },
    ];
    const order: SizedOrder = {
      to: { family, address: destination, port: 5000 },
      packets,
      release: atRate(net, "20mbit"),
    };
    await hold(net);
    const errors: SizedError[] = JSON.parse(await run(net, "source", "sized_probes.ts", order));

    const tooBig = family === "inet" ? "fragmentation-needed" : "packet-too-big";
    const back = (
      label: string | null,
      candidates: string[],
      { router, mtu }: { router: string | null; mtu: number | null },
      name = mtu === null ? "port-unreachable" : tooBig,
    ) => ({ label, candidates, name, router, mtu });
    const arrived = { router: destination, mtu: null };
    const byText = (left: unknown, right: unknown) => JSON.stringify(left) < JSON.stringify(right) ? -1 : 1;
    assert.deepEqual(
      errors.sort(byText),
      [
        back("whole", [], arrived),
        back("too large for the second", [], narrower),
        back("too large for the first", [], narrow),
        back(null, ["large", "larger", "largest"], arrived),
        back(null, ["larger", "largest"], narrower),
        back("largest", [], narrow),
        back("too large for this machine", [], { router: null, mtu: 1500 }, "message-too-large"),
        back("may be cut", [], arrived),
      ].sort(byText),
    );
  }
}, { skip });

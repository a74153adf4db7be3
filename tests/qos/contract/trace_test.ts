import assert from "node:assert/strict";
import { createServer } from "node:net";
import { AddressError, ArgumentError } from "@sockeye/sockeye";
import { trace, type TraceEvent, type TraceOptions, type TraceSummary, UdpSocket } from "@sockeye/sockeye/qos";
import { openSockets } from "../../support/leaks.ts";
import { test } from "../../support/harness.ts";
import { portOf, withoutIPv6, withoutRaw } from "./kinds.ts";

const LOOPBACK = { inet: "127.0.0.1", inet6: "::1" } as const;
const FAMILIES = [["inet", undefined], ["inet6", withoutIPv6]] as const;

/**
 * On a busy machine the answer to one probe may take many times as long as that to another. And at a port among those that
 * the kernel gives away, ip(7), somebody may listen.
 */
const PATIENT: TraceOptions = { hereFactor: 0, nearFactor: 0, port: 20_000 };

async function traced(host: string, options: TraceOptions = {}): Promise<TraceEvent[]> {
  const events: TraceEvent[] = [];
  for await (const event of trace(host, { ...PATIENT, ...options })) events.push(event);
  return events;
}

async function summaryOf(host: string, options: TraceOptions = {}): Promise<TraceSummary> {
  return (await traced(host, options)).at(-1) as TraceSummary;
}

/** The only hop of the way to this machine itself: each probe answered by the destination. */
function assertOneHop(summary: TraceSummary, address: string, probes = 3): void {
  const what = JSON.stringify(summary);
  assert.equal(summary.type, "summary");
  assert.equal(summary.reached, true, what);
  assert.equal(summary.hops.length, 1, what);
  const [hop] = summary.hops;
  assert.equal(hop.ttl, 1, what);
  assert.deepEqual(hop.routers.map((router) => [router.address, router.replies]), [[address, probes]], what);
  assert.equal(hop.lost, 0, what);
  for (const reply of hop.probes) assert.equal(reply?.isDestination, true);
}

for (const [family, skip] of FAMILIES) {
  test(`this machine is one hop away, and says so: port unreachable (${family})`, async () => {
    const summary = await summaryOf(LOOPBACK[family]);

    assertOneHop(summary, LOOPBACK[family]);
    for (const reply of summary.hops[0].probes) {
      assert.equal(reply?.icmp?.name, "port-unreachable");
      assert.equal(reply?.annotation, undefined);
      assert.equal(reply?.isCertain, true);
    }
  }, { skip });

  test(`all probes of one flow have the same ports, and are told apart (${family})`, async () => {
    const events = await traced(LOOPBACK[family], { flow: "stable", probes: 5 });

    assertOneHop(events.at(-1) as TraceSummary, LOOPBACK[family], 5);
    for (const event of events) if (event.type === "reply") assert.equal(event.isCertain, true);
  }, { skip });

  test(`probes carry TTL, DSCP, ECN and size as asked for (${family})`, async () => {
    await using listener = listen(family, ["ttl", "tos"]);
    const options = { port: portOf(listener), flow: "stable", dscp: "EF", ecn: "ECT(0)", size: 333 } as const;

    const tracing = traced(LOOPBACK[family], { ...options, probes: 1, maxTtl: 1, timeout: 50 });
    const { data, ttl, dscp, ecn } = await listener.receive({ timeout: 30_000 });

    assert.equal(data.length, 333 - (family === "inet" ? 28 : 48));
    assert.deepEqual([ttl, dscp, ecn], [1, 46, 2]);
    await tracing;
  }, { skip });

  test(`a destination that answers by UDP is reached (${family})`, async () => {
    await using listener = listen(family);
    const answering = answerAll(listener);

    const summary = await summaryOf(LOOPBACK[family], { port: portOf(listener), flow: "stable" });

    assertOneHop(summary, LOOPBACK[family]);
    for (const reply of summary.hops[0].probes) assert.deepEqual([reply?.answer, reply?.icmp], ["udp", undefined]);
    listener.close();
    await answering;
  }, { skip });

  test(`with mtu the local link shows what it carries (${family})`, async () => {
    const events = await traced(LOOPBACK[family], { mtu: true });

    const steps = events.filter((event) => event.type === "mtu");
    assert.deepEqual(steps, [{ type: "mtu", ttl: 1, router: undefined, mtu: 65535 }]);
    assertOneHop(events.at(-1) as TraceSummary, LOOPBACK[family]);
    assert.equal((events.at(-1) as TraceSummary).mtu, 65535);
  }, { skip });

  test(`an echo request is answered by its destination (${family})`, async () => {
    const summary = await summaryOf(LOOPBACK[family], { method: "icmp" });

    assertOneHop(summary, LOOPBACK[family]);
    for (const reply of summary.hops[0].probes) assert.equal(reply?.answer, "echo-reply");
  }, { skip: withoutRaw ?? skip });

  test(`echo requests of several traces at a time are told apart (${family})`, async () => {
    const traces = Array.from({ length: 8 }, () => summaryOf(LOOPBACK[family], { method: "icmp", probes: 10 }));

    for (const summary of await Promise.all(traces)) assertOneHop(summary, LOOPBACK[family], 10);
  }, { skip: withoutRaw ?? skip });

  for (const flow of ["classic", "stable"] as const) {
    test(`a connection request to a port where nobody listens is reset (${family}, ${flow})`, async () => {
      const summary = await summaryOf(LOOPBACK[family], { method: "tcp", flow });

      assertOneHop(summary, LOOPBACK[family]);
      for (const reply of summary.hops[0].probes) assert.equal(reply?.answer, "reset");
    }, { skip: withoutRaw ?? skip });
  }

  test(`a connection request to a server is accepted, and no connection comes of it (${family})`, async () => {
    const { port, close, connections } = await freePort(LOOPBACK[family]);

    const summary = await summaryOf(LOOPBACK[family], { method: "tcp", port });

    assertOneHop(summary, LOOPBACK[family]);
    for (const reply of summary.hops[0].probes) assert.equal(reply?.answer, "syn-ack");
    await close();
    assert.equal(connections(), 0);
  }, { skip: withoutRaw ?? skip });
}

test("events come in order: the target, each probe before its answer, the summary", async () => {
  const events = await traced("127.0.0.1", { probes: 4, port: undefined });

  const [target] = events;
  assert.deepEqual(target, {
    type: "target",
    hostname: "127.0.0.1",
    address: "127.0.0.1",
    family: "inet",
    method: "udp",
    port: 33434,
    firstTtl: 1,
    maxTtl: 30,
    probes: 4,
    size: 60,
  });
  const sent = new Set<string>();
  for (const event of events) {
    if (event.type === "sent") sent.add(`${event.ttl}/${event.probe}`);
    if (event.type === "reply") assert.ok(sent.has(`${event.ttl}/${event.probe}`));
  }
  assert.deepEqual(events.filter(({ type }) => type === "reached"), [{
    type: "reached",
    ttl: 1,
    address: "127.0.0.1",
  }]);
  assert.equal(events.findIndex(({ type }) => type === "summary"), events.length - 1);
});

test("a round-trip time is positive, and no longer than the trace", async () => {
  const { hops: [hop], duration } = await summaryOf("127.0.0.1", { probes: 10, window: 3 });

  for (const reply of hop.probes) assert.ok(reply!.rtt > 0 && reply!.rtt <= duration, `${reply!.rtt}`);
  assert.ok(hop.best! <= hop.avg! && hop.avg! <= hop.worst!);
  assert.equal(hop.last, hop.probes.at(-1)!.rtt);
});

test("a host name is resolved, in the family that is asked for", async () => {
  const [target] = await traced("localhost", { family: "inet" });

  assert.ok(target.type === "target");
  assert.deepEqual([target.hostname, target.address], ["localhost", "127.0.0.1"]);
});

test("an IPv4-mapped address is traced by IPv4", async () => {
  assertOneHop(await summaryOf("::ffff:127.0.0.1"), "127.0.0.1");
});

test("the name of an address, or that there is none, is told once, and is in the summary", async () => {
  const events = await traced("127.0.0.1", { names: true });

  const names = events.filter((event) => event.type === "name");
  assert.deepEqual(names.map(({ address }) => address), ["127.0.0.1"]);
  assert.equal((events.at(-1) as TraceSummary).hops[0].routers[0].name, names[0].name);
});

test("a probe that nobody answers is given up", async () => {
  await using silent = listen("inet");

  const events = await traced("127.0.0.1", { port: portOf(silent), flow: "stable", maxTtl: 2, probes: 2, timeout: 20 });

  const timeouts = events.filter((event) => event.type === "timeout").map(({ ttl, probe }) => [ttl, probe]);
  assert.deepEqual(timeouts, [[1, 0], [1, 1], [2, 0], [2, 1]]);
  const { reached, hops } = events.at(-1) as TraceSummary;
  assert.equal(reached, false);
  assert.deepEqual(hops.map(({ sent, lost, routers, best }) => [sent, lost, routers, best]), [
    [2, 2, [], undefined],
    [2, 2, [], undefined],
  ]);
});

test("the signal ends a trace at once, with its reason", async () => {
  await using silent = listen("inet");
  const controller = new AbortController();
  const reason = new Error("enough");
  const events: string[] = [];

  await assert.rejects(async () => {
    for await (
      const { type } of trace("127.0.0.1", { port: portOf(silent), flow: "stable", signal: controller.signal })
    ) {
      events.push(type);
      if (events.length === 17) queueMicrotask(() => controller.abort(reason));
    }
  }, (error) => error === reason);

  assert.equal(events.filter((type) => type === "sent").length, 16);
});

test("after the signal no event comes any more", async () => {
  for (const last of ["target", "sent", "reply", "reached", "name"]) {
    const controller = new AbortController();
    const events: string[] = [];

    const tracing = (async () => {
      for await (const { type } of trace("127.0.0.1", { names: true, signal: controller.signal })) {
        events.push(type);
        if (type === last) controller.abort(new Error("enough"));
      }
    })();

    await assert.rejects(tracing, /enough/);
    assert.equal(events.at(-1), last);
  }
});

test("a signal that is aborted already lets nothing out", async () => {
  await using listener = listen("inet");
  const signal = AbortSignal.abort(new Error("too late"));

  await assert.rejects(summaryOf("127.0.0.1", { port: portOf(listener), signal }), /too late/);

  assert.equal(listener.tryReceive(), undefined);
});

test("the signal closes the sockets also where nobody asks for the next event", async () => {
  const controller = new AbortController();
  const reason = new Error("enough");
  const events = trace("127.0.0.1", { signal: controller.signal });
  const before = openSockets();
  while ((await events.next()).value?.type !== "sent");

  controller.abort(reason);

  assert(openSockets() <= before, `${openSockets()} sockets, ${before} before`);
  await assert.rejects(events.next(), (error) => error === reason);
  assert.deepEqual(await events.next(), { done: true, value: undefined });
});

test("a loop that is left closes the sockets", async () => {
  const leave = async () => {
    for await (const { type } of trace("127.0.0.1")) if (type === "sent") break;
  };
  await leave();
  const before = openSockets();

  for (let time = 0; time < 20; time++) await leave();

  assert(openSockets() <= before, `${openSockets()} sockets, ${before} before`);
});

test("many traces at a time don't mix up their answers", async () => {
  const summaries = await Promise.all(Array.from({ length: 30 }, () => summaryOf("127.0.0.1", { probes: 5 })));

  for (const summary of summaries) assertOneHop(summary, "127.0.0.1", 5);
});

test("options out of range are refused before anything happens", () => {
  const wrong: [string, Record<string, unknown>][] = [
    ["options.method", { method: "sctp" }],
    ["options.flow", { flow: "unstable" }],
    ["options.family", { family: 4 }],
    ["options.port", { port: 65536 }],
    ["options.firstTtl", { firstTtl: 0 }],
    ["options.maxTtl", { maxTtl: 256 }],
    ["options.maxTtl", { firstTtl: 5, maxTtl: 4 }],
    ["options.probes", { probes: 0 }],
    ["options.window", { window: 0 }],
    ["options.size", { size: 35 }],
    ["options.size", { size: 65536 }],
    ["options.timeout", { timeout: NaN }],
    ["options.pause", { pause: -1 }],
    ["options.hereFactor", { hereFactor: -1 }],
    ["options.nearFactor", { nearFactor: "10" }],
    ["options.mtu", { mtu: 1 }],
    ["options.mtu", { mtu: true, method: "tcp" }],
    ["options.names", { names: "yes" }],
    ["options.dscp", { dscp: "AF99" }],
    ["options.tos", { tos: 1, ecn: 1 }],
    ["options.dontFragment", { dontFragment: 1 }],
    ["options.flowLabel", { flowLabel: 0x100000 }],
    ["options.source", { source: "localhost" }],
    ["options.source", { source: 7 }],
  ];
  for (const [argument, options] of wrong) {
    const isIt = (error: unknown) => error instanceof ArgumentError && error.argument === argument;
    assert.throws(() => trace("127.0.0.1", options), isIt, argument);
  }
});

test("what doesn't fit the family of the host is refused before anything is sent", async () => {
  await assert.rejects(summaryOf("127.0.0.1", { flowLabel: 1 }), ArgumentError);
  await assert.rejects(summaryOf("127.0.0.1", { source: "::1" }), ArgumentError);
  await assert.rejects(summaryOf("127.0.0.1", { family: "inet6" }), AddressError);
  await assert.rejects(summaryOf("0.0.0.0"), AddressError);
  await assert.rejects(summaryOf(undefined as unknown as string), ArgumentError);
});

/** A socket that says nothing by itself. */
function listen(family: "inet" | "inet6", info: ("ttl" | "tos")[] = []): UdpSocket {
  return UdpSocket.bind(family === "inet" ? "127.0.0.1:0" : "[::1]:0", { info });
}

async function answerAll(socket: UdpSocket): Promise<void> {
  for await (const { data, from } of socket) await socket.send(data, from);
}

/** A server at a port of its own. */
async function freePort(host: string) {
  let accepted = 0;
  const server = createServer((connection) => {
    accepted++;
    connection.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as { port: number };
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
  return { port, close, connections: () => accepted };
}

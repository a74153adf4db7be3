import assert from "node:assert/strict";
import type { TraceEvent, TraceReply } from "../../qos/trace/events.ts";
import { TraceSchedule } from "../../qos/trace/schedule.ts";
import { test } from "../support/harness.ts";
import {
  ANSWER,
  chain,
  chance,
  DEFAULTS,
  simulate,
  type SimulatedNetwork,
  type SimulatedTrace,
} from "./trace_network.ts";

function of<Type extends TraceEvent["type"]>(trace: SimulatedTrace, type: Type) {
  return trace.events.filter((event) =>
    event.type === type
  ) as (Extract<TraceEvent, { type: Type }> & { at: number })[];
}

/** Each hop's answers in the order of its probes: routers, and "*" for silence. */
function columns(trace: SimulatedTrace): string[] {
  const end = Math.min(Infinity, ...of(trace, "reply").filter(({ isFinal }) => isFinal).map(({ ttl }) => ttl));
  const lines: string[][] = [];
  for (const event of trace.events) {
    if (event.type !== "reply" && event.type !== "timeout" || event.ttl > end) continue;
    (lines[event.ttl] ??= [])[event.probe] = event.type === "reply" ? event.router : "*";
  }
  return lines.map((line, ttl) => `${ttl} ${line.join(" ")}`).filter(Boolean);
}

test("a clear path is found exactly, in about one round trip", () => {
  const trace = simulate({ hops: chain(5) });

  assert.deepEqual(columns(trace), [
    "1 10.0.1.1 10.0.1.1 10.0.1.1",
    "2 10.0.2.1 10.0.2.1 10.0.2.1",
    "3 10.0.3.1 10.0.3.1 10.0.3.1",
    "4 10.0.4.1 10.0.4.1 10.0.4.1",
    "5 10.0.5.1 10.0.5.1 10.0.5.1",
  ]);
  assert.deepEqual(of(trace, "reached").map(({ ttl, address }) => [ttl, address]), [[5, "10.0.5.1"]]);
  assert.ok(trace.duration < 6, `took ${trace.duration} ms`);
});

test("a round-trip time is from the send to the timestamp of the arrival", () => {
  const trace = simulate({ hops: chain(4) });

  for (const { ttl, rtt } of of(trace, "reply")) assert.ok(Math.abs(rtt - ttl) < 1e-6, `hop ${ttl}: ${rtt}`);
});

test("no more probes are in flight than the window allows", () => {
  for (const window of [1, 2, 7, 16]) {
    const trace = simulate({ hops: chain(12) }, { window });

    assert.equal(trace.most, window);
    assert.equal(of(trace, "reached")[0].ttl, 12);
  }
});

test("probes keep the pause between them", () => {
  const { departures } = simulate({ hops: chain(4, { 2: { isSilent: true } }) }, { pause: 20 });

  for (let index = 1; index < departures.length; index++) assert.ok(departures[index] - departures[index - 1] >= 20);
});

test("a silent hop is given up as soon as ten round trips of a farther one have passed", () => {
  const trace = simulate({ hops: chain(5, { 2: { isSilent: true } }) });

  assert.equal(columns(trace)[1], "2 * * *");
  const [first] = of(trace, "timeout");
  assert.ok(first.at >= 40 && first.at < 41, `given up after ${first.at} ms`);
  assert.ok(trace.duration < 41);
});

test("a lost probe of a hop that answers is given up after three of its round trips", () => {
  const trace = simulate({ hops: chain(5, { 3: { limit: { burst: 2, perSecond: 0 } } }) });

  assert.equal(columns(trace)[2], "3 10.0.3.1 10.0.3.1 *");
  const [lost] = of(trace, "timeout");
  assert.ok(lost.at >= 12 && lost.at < 13, `given up after ${lost.at} ms`);
});

test("without the factors a probe is waited for as long as the timeout says", () => {
  const trace = simulate({ hops: chain(3, { 2: { isSilent: true } }) }, { timeout: 700, here: 0, near: 0 });

  assert.ok(trace.duration >= 700 && trace.duration < 1402, `took ${trace.duration} ms`);
});

test("a path into nowhere ends at the largest TTL", () => {
  const hops = chain(3, { 3: { isSilent: true } });
  const trace = simulate({ hops }, { maxTtl: 8, timeout: 50 });

  assert.deepEqual(columns(trace).slice(2), ["3 * * *", "4 * * *", "5 * * *", "6 * * *", "7 * * *", "8 * * *"]);
  assert.deepEqual(of(trace, "reached"), []);
});

test("a router that refuses ends the path, and the destination isn't reached", () => {
  const trace = simulate({ hops: chain(6, { 4: { refusal: "!X" } }) });

  assert.deepEqual(columns(trace).length, 4);
  assert.deepEqual(of(trace, "reached"), []);
  assert.ok(
    of(trace, "reply").filter(({ ttl }) => ttl === 4).every(({ annotation, isFinal }) =>
      isFinal && annotation === "!X"
    ),
  );
});

test("a destination whose first answers are lost is asked again, and found where it is", () => {
  let found = 0;
  for (let seed = 0; seed < 3000; seed++) {
    const trace = simulate({ hops: chain(5), loss: 0.4, seed }, { probes: 1 });
    const isAskedAgain = of(trace, "sent").some(({ ttl, probe }) => ttl === 5 && probe === 1);
    if (!isAskedAgain || of(trace, "reached")[0].ttl !== 5) continue;
    found++;
    const second = of(trace, "reply").find(({ ttl, probe }) => ttl === 5 && probe === 1);
    assert.equal(second?.isDestination, true, `seed ${seed}`);
  }
  assert.ok(found > 0, "no seed has lost the first answer and not the second");
});

test("the silent hop in front of the destination costs no more than a few round trips", () => {
  const trace = simulate({ hops: chain(5, { 4: { isSilent: true } }) });

  assert.equal(columns(trace)[3], "4 * * * *");
  assert.ok(trace.duration < 80, `took ${trace.duration} ms`);
});

test("probes that overshoot the destination are not waited for", () => {
  const hops = chain(2, { 2: { limit: { burst: 3, perSecond: 0 } } });
  const trace = simulate({ hops }, { window: 64 });

  assert.ok(trace.duration < 3, `took ${trace.duration} ms`);
  assert.deepEqual(of(trace, "timeout"), []);
});

test("both routers of a balanced hop are found", () => {
  const hops = chain(4, { 2: { addresses: ["10.0.2.1", "10.0.2.2"] } });
  const trace = simulate({ hops, seed: 7 }, { probes: 8 });

  const routers = new Set(of(trace, "reply").filter(({ ttl }) => ttl === 2).map(({ router }) => router));
  assert.deepEqual(routers, new Set(["10.0.2.1", "10.0.2.2"]));
});

test("duplicates count once", () => {
  const trace = simulate({ hops: chain(5), duplicates: 1 });

  assert.equal(of(trace, "reply").length, 15);
});

test("a first TTL leaves out what is nearer", () => {
  const trace = simulate({ hops: chain(5) }, { firstTtl: 3 });

  assert.deepEqual(of(trace, "sent").filter(({ ttl }) => ttl < 3), []);
  assert.equal(of(trace, "reached")[0].ttl, 5);
});

test("an answer that doesn't say to which probe goes to the lowest hop that it fits", () => {
  const trace = simulate({ hops: chain(5), vague: 1 });

  assert.deepEqual(columns(trace), columns(simulate({ hops: chain(5) })));
  // All have been sent when the first is answered.
  assert.ok(of(trace, "reply").every(({ isCertain }) => !isCertain));
});

test("a timestamp that can't be right gives way to the time of arrival", () => {
  for (const receivedAt of [undefined, 99, 151, NaN]) {
    const schedule = new TraceSchedule({ ...DEFAULTS, probes: 1, maxTtl: 1 });
    schedule.sent(schedule.next(100)!, 100);

    schedule.answer({ ...ANSWER, ids: [0], receivedAt }, 150);

    const reply = schedule.takeEvents().find(({ type }) => type === "reply") as TraceReply;
    assert.equal(reply.rtt, 50, String(receivedAt));
  }
});

test("an answer to a probe that was given up, or that never was, means nothing", () => {
  const schedule = new TraceSchedule({ ...DEFAULTS, probes: 1, maxTtl: 1, timeout: 10 });
  schedule.sent(schedule.next(100)!, 100);
  schedule.expire(110);

  schedule.answer({ ...ANSWER, ids: [0] }, 111);
  schedule.answer({ ...ANSWER, ids: [7] }, 111);
  schedule.answer({ ...ANSWER, ids: [] }, 111);

  assert.deepEqual(schedule.takeEvents().map(({ type }) => type), ["sent", "timeout"]);
});

/** A network and a way of tracing it, by chance. */
function anyNetwork(seed: number) {
  const random = chance(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const sometimes = <Value>(probability: number, value: Value): Value | undefined =>
    random() < probability ? value : undefined;
  const length = 1 + below(12);
  const hops = chain(length).map((hop, index) => ({
    ...hop,
    addresses: random() < 0.2 ? [`${hop.addresses[0]}`, `10.9.${index}.1`] : hop.addresses,
    rtt: random() * 100,
    jitter: random() < 0.5 ? random() * 60 : 0,
    isSilent: index < length - 1 && random() < 0.15,
    limit: sometimes(0.2, { burst: 1 + below(6), perSecond: below(5) }),
    refusal: sometimes(0.03, "!H"),
  }));
  const network = { hops, loss: random() * 0.4, duplicates: random() * 0.3, seed: seed + 1 };
  const firstTtl = 1 + below(3);
  const options = {
    firstTtl,
    maxTtl: firstTtl + below(16),
    probes: 1 + below(5),
    window: 1 + below(40),
    pause: random() < 0.3 ? random() * 10 : 0,
    timeout: 50 + random() * 2000,
    here: random() < 0.2 ? 0 : 3,
    near: random() < 0.2 ? 0 : 10,
  };
  return { network, options };
}

test("whatever the network does, a trace ends, and says nothing that isn't so", () => {
  for (let seed = 0; seed < 2000; seed++) {
    const { network, options } = anyNetwork(seed);
    const where = `seed ${seed}`;

    const trace = simulate(network, options);

    assert.ok(trace.most <= options.window, where);
    const sent = new Map(of(trace, "sent").map(({ ttl, probe }, id) => [`${ttl}/${probe}`, id]));
    assert.equal(sent.size, of(trace, "sent").length, `${where}: a probe left twice`);
    const settled = new Set<string>();
    for (const event of trace.events) {
      if (event.type !== "reply" && event.type !== "timeout") continue;
      const key = `${event.ttl}/${event.probe}`;
      assert.ok(!settled.has(key) && sent.has(key), `${where}: ${key} is settled twice, or was never sent`);
      settled.add(key);
      if (event.type === "reply") checkReply(event, trace, sent.get(key)!, network, where);
    }
    checkEnd(trace, network, options, settled, where);
  }
});

function checkReply(reply: TraceReply, trace: SimulatedTrace, id: number, network: SimulatedNetwork, where: string) {
  const hop = network.hops[Math.min(reply.ttl, network.hops.length) - 1];
  assert.equal(reply.router, trace.truth.get(id)!.router, where);
  assert.ok(reply.rtt >= hop.rtt - 1e-6 && reply.rtt <= hop.rtt + (hop.jitter ?? 0) + 1 + 1e-6, where);
  assert.equal(reply.isDestination, reply.ttl >= network.hops.length && hop.refusal === undefined, where);
  assert.ok(reply.isCertain, where);
}

function checkEnd(
  trace: SimulatedTrace,
  network: SimulatedNetwork,
  options: { firstTtl: number; maxTtl: number; probes: number },
  settled: Set<string>,
  where: string,
) {
  const finals = of(trace, "reply").filter(({ isFinal }) => isFinal).map(({ ttl }) => ttl);
  const last = Math.min(options.maxTtl, ...finals);
  for (let ttl = options.firstTtl; ttl <= last; ttl++) {
    for (let probe = 0; probe < options.probes; probe++) {
      assert.ok(settled.has(`${ttl}/${probe}`), `${where}: ${ttl}/${probe} is left open`);
    }
  }
  const [reached] = of(trace, "reached");
  const isFound = of(trace, "reply").some(({ ttl, isDestination }) => ttl === last && isDestination);
  assert.equal(reached?.ttl, isFound ? last : undefined, where);
  const lost = of(trace, "timeout").filter(({ ttl }) => ttl === network.hops.length);
  if (reached !== undefined && lost.length === 0 && options.firstTtl <= network.hops.length) {
    assert.equal(reached.ttl, network.hops.length, where);
  }
}

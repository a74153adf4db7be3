import assert from "node:assert/strict";
import type { TraceEvent } from "../../qos/trace/events.ts";
import { plateauBelow } from "../../qos/trace/plateaus.ts";
import { test } from "../support/harness.ts";
import { chain, chance, simulate, type SimulatedTrace } from "./trace_network.ts";

const SEARCH = { mtu: true, size: 65535 };

/** Where the path narrows: the hop that the link leads to, who said so, and the size. */
function steps(trace: SimulatedTrace) {
  return trace.events.filter((event) => event.type === "mtu").map(({ ttl, router, mtu }) => [ttl, router, mtu]);
}

function replies(trace: SimulatedTrace) {
  return trace.events.filter((event) => event.type === "reply") as Extract<TraceEvent, { type: "reply" }>[];
}

test("each link that is narrower shows, with the router in front of it", () => {
  const hops = chain(6, { 3: { mtu: 1400 }, 4: { mtu: 1450 }, 5: { mtu: 1280 } });

  const trace = simulate({ hops }, SEARCH);

  assert.deepEqual(steps(trace), [[1, undefined, 1500], [3, "10.0.2.1", 1400], [5, "10.0.4.1", 1280]]);
  assert.equal(trace.mtu, 1280);
  const found = replies(trace).map(({ ttl, probe, router, size }) => [ttl, probe, router, size]);
  const sizes = [1500, 1500, 1400, 1400, 1280, 1280];
  assert.deepEqual(
    found,
    sizes.flatMap((size, at) => [0, 1, 2].map((probe) => [at + 1, probe, `10.0.${at + 1}.1`, size])),
  );
});

test("a path as wide as the local link has one step", () => {
  assert.deepEqual(
    steps(
      simulate({ hops: chain(4, { 1: { mtu: 9000 }, 2: { mtu: 9000 }, 3: { mtu: 9000 }, 4: { mtu: 9000 } }) }, SEARCH),
    ),
    [
      [1, undefined, 9000],
    ],
  );
});

test("a router that doesn't say what fits makes the search go down common sizes", () => {
  const hops = chain(4, { 3: { mtu: 1400, toldMtu: 0 } });

  const trace = simulate({ hops }, SEARCH);

  assert.deepEqual(steps(trace).map(([ttl, , mtu]) => [ttl, mtu]), [
    [1, 1500],
    [3, 1492],
    [3, 1480],
    [3, 1476],
    [3, 1472],
    [3, 1460],
    [3, 1450],
    [3, 1440],
    [3, 1420],
    [3, 1400],
  ]);
});

test("a router that claims a size which wouldn't help is treated like one that says none", () => {
  for (const toldMtu of [1500, 9000]) {
    const trace = simulate({ hops: chain(3, { 2: { mtu: 1490, toldMtu } }) }, SEARCH);

    assert.deepEqual(steps(trace).map(([, , mtu]) => mtu), [1500, 1492, 1480]);
  }
});

test("a router that goes on complaining ends the path", () => {
  const hops = chain(4, { 3: { mtu: 40, toldMtu: 20 } });

  const trace = simulate({ hops }, SEARCH);

  assert.deepEqual(steps(trace).map(([, , mtu]) => mtu), [1500, 68]);
  assert.equal(replies(trace).at(-1)!.isFinal, true);
  assert.equal(replies(trace).at(-1)!.ttl, 3);
});

test("IPv6 doesn't go below 1280", () => {
  const trace = simulate({ hops: chain(3, { 2: { mtu: 1300, toldMtu: 600 } }) }, { ...SEARCH, family: "inet6" });

  assert.deepEqual(steps(trace).map(([, , mtu]) => mtu), [1500, 1280]);
});

test("a silent hop doesn't hold up the search for the timeout", () => {
  const hops = chain(6, { 3: { isSilent: true }, 5: { mtu: 1400 } });

  const trace = simulate({ hops }, SEARCH);

  assert.deepEqual(steps(trace), [[1, undefined, 1500], [5, "10.0.4.1", 1400]]);
  assert.ok(trace.duration < 1000, `took ${trace.duration} ms`);
});

test("probes go one after the other while hops answer, so that no router complains twice", () => {
  const trace = simulate({ hops: chain(8, { 4: { mtu: 1400 } }) }, SEARCH);

  assert.equal(trace.most, 1);
});

test("whatever the network does, the search ends, and is right where nothing got lost", () => {
  for (let seed = 0; seed < 1000; seed++) {
    const random = chance(seed);
    const below = (limit: number) => Math.floor(random() * limit);
    const length = 1 + below(10);
    const isLossy = random() < 0.5;
    const hops = chain(length).map((hop, index) => ({
      ...hop,
      rtt: 1 + random() * 80,
      mtu: random() < 0.3 ? 68 + below(1433) : 1500,
      isSilent: isLossy && index < length - 1 && random() < 0.1,
      limit: isLossy && random() < 0.1 ? { burst: 1 + below(4), perSecond: 1 } : undefined,
    }));
    const network = { hops, loss: isLossy ? random() * 0.3 : 0, duplicates: random() * 0.3, seed };

    const trace = simulate(network, { ...SEARCH, probes: 1 + below(3), timeout: 1000 });

    if (isLossy) continue;
    let mtu = hops[0].mtu;
    const truth: unknown[] = [[1, undefined, mtu]];
    for (let index = 1; index < length; index++) {
      if (hops[index].mtu >= mtu) continue;
      mtu = hops[index].mtu;
      truth.push([index + 1, hops[index - 1].addresses[0], mtu]);
    }
    assert.deepEqual(steps(trace), truth, `seed ${seed}`);
    assert.equal(trace.mtu, mtu, `seed ${seed}`);
  }
});

test("the plateau below a size is smaller, and not below what every link carries", () => {
  for (let size = 69; size <= 65535; size++) {
    assert.ok(plateauBelow(size, "inet") < size && plateauBelow(size, "inet") >= 68);
    assert.ok(plateauBelow(size, "inet6") >= 1280);
  }
});

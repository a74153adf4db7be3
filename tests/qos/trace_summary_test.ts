import assert from "node:assert/strict";
import type { TraceReply, TraceTarget } from "../../qos/trace/events.ts";
import { SummaryBuilder } from "../../qos/trace/summary.ts";
import { Wakeup } from "../../qos/trace/wakeup.ts";
import { test } from "../support/harness.ts";

const TARGET: TraceTarget = {
  type: "target",
  hostname: "example.org",
  address: "192.0.2.1",
  family: "inet",
  method: "udp",
  port: 33434,
  firstTtl: 1,
  maxTtl: 30,
  probes: 2,
  size: 60,
};

function reply(ttl: number, probe: number, router: string, rtt: number, isDestination = false): TraceReply {
  return {
    type: "reply",
    ttl,
    probe,
    router,
    rtt,
    answer: "icmp",
    icmp: undefined,
    extensions: [],
    annotation: undefined,
    isDestination,
    isFinal: isDestination,
    isCertain: true,
    replyTtl: undefined,
    size: 60,
  };
}

function builder(): SummaryBuilder {
  const summary = new SummaryBuilder(TARGET);
  for (let ttl = 1; ttl <= 3; ttl++) {
    for (let probe = 0; probe < 2; probe++) summary.add({ type: "sent", ttl, probe, size: 60 });
  }
  return summary;
}

test("a summary counts what was sent and lost, and the times of what came back", () => {
  const summary = builder();
  summary.add(reply(1, 1, "10.0.0.1", 4));
  summary.add(reply(1, 0, "10.0.0.2", 1));
  summary.add({ type: "timeout", ttl: 2, probe: 0 });
  summary.add({ type: "timeout", ttl: 2, probe: 1 });
  summary.add(reply(3, 0, "192.0.2.1", 9, true));
  summary.add({ type: "name", address: "10.0.0.2", name: "gateway" });
  summary.add({ type: "reached", ttl: 3, address: "192.0.2.1" });

  const { reached, hops, mtu, duration } = summary.summary(1400, 20);

  assert.deepEqual([reached, mtu, duration], [true, 1400, 20]);
  const figures = hops.map(({ ttl, sent, lost, best, avg, worst, last }) => [ttl, sent, lost, best, avg, worst, last]);
  assert.deepEqual(figures, [
    [1, 2, 0, 1, 2.5, 4, 4],
    [2, 2, 2, undefined, undefined, undefined, undefined],
    [3, 2, 1, 9, 9, 9, 9],
  ]);
  assert.deepEqual(hops[0].routers, [
    { address: "10.0.0.2", name: "gateway", replies: 1 },
    { address: "10.0.0.1", replies: 1 },
  ]);
  assert.deepEqual(hops[2].probes.map((each) => each?.rtt), [9, undefined]);
});

test("probes beyond the end of the path don't count", () => {
  const summary = builder();
  summary.add(reply(2, 0, "192.0.2.1", 3, true));
  summary.add(reply(3, 0, "192.0.2.1", 3, true));

  assert.deepEqual(summary.summary(undefined, 1).hops.map(({ ttl }) => ttl), [1, 2]);
});

test("a probe that goes out again counts once", () => {
  const summary = builder();
  summary.add({ type: "sent", ttl: 3, probe: 0, size: 50 });
  summary.add(reply(3, 0, "10.0.0.1", 3));

  assert.equal(summary.summary(50, 1).hops[2].sent, 2);
});

test("a wait ends no sooner than it should, whatever the timers do", async () => {
  const wakeup = new Wakeup(undefined);
  for (const duration of [0.2, 1.3, 2.5, 3.7, 51.5]) {
    const began = performance.now();
    await wakeup.wait(duration);
    const took = performance.now() - began;
    assert.ok(took >= duration - 0.001, `${took} of ${duration}`);
  }
});

test("what happens before a wait ends it at once, and so does what happens during it", async () => {
  const controller = new AbortController();
  const wakeup = new Wakeup(controller.signal);

  wakeup.wake();
  await wakeup.wait(1e9);
  queueMicrotask(() => wakeup.wake());
  await wakeup.wait(1e9);
  queueMicrotask(() => controller.abort());
  await wakeup.wait(1e9);
  queueMicrotask(() => wakeup.wake());
  await wakeup.wait(40);
  wakeup.close();
});

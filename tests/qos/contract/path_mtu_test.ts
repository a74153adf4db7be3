import assert from "node:assert/strict";
import { AddressError, ArgumentError } from "@sockeye/sockeye";
import { pathMtu, UdpSocket } from "@sockeye/sockeye/qos";
import { test } from "../../support/harness.ts";
import { portOf, withoutIPv6, withoutRaw } from "./kinds.ts";

/** The kernel gives it nobody, ip(7); at others somebody may listen. */
const PORT = 20_000;

const WAYS = [
  ["127.0.0.1", "inet", "udp", undefined],
  ["127.0.0.1", "inet", "icmp", withoutRaw],
  ["::1", "inet6", "udp", withoutIPv6],
  ["::1", "inet6", "icmp", withoutIPv6 ?? withoutRaw],
] as const;

for (const [host, family, method, skip] of WAYS) {
  test(`the way to this machine itself carries the largest packets (${family}, ${method})`, async () => {
    const found = await pathMtu(host, { method, port: PORT });

    const { steps, ...rest } = found;
    assert.deepEqual(rest, {
      hostname: host,
      address: host,
      family,
      mtu: 65535,
      reached: true,
      blackHole: undefined,
    });
    assert.deepEqual(steps.map(({ size, outcome }) => [size, outcome]), [
      [family === "inet" ? 68 : 1280, "arrived"],
      [65535, "arrived"],
    ]);
    for (const { rtt } of steps) assert.ok(rtt! > 0);
  }, { skip });

  test(`nothing larger than asked for is tried (${family}, ${method})`, async () => {
    const { mtu, steps } = await pathMtu(host, { method, port: PORT, min: 1300, max: 1400 });

    assert.equal(mtu, 1400);
    assert.deepEqual(steps.map(({ size }) => size), [1300, 1400]);
  }, { skip });
}

test("a host that says nothing is not reached, and no black hole", async () => {
  await using silent = UdpSocket.bind("127.0.0.1:0");

  const found = await pathMtu("127.0.0.1", { port: portOf(silent), max: 1500, timeout: 20 });

  assert.deepEqual([found.mtu, found.reached, found.blackHole], [1500, false, undefined]);
  assert.deepEqual(found.steps.map(({ outcome }) => outcome), ["lost", "lost"]);
});

test("the signal ends a search at once, with its reason", async () => {
  await using silent = UdpSocket.bind("127.0.0.1:0");
  const controller = new AbortController();
  const reason = new Error("enough");

  const searching = pathMtu("127.0.0.1", { port: portOf(silent), signal: controller.signal });
  await silent.receive({ timeout: 30_000 });
  controller.abort(reason);

  await assert.rejects(searching, (error) => error === reason);
});

test("what can't be is refused", async () => {
  await assert.rejects(pathMtu("127.0.0.1", { max: 65536 }), ArgumentError);
  await assert.rejects(pathMtu("::1", { min: 1279 }), withoutIPv6 ? Error : ArgumentError);
  await assert.rejects(pathMtu("127.0.0.1", { family: "inet6" }), AddressError);
});

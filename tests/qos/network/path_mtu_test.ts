// pathMtu() on real networks: it finds the truth, also where nobody tells it.

import type { PathMtu, PathMtuOptions } from "@sockeye/sockeye/qos";
import assert from "node:assert/strict";
import { test } from "../../support/harness.ts";
import { netnsUnavailable, type Topology } from "../../support/netns/topology.ts";
import { type Chain, createChain, FAMILIES, type Family, silence, silenceTooBig } from "./chain.ts";
import { programsMissing } from "./foreign.ts";
import { measure } from "./measure.ts";

const skip = netnsUnavailable() ?? programsMissing("traceroute");

const METHODS = ["udp", "icmp"] as const;
const LOCAL_MTU = 1500;

/** What is found in each family by each method, all at a time. */
async function measureAll(chain: Chain, options: PathMtuOptions = {}): Promise<{ family: Family; found: PathMtu }[]> {
  const cases = FAMILIES.flatMap((family) => METHODS.map((method) => ({ family, method })));
  const findings = await measure(
    chain.net,
    cases.map(({ family, method }) => ({
      kind: "mtu",
      host: chain.truth[family].destination,
      options: { ...options, method },
    })),
  );
  return cases.map(({ family }, index) => ({ family, found: findings[index].mtu! }));
}

test("pathMtu finds the MTU of the chain from what the routers say, by UDP and ICMP", async () => {
  await using chain = await createChain();

  for (const { family, found } of await measureAll(chain)) {
    const { mtu, narrow, destination } = chain.truth[family];
    const { steps, ...rest } = found;
    assert.deepEqual(rest, { hostname: destination, address: destination, family, mtu, reached: true });
    const told = steps.filter(({ outcome }) => outcome === "too-big").map(({ router, mtu, size }) => ({
      router,
      mtu,
      size,
    }));
    const sizes = [LOCAL_MTU, ...narrow.map((link) => link.mtu)];
    assert.deepEqual(told, narrow.map(({ router, mtu }, index) => ({ router, mtu, size: sizes[index] })));
    assert.deepEqual(steps.at(-1)?.outcome, "arrived");
  }
}, { skip });

test("pathMtu finds the MTU of a path where one or all routers don't tell that packets are too big", async () => {
  await using chain = await createChain();
  const [first, second] = chain.truth.inet.narrow.map(({ mtu }) => mtu);

  await silenceTooBig(chain.net, "r5");
  const oneSilent = await measureAll(chain);
  await silenceTooBig(chain.net, "r6");
  const bothSilent = await measureAll(chain);

  for (const { family, found } of [...oneSilent, ...bothSilent]) {
    assert.equal(found.mtu, chain.truth[family].mtu);
    assert.equal(found.reached, true);
    assert(found.steps.some(({ outcome }) => outcome === "lost"));
    const blackHole = found.blackHole!;
    assert.equal(blackHole.arrived, found.mtu);
    // Packets vanish above 1,400 bytes, where r6 tells of those above 1,300; above 1,300 where it doesn't.
    const isOne = oneSilent.some((each) => each.found === found);
    if (!isOne) assert.equal(blackHole.lost, second + 1);
    else assert(blackHole.lost > first && blackHole.lost <= LOCAL_MTU, JSON.stringify(found));
  }
}, { skip });

test("pathMtu finds the MTU of a path where no router says anything", async () => {
  await using chain = await createChain();
  await silenceAll(chain.net);

  for (const { family, found } of await measureAll(chain)) {
    const { mtu } = chain.truth[family];
    assert.deepEqual([found.mtu, found.reached, found.blackHole], [mtu, true, { arrived: mtu, lost: mtu + 1 }]);
  }
}, { skip });

test("pathMtu says that a destination that answers nothing was not reached", async () => {
  await using chain = await createChain();
  await silence(chain.net, "destination");

  for (const { family, found } of await measureAll(chain, { timeout: 300 })) {
    // As far as the routers tell.
    assert.deepEqual([found.reached, found.mtu], [false, chain.truth[family].mtu]);
  }
}, { skip });

async function silenceAll(net: Topology): Promise<void> {
  for (const router of ["r1", "r2", "r3a", "r3b", "r5", "r6"]) await silence(net, router);
}

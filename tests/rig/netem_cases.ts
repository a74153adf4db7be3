// What links with netem do. Needs a kernel that has it: netem_test.ts finds one.

import assert from "node:assert/strict";
import { test } from "../support/harness.ts";
import { type Netem, Topology } from "../support/netns/topology.ts";
import { dropped, receive, send } from "./datagrams.ts";

async function impaired(netem: Netem): Promise<Topology> {
  return await Topology.create({ namespaces: ["a", "b"], links: [{ from: "a", to: "b", netem: { from: netem } }] });
}

test("duplicated packets arrive twice", async () => {
  await using net = await impaired({ duplicate: 100 });
  const received = await receive(net, "b", 6);

  await send(net, "a", "10.77.0.2", 3);

  assert.deepEqual((await received.lines(6)).map((line) => line[0]).sort(), ["1", "1", "2", "2", "3", "3"]);
});

test("lost packets don't arrive, from the moment that says so to the moment that ends it", async () => {
  await using net = await impaired({ delay: 1 });
  const [link] = net.links;
  const received = await receive(net, "b", 3);
  // Each end knows the other's hardware address from now on.
  await send(net, "a", "10.77.0.2", 1);
  await link.setNetem({ loss: 100 });

  await send(net, "a", "10.77.0.2", 5);
  const lost = await dropped(net, "a", link);
  await link.setNetem(undefined);
  await send(net, "a", "10.77.0.2", 2);

  assert(lost >= 5, `${lost} packets were dropped`);
  assert.deepEqual(await received.lines(3), ["1 from 10.77.0.1", "1 from 10.77.0.1", "2 from 10.77.0.1"]);
});

test("some packets overtake those that are delayed", async () => {
  await using net = await impaired({ delay: 50, reorder: 50 });
  const received = await receive(net, "b", 40);

  await send(net, "a", "10.77.0.2", 40);
  const order = (await received.lines(40)).map((line) => parseInt(line));

  assert.notDeepEqual(order, order.toSorted((left, right) => left - right));
  assert.equal(new Set(order).size, 40);
});

test("the queue says what was asked for", async () => {
  await using net = await impaired({
    delay: 10,
    jitter: 2,
    loss: 1,
    duplicate: 2,
    corrupt: 3,
    rate: 8_000_000,
    limit: 77,
  });

  const { stdout } = await net.exec("a", ["tc", "qdisc", "show", "dev", net.links[0].interfaces.from]);

  assert.match(stdout, /netem .* limit 77 delay 10ms +2ms loss 1% duplicate 2% corrupt 3% rate 8Mbit/);
});

test("impairments that make no sense are refused before anything is made", async () => {
  await assert.rejects(impaired({ loss: 101 }), RangeError);
  await assert.rejects(impaired({ reorder: 10 }), RangeError);
  await assert.rejects(impaired({ jitter: 10 }), RangeError);
});

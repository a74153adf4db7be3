// PUB/SUB, BUS and PAIR on a network that is slow and breaks.

import assert from "node:assert/strict";
import { SpMessage } from "../../../sp/message.ts";
import { BusEngine } from "../../../sp/protocol/bus.ts";
import type { Receiver } from "../../../sp/protocol/engine.ts";
import { Pair1Engine } from "../../../sp/protocol/pair1.ts";
import { PubEngine } from "../../../sp/protocol/pub.ts";
import { SubEngine } from "../../../sp/protocol/sub.ts";
import { test } from "../../support/harness.ts";
import { Network } from "../simulation/network.ts";
import { forSeeds } from "../simulation/random.ts";
import { Simulation } from "../simulation/simulation.ts";

function texts(receiver: Receiver, now: number): string[] {
  const all: string[] = [];
  for (let message = receiver.tryReceive(now); message; message = receiver.tryReceive(now)) all.push(message.text());
  return all;
}

test("a publisher sends as fast as it likes, and every message to a subscriber is got, filtered, or counted as lost", () => {
  forSeeds(20, (random) => {
    const simulation = new Simulation();
    const network = new Network(simulation, random, { latency: 40, capacity: 2 });
    const pub = new PubEngine({ sendBuffer: 3, preferNew: random.chance(0.5) });
    const subs = ["a", "ab", ""].map((topic) => {
      const sub = new SubEngine({ receiveBuffer: 4, preferNew: random.chance(0.5) });
      sub.subscribe(new TextEncoder().encode(topic));
      network.connect(pub, sub);
      return { sub, topic, got: [] as string[] };
    });
    let published = 0;
    const publish = () => {
      for (let left = random.integer(1, 5); left > 0; left--) {
        const text = `${random.pick(["a", "ab", "b"])} ${published++}`;
        assert.equal(pub.trySend(SpMessage.of(text), simulation.now), true);
      }
      if (published < 500) simulation.after(random.integer(1, 20), publish);
    };
    publish();
    for (const { sub, got } of subs) {
      const read = () => {
        got.push(...texts(sub, simulation.now));
        if (simulation.now < 20_000) simulation.after(random.integer(1, 200), read);
      };
      read();
    }
    simulation.always(() => {
      assert.ok(pub.unsent <= 3 * 3, "PUB holds too much");
      for (const { sub } of subs) assert.ok(sub.stats().unread <= 4, "SUB holds too much");
    });

    simulation.run(20_000);

    assert.equal(pub.stats().sent + pub.stats().dropped.bufferFull, published * subs.length);
    for (const { sub, topic, got } of subs) {
      assert.ok(got.length > 0 && got.every((text) => text.startsWith(topic)));
      const numbers = got.map((text) => Number(text.split(" ")[1]));
      assert.deepEqual(numbers, numbers.toSorted((a, b) => a - b), "out of order");
      const { received, filtered, dropped } = sub.stats();
      assert.ok(got.length <= received && got.length >= received - dropped.bufferFull);
      assert.ok(received + filtered <= published);
    }
    const arrived = subs.reduce((sum, { sub }) => sum + sub.stats().received + sub.stats().filtered, 0);
    const refused = subs.reduce((sum, { sub }) => sum + sub.stats().dropped.bufferFull, 0);
    assert.ok(arrived <= pub.stats().sent && arrived + refused >= pub.stats().sent);
  });
});

test("in a mesh of BUS sockets everybody gets each message of everybody else once, and none of its own", () => {
  forSeeds(10, (random) => {
    const simulation = new Simulation();
    const network = new Network(simulation, random, { latency: 40 });
    const members = Array.from({ length: 4 }, () => ({ bus: new BusEngine(), got: [] as string[] }));
    members.forEach(({ bus }, index) => members.slice(index + 1).forEach((other) => network.connect(bus, other.bus)));
    members.forEach(({ bus, got }, index) => {
      const read = (now: number) => got.push(...texts(bus, now));
      bus.onReceivable = read;
      read(0);
      for (let number = 0; number < 20; number++) {
        simulation.after(50 * number + random.integer(0, 40), () => bus.trySend(SpMessage.of(`${index}/${number}`), 0));
      }
    });

    simulation.run(10_000);

    members.forEach(({ got }, index) => {
      const expected = [0, 1, 2, 3].filter((other) => other !== index)
        .flatMap((other) => Array.from({ length: 20 }, (_, number) => `${other}/${number}`));
      assert.deepEqual(got.toSorted(), expected.toSorted());
    });
  });
});

test("of several peers a PAIR has one at a time, and its messages come once and in order", () => {
  forSeeds(20, (random) => {
    const simulation = new Simulation();
    const network = new Network(simulation, random, { latency: 20, lifetime: 150 });
    const server = new Pair1Engine({ sendBuffer: 2, receiveBuffer: 2 });
    const clients = Array.from({ length: 3 }, () => new Pair1Engine({ receiveBuffer: 2 }));
    for (const client of clients) network.connect(client, server);
    let next = 0;
    const send = () => {
      while (simulation.now < 5_000 && server.trySend(SpMessage.of(`${next}`), simulation.now)) next++;
    };
    server.onSendable = send;
    send();
    const got = clients.map((client) => {
      const numbers: number[] = [];
      const read = (now: number) => numbers.push(...texts(client, now).map(Number));
      client.onReceivable = read;
      read(0);
      return numbers;
    });
    simulation.always(() => {
      assert.ok(
        server.stats().pipes <= 1 && server.unsent <= 2 && clients.every((client) => client.stats().unread <= 3),
      );
    });

    simulation.run(6_000);

    const all = got.flat();
    assert.equal(new Set(all).size, all.length);
    for (const numbers of got) assert.deepEqual(numbers, numbers.toSorted((a, b) => a - b));
    assert.ok(all.length > 50 && server.stats().refusedPipes > 0);
  });
});

// PUSH and PULL on a network that loses and breaks.

import assert from "node:assert/strict";
import { SpMessage } from "../../../sp/message.ts";
import { PullEngine } from "../../../sp/protocol/pull.ts";
import { PushEngine } from "../../../sp/protocol/push.ts";
import { test } from "../../support/harness.ts";
import { type Conditions, FINE, Network } from "../simulation/network.ts";
import { forSeeds, type Random } from "../simulation/random.ts";
import { Simulation } from "../simulation/simulation.ts";

const SEND_BUFFER = 5;
const RECEIVE_BUFFER = 3;

interface Received {
  source: number;
  number: number;
  pipe: SpMessage["pipe"];
}

interface Scene {
  simulation: Simulation;
  network: Network;
  pushes: PushEngine[];
  pulls: PullEngine[];
  /** How many messages each PUSH has taken. */
  taken: number[];
  received: Received[];
}

/** Two PUSH sockets that send as fast as they may, and three PULL sockets that read now and then. */
function scene(random: Random, conditions: Partial<Conditions>): Scene {
  const simulation = new Simulation();
  const network = new Network(simulation, random, conditions);
  const pushes = Array.from({ length: 2 }, () => new PushEngine({ sendBuffer: SEND_BUFFER }));
  const pulls = Array.from({ length: 3 }, () => new PullEngine({ receiveBuffer: RECEIVE_BUFFER }));
  const taken = pushes.map(() => 0);
  const received: Received[] = [];
  for (const push of pushes) for (const pull of pulls) network.connect(push, pull);
  pushes.forEach((push, source) => {
    const send = () => {
      if (simulation.now > 3_000) return;
      while (push.trySend(SpMessage.of(`${source} ${taken[source]}`), simulation.now)) {
        taken[source]++;
        if (random.chance(0.2)) {
          simulation.after(random.integer(1, 20), send);
          return;
        }
      }
    };
    push.onSendable = send;
    send();
  });
  for (const pull of pulls) {
    const read = () => {
      for (let left = random.integer(1, 6); left > 0; left--) {
        const message = pull.tryReceive(simulation.now);
        if (message === undefined) break;
        const [source, number] = message.text().split(" ").map(Number);
        received.push({ source, number, pipe: message.pipe });
      }
      if (simulation.now < 10_000) simulation.after(random.integer(1, 10), read);
    };
    read();
  }
  simulation.always(() => {
    for (const pull of pulls) {
      assert.ok(pull.stats().unread <= RECEIVE_BUFFER + pull.stats().pipes, "PULL holds too much");
    }
    // What a pipe gives back when it goes comes on top of the buffer.
    for (const push of pushes) assert.ok(push.unsent <= SEND_BUFFER + 3 * network.conditions.capacity);
  });
  return { simulation, network, pushes, pulls, taken, received };
}

/** No message twice, and those by one pipe in the order of sending. */
function checkOrder(received: Received[]): void {
  const seen = new Set<string>();
  for (const { source, number } of received) {
    assert.ok(!seen.has(`${source} ${number}`), `message ${number} of ${source} came twice`);
    seen.add(`${source} ${number}`);
  }
}

test("on a network that holds, every message arrives once, and in order by each pipe", () => {
  forSeeds(20, (random) => {
    const { simulation, taken, received } = scene(random, { latency: 30 });

    simulation.run(10_000);

    checkOrder(received);
    assert.equal(received.length, taken[0] + taken[1]);
    const last = new Map<SpMessage["pipe"], number>();
    for (const { pipe, number } of received) {
      assert.ok(number > (last.get(pipe) ?? -1), "a message has overtaken another");
      last.set(pipe, number);
    }
  });
});

test("where connections break, no message arrives twice, and none is lost but what was on its way", () => {
  forSeeds(30, (random) => {
    const { simulation, network, pushes, pulls, taken, received } = scene(random, { latency: 30, lifetime: 300 });

    simulation.run(4_000);
    network.conditions = { ...network.conditions, lifetime: Infinity };
    simulation.run(10_000);

    checkOrder(received);
    const overdrawn = pulls.reduce((sum, pull) => sum + pull.stats().dropped.pipeGone, 0);
    assert.ok(network.lost > 0);
    assert.equal(received.length + network.lost + overdrawn, taken[0] + taken[1]);
    assert.deepEqual(pushes.map(({ unsent }) => unsent), [0, 0]);
  });
});

test("work is shared by those who do it: a slow receiver gets less, and holds up nobody", () => {
  forSeeds(10, (random) => {
    const simulation = new Simulation();
    const network = new Network(simulation, random, FINE);
    const push = new PushEngine();
    const [fast, slow] = [new PullEngine({ receiveBuffer: 1 }), new PullEngine({ receiveBuffer: 1 })];
    for (const pull of [fast, slow]) network.connect(push, pull);
    const done = new Map([[fast, 0], [slow, 0]]);
    const work = (pull: PullEngine, duration: number) => {
      if (pull.tryReceive(simulation.now) !== undefined) done.set(pull, done.get(pull)! + 1);
      simulation.after(duration, () => work(pull, duration));
    };
    work(fast, 1);
    work(slow, 50);
    push.onSendable = () => {
      while (push.trySend(SpMessage.of("x"), simulation.now));
    };
    push.onSendable(0);

    simulation.run(2_000);

    assert.ok(done.get(slow)! >= 35 && done.get(slow)! <= 41, `slow did ${done.get(slow)}`);
    assert.ok(done.get(fast)! > 500, `fast did ${done.get(fast)}`);
  });
});

// REQ and REP on a network that loses and breaks.

import assert from "node:assert/strict";
import { Device } from "../../../sp/protocol/device.ts";
import type { Engine } from "../../../sp/protocol/engine.ts";
import { RawRepEngine } from "../../../sp/protocol/raw_rep.ts";
import { RawReqEngine } from "../../../sp/protocol/raw_req.ts";
import { RepEngine } from "../../../sp/protocol/rep.ts";
import { ReqEngine } from "../../../sp/protocol/req.ts";
import { test } from "../../support/harness.ts";
import { Client, type Outcome, Server } from "../simulation/actors.ts";
import { type Conditions, FINE, Network } from "../simulation/network.ts";
import { forSeeds, type Random } from "../simulation/random.ts";
import { Simulation } from "../simulation/simulation.ts";

const ROUGH: Conditions = { ...FINE, latency: 30, capacity: 3, loss: 0.05, lifetime: 400 };
/** As datagrams go, more than ever. */
const SHUFFLED: Conditions = { ...ROUGH, isReordering: true, duplication: 0.2 };
const RECEIVE_BUFFER = 4;

interface Scene {
  simulation: Simulation;
  network: Network;
  clients: Client[];
  servers: Server[];
  reqs: ReqEngine[];
  reps: RepEngine[];
}

/** Three REQ sockets of four contexts each, and two REP sockets of three. */
function scene(random: Random, conditions: Conditions, resendTime: number): Scene {
  const simulation = new Simulation();
  const network = new Network(simulation, random, conditions);
  const reqs = Array.from({ length: 3 }, () => simulation.drive(new ReqEngine({ resendTime })));
  const reps = Array.from({ length: 2 }, () => new RepEngine({ receiveBuffer: RECEIVE_BUFFER }));
  const clients = reqs.flatMap((req, index) =>
    Array.from(
      { length: 4 },
      (_, context) => new Client(simulation, random, req.openContext(), `client ${index}/${context}`),
    )
  );
  const servers = reps.flatMap((rep) =>
    Array.from({ length: 3 }, () => new Server(simulation, rep.openContext(), () => random.integer(0, 40)))
  );
  simulation.always(() => {
    for (const rep of reps) assert.ok(rep.stats().unread <= RECEIVE_BUFFER + rep.stats().pipes, "REP holds too much");
    for (const req of reqs) assert.ok(req.unsent <= 4 && req.stats().unread <= 4, "REQ holds too much");
  });
  return { simulation, network, clients, servers, reqs, reps };
}

/** Lets everything go wrong for a while, and then right until all is over; how requests ended. */
function play({ simulation, network, clients }: Scene): Outcome[] {
  simulation.run(8_000);
  for (const client of clients) client.isStopped = true;
  network.conditions = FINE;
  simulation.run(20_000);
  return clients.flatMap(({ outcomes }) => outcomes);
}

function count(outcomes: Outcome[], wanted: Outcome): number {
  return outcomes.filter((outcome) => outcome === wanted).length;
}

test("every request ends in its own answer, unless it is cancelled, whatever the network does", () => {
  forSeeds(30, (random) => {
    const stage = scene(random, ROUGH, 300);
    for (const req of stage.reqs) for (const rep of stage.reps) stage.network.connect(req, rep);

    const outcomes = play(stage);

    assert.equal(count(outcomes, "pending") + count(outcomes, "no peer"), 0);
    assert.ok(count(outcomes, "answered") > 50 && count(outcomes, "cancelled") > 0 && stage.network.lost > 0);
    assert.ok(stage.reqs.every((req) => req.stats().dropped.foreign === 0));
  });
});

test("messages that overtake each other, and that come twice, change no answer", () => {
  forSeeds(30, (random) => {
    const stage = scene(random, SHUFFLED, 300);
    for (const req of stage.reqs) for (const rep of stage.reps) stage.network.connect(req, rep);

    const outcomes = play(stage);

    assert.equal(count(outcomes, "pending") + count(outcomes, "no peer"), 0);
    assert.ok(count(outcomes, "answered") > 50 && stage.network.duplicated > 0);
    // An answer that came twice, or to a question that did, is for nobody any more.
    assert.ok(stage.reqs.some((req) => req.stats().dropped.stale > 0));
  });
});

test("every request through devices ends in its own answer, unless it is cancelled", () => {
  forSeeds(20, (random) => {
    const stage = scene(random, ROUGH, 300);
    const { network } = stage;
    const devices = Array.from({ length: 3 }, () => ({ front: new RawRepEngine(), back: new RawReqEngine() }));
    const [near, , far] = devices;
    for (const { front, back } of devices) new Device(front, back).start(0);
    for (const req of stage.reqs) network.connect(req, near.front);
    network.connect(near.back, far.front);
    network.connect(near.back, devices[1].front);
    network.connect(devices[1].back, far.front);
    for (const rep of stage.reps) network.connect(far.back, rep);
    stage.simulation.always(() => checkDevices(devices));

    const outcomes = play(stage);

    assert.equal(count(outcomes, "pending") + count(outcomes, "no peer"), 0);
    assert.ok(count(outcomes, "answered") > 20);
  });
});

test("without resending, every request ends in its own answer or an error, unless it is cancelled", () => {
  forSeeds(30, (random) => {
    const stage = scene(random, { ...ROUGH, loss: 0 }, Infinity);
    for (const req of stage.reqs) for (const rep of stage.reps) stage.network.connect(req, rep);

    const outcomes = play(stage);

    assert.equal(count(outcomes, "pending"), 0);
    assert.ok(count(outcomes, "answered") > 50 && count(outcomes, "no peer") > 0);
    assert.ok(stage.reqs.every((req) => req.stats().resent === 0));
  });
});

test("where nothing goes wrong, nothing is sent twice or dropped", () => {
  forSeeds(10, (random) => {
    const stage = scene(random, FINE, 10_000);
    for (const req of stage.reqs) for (const rep of stage.reps) stage.network.connect(req, rep);

    const outcomes = play(stage);

    assert.equal(count(outcomes, "pending") + count(outcomes, "no peer"), 0);
    const asked = stage.reqs.reduce((sum, req) => sum + req.stats().sent, 0);
    assert.equal(asked, outcomes.length);
    assert.equal(stage.servers.reduce((sum, server) => sum + server.answered, 0), outcomes.length);
    const stale = stage.reqs.reduce((sum, req) => sum + req.stats().dropped.stale, 0);
    assert.ok(stale <= count(outcomes, "cancelled"));
  });
});

/** No engine of a device holds more than its buffers. */
function checkDevices(devices: { front: Engine; back: Engine }[]): void {
  for (const { front, back } of devices) {
    for (const engine of [front, back]) {
      const { unread, unsent, pipes } = engine.stats();
      assert.ok(unread <= 128 + pipes && unsent <= 64 * pipes, "a device holds too much");
    }
  }
}

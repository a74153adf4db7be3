// Devices: both directions, backpressure, refusals, chains and loops.

import assert from "node:assert/strict";
import fc from "fast-check";
import { ArgumentError } from "../../../common/errors.ts";
import { SpMessage } from "../../../sp/message.ts";
import { BusEngine } from "../../../sp/protocol/bus.ts";
import { Device } from "../../../sp/protocol/device.ts";
import { Pair1Engine } from "../../../sp/protocol/pair1.ts";
import { PubEngine } from "../../../sp/protocol/pub.ts";
import { PullEngine } from "../../../sp/protocol/pull.ts";
import { PushEngine } from "../../../sp/protocol/push.ts";
import { RawRepEngine } from "../../../sp/protocol/raw_rep.ts";
import { RawReqEngine } from "../../../sp/protocol/raw_req.ts";
import { RawRespondentEngine } from "../../../sp/protocol/raw_respondent.ts";
import { RawSubEngine } from "../../../sp/protocol/raw_sub.ts";
import { RawSurveyorEngine } from "../../../sp/protocol/raw_surveyor.ts";
import { RepEngine } from "../../../sp/protocol/rep.ts";
import { ReqEngine } from "../../../sp/protocol/req.ts";
import { RespondentEngine } from "../../../sp/protocol/respondent.ts";
import { SurveyorEngine } from "../../../sp/protocol/surveyor.ts";
import { test } from "../../support/harness.ts";
import { attach, bytesOf, hex, makeRoom } from "../simulation/fake_pipe.ts";
import { Network } from "../simulation/network.ts";
import { forSeeds, Random } from "../simulation/random.ts";
import { Simulation } from "../simulation/simulation.ts";

test("a device of one direction forwards in that one, whichever side is the front", () => {
  for (const isTurned of [false, true]) {
    const [pull, push] = [new PullEngine({ raw: true }), new PushEngine({ raw: true })];
    const [from, to] = [attach(pull, 1)[0], attach(push, 1)[0]];
    const device = isTurned ? new Device(push, pull) : new Device(pull, push);
    device.start(0);

    pull.receive(from, bytesOf(":x"), 0);

    assert.deepEqual([to.sent, device.forwarded], [[hex(":x")], 1]);
  }
});

test("subscribers behind a device get everything, and choose themselves", () => {
  const [sub, pub] = [new RawSubEngine(), new PubEngine({ raw: true })];
  const [[from], subscribers] = [attach(sub, 1), attach(pub, 2)];
  new Device(sub, pub).start(0);

  sub.receive(from, bytesOf(":any topic"), 0);

  for (const { sent } of subscribers) assert.deepEqual(sent, [hex(":any topic")]);
});

test("a device holds one message while the other side is full, and pauses the rest where it comes from", () => {
  const [pull, push] = [new PullEngine({ raw: true, receiveBuffer: 2 }), new PushEngine({ raw: true })];
  const [from, to] = [attach(pull, 1)[0], attach(push, 1, 1)[0]];
  const device = new Device(pull, push);
  device.start(0);

  for (const text of ["1", "2", "3", "4"]) pull.receive(from, bytesOf(`:${text}`), 0);
  assert.deepEqual([to.sent, device.held, from.isPaused], [[hex(":1")], 1, true]);
  makeRoom(push, to, 9);

  assert.deepEqual([to.sent, device.held, from.isPaused], [["31", "32", "33", "34"], 0, false]);
});

test("a device forwards what was there before it", () => {
  const [pull, push] = [new PullEngine({ raw: true }), new PushEngine({ raw: true })];
  const [from, to] = [attach(pull, 1)[0], attach(push, 1)[0]];
  pull.receive(from, bytesOf(":x"), 0);

  new Device(pull, push).start(0);

  assert.deepEqual(to.sent, [hex(":x")]);
});

test("a reflector gives back what it gets", () => {
  const engine = new Pair1Engine({ raw: true });
  const [pipe] = attach(engine, 1);
  new Device(engine).start(0);

  engine.receive(pipe, bytesOf("00000001:x"), 0);

  assert.deepEqual(pipe.sent, [hex("00000002:x")]);
});

test("a reflector of BUS gives to all others", () => {
  const engine = new BusEngine({ raw: true });
  const [a, b, c] = attach(engine, 3);
  new Device(engine).start(0);

  engine.receive(a, bytesOf(":x"), 0);

  assert.deepEqual([a.sent, b.sent, c.sent], [[], [hex(":x")], [hex(":x")]]);
});

test("a device of BUS takes no pipe at one side for the one with the same id at the other", () => {
  const [front, back] = [new BusEngine({ raw: true }), new BusEngine({ raw: true })];
  const [[from, beside], behind] = [attach(front, 2), attach(back, 2)];
  new Device(front, back).start(0);

  front.receive(from, bytesOf(":x"), 0);

  assert.deepEqual(behind.map(({ sent }) => sent), [[hex(":x")], [hex(":x")]]);
  assert.deepEqual([from.sent, beside.sent], [[], []]);
});

test("cooked engines, and patterns that are no peers, are refused", () => {
  assert.throws(() => new Device(new RepEngine(), new RawReqEngine()), ArgumentError);
  assert.throws(() => new Device(new RawRepEngine(), new ReqEngine()), ArgumentError);
  assert.throws(() => new Device(new RawRepEngine(), new RawSurveyorEngine()), ArgumentError);
  assert.throws(() => new Device(new RawRepEngine()), ArgumentError);
});

test("a closed device forwards nothing, and its engines live on", () => {
  const [pull, push] = [new PullEngine({ raw: true }), new PushEngine({ raw: true })];
  const [from, to] = [attach(pull, 1)[0], attach(push, 1)[0]];
  const device = new Device(pull, push);
  device.start(0);

  device.close();
  pull.receive(from, bytesOf(":x"), 0);

  assert.equal(to.sent.length, 0);
  assert.equal(pull.tryReceive(0)?.text(), "x");
});

/** Devices in a row, from the first front to the last back. */
function chain(length: number, network: Network): { front: RawRepEngine; back: RawReqEngine } {
  const devices = Array.from({ length }, () => {
    const [front, back] = [new RawRepEngine({ hopLimit: 15 }), new RawReqEngine()];
    new Device(front, back).start(0);
    return { front, back };
  });
  for (let at = 1; at < length; at++) network.connect(devices[at - 1].back, devices[at].front);
  return { front: devices[0].front, back: devices[length - 1].back };
}

test("a reply finds back through as many devices as the hop limit allows, and no request passes one more", () => {
  for (let length = 1; length <= 8; length++) {
    const simulation = new Simulation();
    const network = new Network(simulation, new Random(length));
    const { front, back } = chain(length, network);
    const [req, rep] = [new ReqEngine(), new RepEngine()];
    network.connect(req, front);
    network.connect(back, rep);

    req.trySend(SpMessage.of("x"), 0);
    simulation.run(1000);
    const request = rep.tryReceive(simulation.now);
    if (request !== undefined) rep.trySend(SpMessage.of("y"), simulation.now);
    simulation.run(2000);

    // The id is one of the eight words that the limit allows.
    assert.equal(request?.text(), length <= 7 ? "x" : undefined, `${length} devices`);
    assert.equal(req.tryReceive(simulation.now)?.text(), length <= 7 ? "y" : undefined, `${length} devices`);
    assert.equal(rep.stats().dropped.hopLimit, length <= 7 ? 0 : 1);
  }
});

test("replies find the one who asked, whatever devices are between", () => {
  fc.assert(
    fc.property(fc.nat(), fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 3 }), (seed, widths) => {
      const simulation = new Simulation();
      const network = new Network(simulation, new Random(seed));
      const clients = Array.from({ length: 3 }, () => new ReqEngine());
      const servers = Array.from({ length: 2 }, () => new RepEngine());
      // Layers of devices, each connected to all of the next.
      let layer: { back: ReqEngine | RawReqEngine }[] = clients.map((back) => ({ back }));
      for (const width of widths) {
        const next = Array.from({ length: width }, () => ({ front: new RawRepEngine(), back: new RawReqEngine() }));
        for (const { front, back } of next) {
          new Device(front, back).start(0);
          for (const before of layer) network.connect(before.back, front);
        }
        layer = next;
      }
      for (const server of servers) {
        for (const { back } of layer) network.connect(back, server);
        const serve = (now: number) => {
          for (let request = server.tryReceive(now); request !== undefined; request = server.tryReceive(now)) {
            assert.equal(server.trySend(SpMessage.of(`to ${request.text()}`), now), true);
          }
        };
        server.onReceivable = serve;
        serve(0);
      }
      clients.forEach((client, index) => client.trySend(SpMessage.of(`client ${index}`), 0));

      simulation.run(1000);

      const replies = clients.map((client) => client.tryReceive(simulation.now)?.text());
      assert.deepEqual(replies, ["to client 0", "to client 1", "to client 2"]);
    }),
    { numRuns: 50 },
  );
});

test("a loop of REQ/REP devices ends at the hop limit", () => {
  forSeeds(20, (random) => {
    const simulation = new Simulation();
    const network = new Network(simulation, random);
    const devices = Array.from({ length: 3 }, () => ({ front: new RawRepEngine(), back: new RawReqEngine() }));
    devices.forEach(({ front, back }, index) => {
      new Device(front, back).start(0);
      network.connect(back, devices[(index + 1) % 3].front);
    });
    const req = new ReqEngine({ resendTime: Infinity });
    network.connect(req, devices[0].front);

    req.trySend(SpMessage.of("x"), 0);
    simulation.run(Infinity);

    const dropped = devices.map(({ front }) => front.stats().dropped.hopLimit);
    assert.equal(dropped.reduce((sum, count) => sum + count), 1);
    assert.ok(devices.every(({ front, back }) => front.unsent === 0 && back.unsent === 0));
  });
});

test("a loop of survey devices ends at the hop limit, and the one who asked still gets each answer once per way", () => {
  forSeeds(20, (random) => {
    const simulation = new Simulation();
    const network = new Network(simulation, random, { capacity: 64 });
    const devices = Array.from(
      { length: 2 },
      () => ({ front: new RawRespondentEngine(), back: new RawSurveyorEngine() }),
    );
    devices.forEach(({ front, back }, index) => {
      new Device(front, back).start(0);
      network.connect(back, devices[(index + 1) % 2].front);
    });
    const surveyor = simulation.drive(new SurveyorEngine({ surveyTime: 1000 }));
    const respondent = new RespondentEngine();
    network.connect(surveyor, devices[0].front);
    network.connect(devices[0].back, respondent);
    const serve = (now: number) => {
      while (respondent.tryReceive(now) !== undefined) respondent.trySend(SpMessage.of("y"), now);
    };
    respondent.onReceivable = serve;
    serve(0);

    surveyor.trySend(SpMessage.of("x"), 0);
    simulation.run(Infinity);

    // Eight words at most: the id, and one for each of 1, 3, 5 or 7 devices.
    const answers: string[] = [];
    assert.throws(() => {
      for (;;) answers.push(surveyor.tryReceive(simulation.now)!.text());
    });
    assert.deepEqual(answers, ["y", "y", "y", "y"]);
    assert.ok(devices.some(({ front }) => front.stats().dropped.hopLimit > 0));
  });
});

test("a loop of PAIR 1 devices ends at the hop limit", () => {
  const simulation = new Simulation();
  const network = new Network(simulation, new Random(1));
  const devices = Array.from({ length: 3 }, () => [new Pair1Engine({ raw: true }), new Pair1Engine({ raw: true })]);
  devices.forEach(([, back], index) => network.connect(back, devices[(index + 1) % 3][0]));

  devices[0][1].trySend(new SpMessage(bytesOf(":x"), bytesOf("00000000")), 0);
  for (const [front, back] of devices) new Device(front, back).start(0);
  simulation.run(Infinity);

  const engines = devices.flat();
  assert.equal(engines.reduce((sum, engine) => sum + engine.stats().received, 0), 8);
  assert.equal(engines.reduce((sum, engine) => sum + engine.stats().dropped.hopLimit, 0), 1);
});

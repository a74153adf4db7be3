// Bytes of other people's programs: nngcat and libnng 1.5.2, nanocat and libnanomsg 1.1.5, as Debian has them.
//
// They were had from a TCP server in Python that sends the peer's greeting, records what comes, and answers with the same
// header: `nngcat --req --data hello --dial tcp://127.0.0.1:PORT`, `nanocat --rep --data hello --connect …`, and so on. The
// devices are ten lines of C: nng_device(3) and nn_device(3) between two raw sockets, with such a server at either side.

import assert from "node:assert/strict";
import { SpMessage } from "../../../sp/message.ts";
import { BusEngine } from "../../../sp/protocol/bus.ts";
import { Device, type RawEngine } from "../../../sp/protocol/device.ts";
import type { Engine, Receiver, Sender } from "../../../sp/protocol/engine.ts";
import { Pair0Engine } from "../../../sp/protocol/pair0.ts";
import { Pair1Engine } from "../../../sp/protocol/pair1.ts";
import { PubEngine } from "../../../sp/protocol/pub.ts";
import { PullEngine } from "../../../sp/protocol/pull.ts";
import { PushEngine } from "../../../sp/protocol/push.ts";
import { RawRepEngine } from "../../../sp/protocol/raw_rep.ts";
import { RawReqEngine } from "../../../sp/protocol/raw_req.ts";
import { RawRespondentEngine } from "../../../sp/protocol/raw_respondent.ts";
import { RawSurveyorEngine } from "../../../sp/protocol/raw_surveyor.ts";
import { RepEngine } from "../../../sp/protocol/rep.ts";
import { ReqEngine } from "../../../sp/protocol/req.ts";
import { RespondentEngine } from "../../../sp/protocol/respondent.ts";
import { SubEngine } from "../../../sp/protocol/sub.ts";
import { SurveyorEngine } from "../../../sp/protocol/surveyor.ts";
import { test } from "../../support/harness.ts";
import { attach, bytesOf, FakePipe, hex } from "../simulation/fake_pipe.ts";

function subscriber(): SubEngine {
  const engine = new SubEngine();
  engine.subscribe(new Uint8Array());
  return engine;
}

/** What `--data hello` puts on the wire, with ids that the programs chose at random. */
const SENT: readonly {
  program: string;
  bytes: string;
  /** The engine that does what the program does, with the id that it had. */
  sender: Engine & Sender;
  /** The engine at the other end. */
  receiver: Engine & Receiver;
}[] = [
  {
    program: "nngcat --req",
    bytes: "a44038f868656c6c6f",
    sender: new ReqEngine({ firstId: 0xa44038f8 }),
    receiver: new RepEngine(),
  },
  {
    program: "nanocat --req",
    bytes: "b35b44b768656c6c6f",
    sender: new ReqEngine({ firstId: 0xb35b44b7 }),
    receiver: new RepEngine(),
  },
  {
    program: "nngcat --surveyor",
    bytes: "d40e909968656c6c6f",
    sender: new SurveyorEngine({ firstId: 0xd40e9099 }),
    receiver: new RespondentEngine(),
  },
  {
    program: "nanocat --surveyor",
    bytes: "85bda8fb68656c6c6f",
    sender: new SurveyorEngine({ firstId: 0x85bda8fb }),
    receiver: new RespondentEngine(),
  },
  { program: "nngcat --pair1", bytes: "0000000168656c6c6f", sender: new Pair1Engine(), receiver: new Pair1Engine() },
  {
    program: "nngcat --pair0, nanocat --pair",
    bytes: "68656c6c6f",
    sender: new Pair0Engine(),
    receiver: new Pair0Engine(),
  },
  {
    program: "nngcat --push, nanocat --push",
    bytes: "68656c6c6f",
    sender: new PushEngine(),
    receiver: new PullEngine(),
  },
  { program: "nngcat --pub, nanocat --pub", bytes: "68656c6c6f", sender: new PubEngine(), receiver: subscriber() },
  { program: "nngcat --bus, nanocat --bus", bytes: "68656c6c6f", sender: new BusEngine(), receiver: new BusEngine() },
];

for (const { program, bytes, sender, receiver } of SENT) {
  test(`${sender.info.name} sends what ${program} sends, and ${receiver.info.name} understands it`, () => {
    const [out] = attach(sender, 1);
    const [into] = attach(receiver, 1);

    sender.trySend(SpMessage.of("hello"), 0);
    receiver.receive(into, bytesOf(bytes), 0);

    assert.deepEqual(out.sent, [bytes]);
    assert.equal(receiver.tryReceive(0)?.text(), "hello");
  });
}

/** Byte 5 of greetings, `0053500000xx0000`. */
const PROTOCOLS: Record<string, string> = {
  pair: "10",
  pair1: "11",
  pub: "20",
  sub: "21",
  req: "30",
  rep: "31",
  push: "50",
  pull: "51",
  surveyor: "62",
  respondent: "63",
  bus: "70",
};

test("the numbers of patterns are those of the greetings of both programs", () => {
  const engines = SENT.flatMap(({ sender, receiver }) => [sender, receiver]);
  for (const { info } of engines) {
    assert.equal(info.protocol, parseInt(PROTOCOLS[info.name], 16));
    assert.equal(info.peer, parseInt(PROTOCOLS[info.peerName], 16));
  }
});

/** To a question from behind two devices, `nngcat --rep --data hello`, `nanocat --rep …` and both respondents answer this. */
const QUESTION = "0000002a000000138000000768656c6c6f";
const ANSWER = "0000002a000000138000000768656c6c6f";

for (const create of [() => new RepEngine(), () => new RespondentEngine()]) {
  test(`${create().info.name} answers through devices as nngcat and nanocat do`, () => {
    const engine = create();
    const [pipe] = attach(engine, 1);

    engine.receive(pipe, bytesOf(QUESTION), 0);
    engine.tryReceive(0);
    engine.trySend(SpMessage.of("hello"), 0);

    assert.deepEqual(pipe.sent, [ANSWER]);
  });
}

/** What devices of libnng and libnanomsg make of what they get: the id of the pipe is theirs. */
const FORWARDED: readonly {
  device: string;
  front: () => RawEngine;
  back: () => RawEngine;
  id: number;
  request: string;
  passedOn: string;
  answer: string;
  passedBack: string;
}[] = [
  {
    device: "nng's req/rep",
    front: () => new RawRepEngine(),
    back: () => new RawReqEngine(),
    id: 0x1b472ecb,
    request: "8000000768656c6c6f",
    passedOn: "1b472ecb8000000768656c6c6f",
    answer: "1b472ecb80000007776f726c64",
    passedBack: "80000007776f726c64",
  },
  {
    device: "nanomsg's req/rep",
    front: () => new RawRepEngine(),
    back: () => new RawReqEngine(),
    id: 0x5cbaa477,
    request: "8000000768656c6c6f",
    passedOn: "5cbaa4778000000768656c6c6f",
    answer: "5cbaa47780000007776f726c64",
    passedBack: "80000007776f726c64",
  },
  {
    device: "nng's survey",
    front: () => new RawRespondentEngine(),
    back: () => new RawSurveyorEngine(),
    id: 0x68b6b236,
    request: "8000000768656c6c6f",
    passedOn: "68b6b2368000000768656c6c6f",
    answer: "68b6b23680000007776f726c64",
    passedBack: "80000007776f726c64",
  },
  {
    device: "nanomsg's survey",
    front: () => new RawRespondentEngine(),
    back: () => new RawSurveyorEngine(),
    id: 0x6b9aebe7,
    request: "8000000768656c6c6f",
    passedOn: "6b9aebe78000000768656c6c6f",
    answer: "6b9aebe780000007776f726c64",
    passedBack: "80000007776f726c64",
  },
  {
    device: "nng's pair1",
    front: () => new Pair1Engine({ raw: true }),
    back: () => new Pair1Engine({ raw: true }),
    id: 1,
    request: "0000000168656c6c6f",
    passedOn: "0000000268656c6c6f",
    answer: "00000001776f726c64",
    passedBack: "00000002776f726c64",
  },
  {
    device: "nng's bus",
    front: () => new BusEngine({ raw: true }),
    back: () => new BusEngine({ raw: true }),
    id: 1,
    request: "68656c6c6f",
    passedOn: "68656c6c6f",
    answer: "776f726c64",
    passedBack: "776f726c64",
  },
];

for (const { device, front, back, id, request, passedOn, answer, passedBack } of FORWARDED) {
  test(`our device forwards as ${device} device does`, () => {
    const [asking, answering] = [front(), back()];
    const [left, right] = [new FakePipe(id), new FakePipe(2)];
    asking.attach(left, 0);
    answering.attach(right, 0);
    new Device(asking, answering).start(0);

    asking.receive(left, bytesOf(request), 0);
    answering.receive(right, bytesOf(answer), 0);

    assert.deepEqual([left.sent, right.sent], [[passedBack], [passedOn]]);
  });
}

test("a request that nngcat sent is answered by the id that it waits for", () => {
  const engine = new RepEngine();
  const [pipe] = attach(engine, 1);
  engine.receive(pipe, bytesOf("a44038f868656c6c6f"), 0);
  engine.tryReceive(0);

  engine.trySend(SpMessage.of("world"), 0);

  assert.equal(pipe.last, hex("a44038f8:world"));
});

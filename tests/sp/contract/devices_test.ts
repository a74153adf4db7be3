/** Devices of every pattern, over every transport. */

import { ArgumentError, ClosedError } from "@sockeye/sockeye";
import {
  Bus,
  device,
  Pair,
  Pub,
  Pull,
  Push,
  Rep,
  Req,
  Respondent,
  type SpSocket,
  Sub,
  Surveyor,
} from "@sockeye/sockeye/sp";
import assert from "node:assert/strict";
import { test } from "../../support/harness.ts";
import { type Carrier, overEach, SOON } from "./carriers.ts";

/** Resolves when a socket has so many pipes. */
async function untilPipes(socket: SpSocket, count: number): Promise<void> {
  while (socket.pipes.length < count) {
    await new Promise<void>((resolve) => {
      const stop = socket.onPipe(() => {
        stop();
        resolve();
      });
    });
  }
}

/** A device between two sockets that dial it, as long as `prove` runs. */
async function between(
  carrier: Carrier,
  [left, front, back, right]: readonly [SpSocket, SpSocket, SpSocket, SpSocket],
  prove: () => Promise<void>,
): Promise<void> {
  const forwarding = device(front, back);
  const listeners = [await front.listen(carrier.url()), await back.listen(carrier.url())];
  await left.dial(listeners[0].url, SOON);
  await right.dial(listeners[1].url, SOON);
  await untilPipes(front, 1);
  await untilPipes(back, 1);

  await prove();

  for (const socket of [left, right, front, back]) await socket.close();
  await forwarding;
}

overEach("a device forwards work", async (carrier) => {
  const push = new Push();
  const pull = new Pull();
  await between(carrier, [push, new Pull({ raw: true }), new Push({ raw: true }), pull], async () => {
    // What may lose messages is given no more at a time than it holds.
    const burst = carrier.maxMessageBytes === undefined ? 500 : 10;
    for (let sent = 0; sent < 500; sent += burst) {
      const texts = Array.from({ length: burst }, (_, i) => `${sent + i}`);
      const sending = Promise.all(texts.map((text) => push.send(text, SOON)));
      for (const text of texts) assert.equal((await pull.receive(SOON)).text(), text);
      await sending;
    }
  });
});

overEach("a device forwards news, which subscribers still choose from", async (carrier) => {
  const pub = new Pub();
  const sub = new Sub();
  sub.subscribe("b");
  await between(carrier, [pub, new Sub({ raw: true }), new Pub({ raw: true }), sub], async () => {
    for (const text of ["a1", "b1", "b2"]) await pub.send(text);
    for (const text of ["b1", "b2"]) assert.equal((await sub.receive(SOON)).text(), text);
  });
});

overEach("a device forwards surveys, and answers back", async (carrier) => {
  const surveyor = new Surveyor();
  const respondent = new Respondent();
  const raw = { raw: true };
  await between(carrier, [surveyor, new Respondent(raw), new Surveyor(raw), respondent], async () => {
    const serving = respondent.serve((survey) => `${survey.text()}!`);
    for await (const answer of surveyor.survey("here", SOON)) {
      assert.equal(answer.text(), "here!");
      break;
    }
    await respondent.close();
    await serving;
  });
});

overEach("a device forwards between pairs", async (carrier) => {
  for (const version of [0, 1] as const) {
    const [left, right] = [new Pair({ version }), new Pair({ version })];
    await between(
      carrier,
      [left, new Pair({ version, raw: true }), new Pair({ version, raw: true }), right],
      async () => {
        await left.send("to the right");
        await right.send("to the left");
        assert.equal((await right.receive(SOON)).text(), "to the right");
        assert.equal((await left.receive(SOON)).text(), "to the left");
      },
    );
  }
});

overEach("a device joins two buses, and sends nothing back where it came from", async (carrier) => {
  const [left, right] = [new Bus(), new Bus()];
  await between(carrier, [left, new Bus({ raw: true }), new Bus({ raw: true }), right], async () => {
    await left.send("from the left");
    assert.equal((await right.receive(SOON)).text(), "from the left");
    await right.send("from the right");
    assert.equal((await left.receive(SOON)).text(), "from the right");
  });
});

overEach("one raw socket reflects what it receives", async (carrier) => {
  await using mirror = new Pair({ raw: true });
  const reflecting = device(mirror);
  const { url } = await mirror.listen(carrier.url());
  await using pair = new Pair();
  await pair.dial(url, SOON);

  await pair.send("who is the fairest?");

  assert.equal((await pair.receive(SOON)).text(), "who is the fairest?");
  await mirror.close();
  await reflecting;
});

test("a loop of devices ends at the hop limit", async () => {
  const raw = { raw: true, hopLimit: 4 };
  const [rep, req] = [new Rep(raw), new Req(raw)];
  await rep.listen("inproc://loop");
  await req.dial("inproc://loop");
  const forwarding = device(rep, req);
  await using asking = new Req();
  await asking.dial("inproc://loop");

  await assert.rejects(asking.request("round and round", { timeout: 50 }), { name: "TimeoutError" });

  assert.equal(rep.stats().dropped.hopLimit, 1);
  await rep.close();
  await req.close();
  await forwarding;
});

test("devices take raw sockets of one pattern only", async () => {
  await using req = new Req({ raw: true });
  await using rep = new Rep();
  await using pull = new Pull({ raw: true });

  await assert.rejects(device(req, rep), ArgumentError);
  await assert.rejects(device(req, pull), ArgumentError);
  await pull.close();
  await assert.rejects(device(pull), ClosedError);
});

test("a signal ends a device, and leaves its sockets open", async () => {
  await using front = new Bus({ raw: true });
  await using back = new Bus({ raw: true });
  const ended = new AbortController();
  const forwarding = device(front, back, { signal: ended.signal });

  ended.abort();

  await forwarding;
  assert.equal(front.isClosed || back.isClosed, false);
});

/** Messages that are too large for the peer, or for what is in between. */

import { MessageTooLargeError, type SockeyeError } from "@sockeye/sockeye";
import {
  Bus,
  device,
  Pair,
  Pub,
  Pull,
  Push,
  type ReceiveCalls,
  Rep,
  Req,
  Respondent,
  type SendCalls,
  type SpErrorDetails,
  type SpPipe,
  type SpSocket,
  Sub,
  Surveyor,
} from "@sockeye/sockeye/sp";
import assert from "node:assert/strict";
import { type Carrier, overEach, SOON } from "./carriers.ts";

/** How much the peers of these tests take, header included. */
const LIMIT = 1000;

/** Joins a socket to one that takes at most so much, and gives the pipe to it. */
async function joinTo(carrier: Carrier, small: SpSocket, socket: SpSocket, maxReceiveSize = LIMIT): Promise<SpPipe> {
  const added = new Promise<SpPipe>((resolve) => {
    const stop = socket.onPipe(({ type, pipe }) => {
      if (type !== "added") return;
      stop();
      resolve(pipe);
    });
  });
  const { url } = await small.listen(carrier.url(), { maxReceiveSize });
  await socket.dial(url, SOON);
  // The listener may need another moment.
  while (small.pipes.length === 0) await new Promise((resolve) => small.onPipe(resolve));
  return added;
}

async function closeAll(...sockets: SpSocket[]): Promise<void> {
  for (const socket of sockets) await socket.close();
}

/** The error of a call, which has to be about the size, with what sockets add. */
async function refusal(attempt: () => unknown): Promise<SockeyeError & SpErrorDetails> {
  try {
    await attempt();
  } catch (error) {
    assert(error instanceof MessageTooLargeError, String(error));
    return error as SockeyeError & SpErrorDetails;
  }
  throw new Error("it was not refused");
}

/** Proves that each call of a sender refuses one byte too many, and that the next message passes. */
async function refusesMoreThan(
  sender: SendCalls & SpSocket,
  receiver: ReceiveCalls,
  pipe: SpPipe,
  headerBytes: number,
): Promise<void> {
  const { sent, dropped } = sender.stats();
  const most = pipe.maxSendSize - headerBytes;
  const tooMuch = new Uint8Array(most + 1);

  for (
    const attempt of [
      () => sender.send(tooMuch, SOON),
      () => sender.trySend(tooMuch),
      () => sender.sendSync(tooMuch, SOON),
    ]
  ) {
    const error = await refusal(attempt);
    assert.equal(error.pipe, pipe);
    assert.match(error.socket, new RegExp(`^${sender.pattern} \\d+$`));
    assert.match(error.message, new RegExp(`${pipe.maxSendSize}`));
  }
  assert.deepEqual([sender.stats().sent, sender.stats().dropped], [sent, dropped]);

  await sender.send(new Uint8Array(most), SOON);
  assert.equal((await receiver.receive(SOON)).body.length, most);
}

function overThoseThatTell(claim: string, prove: (carrier: Carrier) => Promise<void>): void {
  overEach(claim, prove, { only: (carrier) => carrier.tellsSizes === true });
}

const WORD = 4;

overThoseThatTell("PUSH refuses what its peer doesn't take", async (carrier) => {
  const [pull, push] = [new Pull(), new Push()];
  const pipe = await joinTo(carrier, pull, push);
  assert.equal(pipe.maxSendSize, LIMIT);
  await refusesMoreThan(push, pull, pipe, 0);
  await closeAll(push, pull);
});

overThoseThatTell("PUB refuses what no subscriber takes", async (carrier) => {
  const [sub, pub] = [new Sub(), new Pub()];
  sub.subscribe("");
  await refusesMoreThan(pub, sub, await joinTo(carrier, sub, pub), 0);
  await closeAll(pub, sub);
});

overThoseThatTell("BUS refuses what nobody takes", async (carrier) => {
  const [small, bus] = [new Bus(), new Bus()];
  await refusesMoreThan(bus, small, await joinTo(carrier, small, bus), 0);
  await closeAll(bus, small);
});

for (const version of [0, 1] as const) {
  overThoseThatTell(`PAIR ${version} refuses what its peer doesn't take`, async (carrier) => {
    const [small, pair] = [new Pair({ version }), new Pair({ version })];
    await refusesMoreThan(pair, small, await joinTo(carrier, small, pair), version * WORD);
    await closeAll(pair, small);
  });
}

overThoseThatTell("a polyamorous PAIR refuses what the peer that is named doesn't take", async (carrier) => {
  const [small, large] = [new Pair({ version: 1 }), new Pair({ version: 1 })];
  const hub = new Pair({ version: 1, polyamorous: true });
  const pipe = await joinTo(carrier, small, hub);
  const wide = await joinTo(carrier, large, hub, 100_000);

  assert.equal((await refusal(() => hub.sendTo(pipe, new Uint8Array(LIMIT), SOON))).pipe, pipe);
  await hub.sendTo(wide, new Uint8Array(LIMIT), SOON);

  assert.equal((await large.receive(SOON)).body.length, LIMIT);
  await closeAll(hub, small, large);
});

overThoseThatTell("REQ refuses what its peer doesn't take, and goes on asking", async (carrier) => {
  const [rep, req] = [new Rep(), new Req()];
  const pipe = await joinTo(carrier, rep, req);
  await refusesMoreThan(req, rep, pipe, WORD);

  const tooMuch = new Uint8Array(LIMIT - WORD + 1);
  for (const ask of [() => req.request(tooMuch, SOON), () => req.requestSync(tooMuch, SOON)]) {
    assert.equal((await refusal(ask)).pipe, pipe);
  }
  // The question before is still under way: it was not cancelled by one that was never asked.
  await refusal(() => req.send(tooMuch));
  await rep.send("answer", SOON);
  assert.equal((await req.receive(SOON)).text(), "answer");
  await closeAll(req, rep);
});

overThoseThatTell("REP refuses an answer that who asked doesn't take, and may give a smaller one", async (carrier) => {
  const [req, rep] = [new Req(), new Rep()];
  const pipe = await joinTo(carrier, req, rep);
  await req.send("question", SOON);
  await rep.receive(SOON);

  await refusesMoreThan(rep, req, pipe, WORD);

  await closeAll(req, rep);
});

overThoseThatTell(
  "an answer of a function that is too large is dropped and counted, and the next is given",
  async (carrier) => {
    const [req, rep] = [new Req(), new Rep()];
    const pipe = await joinTo(carrier, req, rep);
    const serving = rep.serve(({ body }) => new Uint8Array(body[0] * LIMIT));

    await assert.rejects(req.request(Uint8Array.of(1), { timeout: 100 }), { name: "TimeoutError" });
    assert.equal((await req.request(Uint8Array.of(0), SOON)).body.length, 0);

    assert.equal(rep.stats().dropped.tooLarge, 1);
    assert.equal(pipe.stats().dropped.tooLarge, 1);
    await closeAll(req, rep);
    await serving;
  },
);

overThoseThatTell("SURVEYOR refuses what no respondent takes, and the survey before goes on", async (carrier) => {
  const [respondent, surveyor] = [new Respondent(), new Surveyor({ surveyTime: 20_000 })];
  const pipe = await joinTo(carrier, respondent, surveyor);
  await refusesMoreThan(surveyor, respondent, pipe, WORD);

  await refusal(() => surveyor.send(new Uint8Array(LIMIT)));
  await refusal(() => surveyor.survey(new Uint8Array(LIMIT)).next());
  await respondent.send("answer", SOON);

  assert.equal((await surveyor.receive(SOON)).text(), "answer");
  await closeAll(surveyor, respondent);
});

overThoseThatTell("RESPONDENT refuses an answer that who asked doesn't take", async (carrier) => {
  const [surveyor, respondent] = [new Surveyor({ surveyTime: 20_000 }), new Respondent()];
  const pipe = await joinTo(carrier, surveyor, respondent);
  await surveyor.send("question", SOON);
  await respondent.receive(SOON);

  await refusesMoreThan(respondent, surveyor, pipe, WORD);

  await closeAll(surveyor, respondent);
});

overThoseThatTell("who tells everybody drops what some don't take, and counts it", async (carrier) => {
  const wide = { ...carrier, url: () => `inproc://wide-${carrier.name}-${Math.random()}` };
  const pairs: [SpSocket & SendCalls, () => SpSocket & ReceiveCalls, number][] = [
    [new Pub(), () => {
      const sub = new Sub();
      sub.subscribe("");
      return sub;
    }, 0],
    [new Bus(), () => new Bus(), 0],
    [new Surveyor(), () => new Respondent(), WORD],
  ];
  for (const [sender, receiver, headerBytes] of pairs) {
    const [small, large] = [receiver(), receiver()];
    const pipe = await joinTo(carrier, small, sender);
    await joinTo(wide, large, sender);

    await sender.send(new Uint8Array(LIMIT - headerBytes + 1), SOON);
    await sender.send("small", SOON);

    assert.equal((await large.receive(SOON)).body.length, LIMIT - headerBytes + 1);
    assert.equal((await large.receive(SOON)).text(), "small");
    assert.equal((await small.receive(SOON)).text(), "small");
    assert.equal(sender.stats().dropped.tooLarge, 1);
    assert.equal(pipe.stats().dropped.tooLarge, 1);
    await closeAll(sender, small, large);
  }
});

overThoseThatTell("PUSH and REQ find the peer that takes it, and pass over those that don't", async (carrier) => {
  const wide = { ...carrier, url: () => `inproc://wide-${carrier.name}-${Math.random()}` };
  const [push, smallPull, largePull] = [new Push(), new Pull(), new Pull()];
  await joinTo(carrier, smallPull, push);
  await joinTo(wide, largePull, push);
  const [req, smallRep, largeRep] = [new Req(), new Rep(), new Rep()];
  await joinTo(carrier, smallRep, req);
  await joinTo(wide, largeRep, req);
  const serving = [smallRep.serve(() => "small"), largeRep.serve(() => "large")];

  for (let i = 0; i < 4; i++) {
    await push.send(new Uint8Array(2 * LIMIT), SOON);
    assert.equal((await largePull.receive(SOON)).body.length, 2 * LIMIT);
    assert.equal((await req.request(new Uint8Array(2 * LIMIT), SOON)).text(), "large");
  }

  await closeAll(push, smallPull, largePull, req, smallRep, largeRep);
  await Promise.all(serving);
});

overThoseThatTell("what waits for a peer is refused when the only one that comes doesn't take it", async (carrier) => {
  const push = new Push();
  const buffering = new Push({ sendBuffer: 10 });
  const req = new Req();
  const sending = refusal(() => push.send(new Uint8Array(LIMIT + 1)));
  const asking = refusal(() => req.request(new Uint8Array(LIMIT)));
  await buffering.send(new Uint8Array(LIMIT + 1));
  await buffering.send("small");
  const [pull, otherPull, rep] = [new Pull(), new Pull(), new Rep()];

  const pipes = [await joinTo(carrier, pull, push), await joinTo(carrier, rep, req)];
  await joinTo(carrier, otherPull, buffering);

  assert.deepEqual([(await sending).pipe, (await asking).pipe], pipes);
  assert.equal((await otherPull.receive(SOON)).text(), "small");
  assert.equal(buffering.stats().dropped.tooLarge, 1);
  assert.equal(buffering.stats().unsent, 0);
  await closeAll(push, buffering, req, pull, otherPull, rep);
});

overThoseThatTell("a question whose peer goes is refused when the next peer doesn't take it", async (carrier) => {
  const wide = { ...carrier, url: () => `inproc://wide-${carrier.name}-${Math.random()}` };
  const [req, rep, small] = [new Req(), new Rep(), new Rep()];
  await joinTo(wide, rep, req);
  const asking = refusal(() => req.request(new Uint8Array(LIMIT), SOON));
  await rep.receive(SOON);

  await rep.close({ linger: 0 });
  const pipe = await joinTo(carrier, small, req);

  assert.equal((await asking).pipe, pipe);
  await closeAll(req, small);
});

overThoseThatTell("a device drops and counts what those behind it don't take", async (carrier) => {
  const stop = new AbortController();
  const [push, front, back, pull] = [new Push(), new Pull({ raw: true }), new Push({ raw: true }), new Pull()];
  const forwarding = device(front, back, { signal: stop.signal });
  await joinTo(carrier, front, push, 10_000);
  await joinTo(carrier, pull, back);

  await push.send(new Uint8Array(LIMIT + 1), SOON);
  await push.send("small", SOON);

  assert.equal((await pull.receive(SOON)).text(), "small");
  assert.equal(back.stats().dropped.tooLarge, 1);
  stop.abort();
  await forwarding;
  await closeAll(push, front, back, pull);
});

overEach("what no packet holds is refused by who takes all sizes", async (carrier) => {
  const [push, pull] = [new Push(), new Pull()];
  const pipe = await joinTo(carrier, pull, push, 0);
  assert(pipe.maxSendSize >= carrier.maxMessageBytes! && pipe.maxSendSize < 70_000);
  await refusesMoreThan(push, pull, pipe, 0);
  await closeAll(push, pull);
}, { only: (carrier) => carrier.maxMessageBytes !== undefined });

overEach("every message has a place where the carrier cuts it into pieces", async (carrier) => {
  const [push, pull] = [new Push(), new Pull()];
  const pipe = await joinTo(carrier, pull, push, 0);

  assert.equal(pipe.maxSendSize, Infinity);
  const sending = push.send(new Uint8Array(3_000_000), SOON);

  assert.equal((await pull.receive(SOON)).body.length, 3_000_000);
  await sending;
  await closeAll(push, pull);
}, { only: ({ name }) => /^(inproc|ipc|tcp)/.test(name) });

/** Each pattern by calls that block the thread, over every transport. */

import { StateError } from "@sockeye/sockeye";
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
import { type Carrier, overEach, SOON } from "./carriers.ts";

/** Joins sockets to one that listens, and resolves when it has a pipe to each. */
async function join(carrier: Carrier, listening: SpSocket, ...dialing: SpSocket[]): Promise<string> {
  let missing = dialing.length;
  const all = new Promise<void>((resolve) => {
    const stop = listening.onPipe(({ type }) => {
      if (type !== "added" || --missing > 0) return;
      stop();
      resolve();
    });
  });
  const { url } = await listening.listen(carrier.url());
  for (const socket of dialing) await socket.dial(url, SOON);
  await all;
  return url;
}

async function closeAll(...sockets: SpSocket[]): Promise<void> {
  for (const socket of sockets) await socket.close();
}

overEach("blocking PUSH and PULL keep every message, in order", async (carrier) => {
  const push = new Push();
  const pull = new Pull();
  await join(carrier, pull, push);

  for (let i = 0; i < 100; i++) {
    push.sendSync(`${i}`, SOON);
    push.sendSync(`${i}, again`, SOON);
    assert.equal(pull.receiveSync(SOON).text(), `${i}`);
    assert.equal(pull.receiveSync(SOON).text(), `${i}, again`);
  }

  await closeAll(push, pull);
});

overEach("blocking REQ and REP take turns, and say whose it is", async (carrier) => {
  const req = new Req();
  const rep = new Rep();
  await join(carrier, rep, req);

  assert.throws(() => req.receiveSync(SOON), StateError);
  assert.throws(() => rep.sendSync("nobody asked", SOON), StateError);
  req.sendSync("question", SOON);
  assert.equal(rep.receiveSync(SOON).text(), "question");
  assert.throws(() => req.receiveSync({ timeout: 1 }), { name: "TimeoutError" });
  // Whoever gives up waiting has given up the question: the answer comes to nobody.
  rep.sendSync("too late", SOON);
  req.sendSync("another question", SOON);
  assert.equal(rep.receiveSync(SOON).text(), "another question");
  rep.sendSync("in time", SOON);
  assert.equal(req.receiveSync(SOON).text(), "in time");

  await closeAll(req, rep);
});

overEach("a blocking SUB gets what it subscribed to, and nothing else", async (carrier) => {
  const pub = new Pub();
  const sub = new Sub();
  sub.subscribe("a/");
  await join(carrier, pub, sub);

  for (const topic of ["b/1", "a/1", "a", "a/2"]) pub.sendSync(topic, SOON);

  assert.equal(sub.receiveSync(SOON).text(), "a/1");
  assert.equal(sub.receiveSync(SOON).text(), "a/2");
  assert.throws(() => sub.receiveSync({ timeout: 1 }), { name: "TimeoutError" });
  await closeAll(pub, sub);
});

overEach("a blocking survey gets the answers of all, and ends at its time", async (carrier) => {
  const surveyor = new Surveyor({ surveyTime: 60_000 });
  const respondents = [new Respondent(), new Respondent()];
  await join(carrier, surveyor, ...respondents);

  surveyor.sendSync("question", SOON);
  for (const [i, respondent] of respondents.entries()) {
    assert.equal(respondent.receiveSync(SOON).text(), "question");
    respondent.sendSync(`answer ${i}`, SOON);
  }
  const answers = respondents.map(() => surveyor.receiveSync(SOON).text());
  assert.deepEqual(answers.sort(), ["answer 0", "answer 1"]);

  const brief = surveyor.openContext({ surveyTime: 1 });
  brief.sendSync("and now?", SOON);
  assert.throws(() => brief.receiveSync(SOON), { name: "TimeoutError" });
  brief.close();
  await closeAll(surveyor, ...respondents);
});

overEach("a blocking BUS reaches everybody else, and not the sender", async (carrier) => {
  const hub = new Bus();
  const others = [new Bus(), new Bus()];
  await join(carrier, hub, ...others);

  hub.sendSync("to all", SOON);
  for (const other of others) assert.equal(other.receiveSync(SOON).text(), "to all");
  others[1].sendSync("to the hub", SOON);
  assert.equal(hub.receiveSync(SOON).text(), "to the hub");
  assert.throws(() => others[0].receiveSync({ timeout: 1 }), { name: "TimeoutError" });
  await closeAll(hub, ...others);
});

for (const version of [0, 1] as const) {
  overEach(`a blocking PAIR ${version} speaks both ways`, async (carrier) => {
    const left = new Pair({ version });
    const right = new Pair({ version });
    await join(carrier, left, right);

    left.sendSync("to the right", SOON);
    right.sendSync("to the left", SOON);
    assert.equal(right.receiveSync(SOON).text(), "to the right");
    assert.equal(left.receiveSync(SOON).text(), "to the left");
    await closeAll(left, right);
  });
}

overEach("blocking contexts are conversations of their own", async (carrier) => {
  const req = new Req();
  const rep = new Rep();
  await join(carrier, rep, req);
  const questions = [req.openContext(), req.openContext()];
  const answers = [rep.openContext(), rep.openContext()];

  for (const [i, context] of questions.entries()) context.sendSync(`question ${i}`, SOON);
  const asked = answers.map((context) => context.receiveSync(SOON).text());
  for (const i of [1, 0]) answers[i].sendSync(`the answer to ${asked[i]}`, SOON);

  for (const [i, context] of questions.entries()) {
    assert.equal(context.receiveSync(SOON).text(), `the answer to question ${i}`);
  }
  await closeAll(req, rep);
});

overEach("blocking requests find their way through a device", async (carrier) => {
  const stop = new AbortController();
  const front = new Rep({ raw: true });
  const back = new Req({ raw: true });
  const rep = new Rep();
  const req = new Req();
  await join(carrier, rep, back);
  const forwarding = device(front, back, { signal: stop.signal });
  await join(carrier, front, req);

  for (let i = 0; i < 20; i++) {
    req.sendSync(`${i}`, SOON);
    assert.equal(rep.receiveSync(SOON).text(), `${i}`);
    rep.sendSync(`answer ${i}`, SOON);
    assert.equal(req.receiveSync(SOON).text(), `answer ${i}`);
  }

  stop.abort();
  await forwarding;
  await closeAll(req, rep, front, back);
});

overEach("a blocking PUSH finds the PULL that comes back", async (carrier) => {
  let pull = new Pull();
  const push = new Push({ reconnectMin: 5 });
  const url = await join(carrier, pull, push);
  push.sendSync("first", SOON);
  assert.equal(pull.receiveSync(SOON).text(), "first");

  const gone = new Promise<void>((resolve) => push.onPipe(({ type }) => type === "removed" && resolve()));
  await pull.close();
  await gone;
  pull = new Pull();
  await pull.listen(url);

  push.sendSync("second", SOON);
  assert.equal(pull.receiveSync(SOON).text(), "second");
  await closeAll(push, pull);
});

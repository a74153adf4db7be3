/** What each pattern promises, over every transport. */

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
  type SpMessage,
  type SpSocket,
  Sub,
  Surveyor,
} from "@sockeye/sockeye/sp";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { type Carrier, overEach, SOON } from "./carriers.ts";
import { surveyed } from "./surveyed.ts";

/** Joins two sockets, and resolves when both have a pipe. */
async function join(carrier: Carrier, listening: SpSocket, ...dialing: SpSocket[]): Promise<string> {
  const listener = await listening.listen(carrier.url());
  const before = listening.pipes.length;
  const all = new Promise<void>((resolve) => {
    const stop = listening.onPipe(({ type }) => {
      if (type !== "added" || listening.pipes.length < before + dialing.length) return;
      stop();
      resolve();
    });
  });
  for (const socket of dialing) await socket.dial(listener.url, SOON);
  await all;
  return listener.url;
}

async function closeAll(...sockets: SpSocket[]): Promise<void> {
  for (const socket of sockets) await socket.close();
}

function pattern(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + seed * 7) & 255;
  return bytes;
}

const texts = (messages: SpMessage[]) => messages.map((message) => message.text());

async function receiveMany(socket: { receive(options: { timeout: number }): Promise<SpMessage> }, count: number) {
  const messages: SpMessage[] = [];
  while (messages.length < count) messages.push(await socket.receive(SOON));
  return messages;
}

overEach("PUSH and PULL keep every message, whole and in order, of any size", async (carrier) => {
  const push = new Push();
  const pull = new Pull();
  await join(carrier, pull, push);
  const { maxMessageBytes = Infinity } = carrier;
  const sizes = [0, 1, 64, 1023, 65_000, 65_535, 65_536, 65_537, 1_000_000].filter((size) => size <= maxMessageBytes);
  // As many as fit where a sender may lose what nobody has read yet.
  const count = maxMessageBytes === Infinity ? 2_000 : 100;

  const sent = (async () => {
    for (const [seed, size] of sizes.entries()) await push.send(pattern(size, seed), SOON);
    for (let i = 0; i < count; i++) await push.send(String(i), SOON);
  })();

  for (const [seed, size] of sizes.entries()) {
    const { body } = await pull.receive(SOON);
    assert.equal(body.length, size);
    assert.deepEqual(Buffer.compare(body, pattern(size, seed)), 0);
  }
  const numbers = await receiveMany(pull, count);
  assert.deepEqual(texts(numbers), Array.from({ length: count }, (_, i) => String(i)));
  await sent;
  await closeAll(push, pull);
});

overEach("PUSH shares its messages among PULL sockets", async (carrier) => {
  const push = new Push();
  const pulls = [new Pull(), new Pull(), new Pull()];
  await join(carrier, push, ...pulls);

  for (let i = 0; i < 9; i++) await push.send(String(i), SOON);

  const shares = await Promise.all(pulls.map((pull) => receiveMany(pull, 3)));
  assert.deepEqual(shares.flatMap(texts).sort(), [..."012345678"]);
  await closeAll(push, ...pulls);
});

overEach("REQ gets the answer to its own question, a hundred at a time", async (carrier) => {
  const rep = new Rep();
  const req = new Req();
  await join(carrier, rep, req);
  const serving = rep.serve(async (question) => {
    if (Number(question.text()) % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
    return `answer ${question.text()}`;
  });

  const questions = Array.from({ length: 100 }, (_, i) => String(i));
  const answers = await Promise.all(questions.map((question) => req.request(question, SOON)));

  assert.deepEqual(texts(answers), questions.map((question) => `answer ${question}`));
  await closeAll(req, rep);
  await serving;
});

overEach("REQ and REP take turns, and say whose it is", async (carrier) => {
  const rep = new Rep();
  const req = new Req();
  await join(carrier, rep, req);

  await assert.rejects(rep.send("nobody asked"), StateError);
  await assert.rejects(req.receive(), StateError);
  await req.send("one", SOON);
  assert.equal((await rep.receive(SOON)).text(), "one");
  await rep.send("two", SOON);
  assert.equal((await req.receive(SOON)).text(), "two");

  await closeAll(req, rep);
});

overEach("SUB gets what it subscribed to, and nothing else", async (carrier) => {
  const pub = new Pub();
  const sub = new Sub();
  sub.subscribe("a/");
  sub.subscribe(new TextEncoder().encode("b/"));
  await join(carrier, pub, sub);

  for (const topic of ["c/1", "a/1", "b/2", "ab", "a/3"]) await pub.send(topic);

  assert.deepEqual(texts(await receiveMany(sub, 3)), ["a/1", "b/2", "a/3"]);
  assert(sub.unsubscribe("a/"));
  assert(!sub.unsubscribe("a/"));
  for (const topic of ["a/4", "b/5"]) await pub.send(topic);
  assert.equal((await sub.receive(SOON)).text(), "b/5");
  await closeAll(pub, sub);
});

overEach("a survey ends at its time, with the answers that came before", async (carrier) => {
  const surveyor = new Surveyor();
  const respondents = [new Respondent(), new Respondent(), new Respondent()];
  await join(carrier, surveyor, ...respondents);
  const serving = respondents.map((respondent, i) => respondent.serve(() => i === 2 ? undefined : `answer ${i}`));

  const answers = await surveyed(surveyor, "question", 2);

  assert.deepEqual(answers.sort(), ["answer 0", "answer 1"]);
  await closeAll(surveyor, ...respondents);
  await Promise.all(serving);
});

overEach("BUS reaches everybody else, and not the sender", async (carrier) => {
  const hub = new Bus();
  const others = [new Bus(), new Bus()];
  await join(carrier, hub, ...others);

  await hub.send("to all");
  assert.deepEqual(texts(await Promise.all(others.map((bus) => bus.receive(SOON)))), ["to all", "to all"]);
  await others[0].send("to the hub");
  assert.equal((await hub.receive(SOON)).text(), "to the hub");
  assert.equal(others[0].tryReceive(), undefined);
  assert.equal(others[1].tryReceive(), undefined);
  await closeAll(hub, ...others);
});

for (const version of [0, 1] as const) {
  overEach(`PAIR ${version} has one peer, and refuses a second`, async (carrier) => {
    const left = new Pair({ version });
    const right = new Pair({ version });
    const url = await join(carrier, left, right);

    await left.send("to the right", SOON);
    assert.equal((await right.receive(SOON)).text(), "to the right");
    await right.send("to the left", SOON);
    assert.equal((await left.receive(SOON)).text(), "to the left");

    const refused = new Promise<void>((resolve) => {
      const look = () => left.stats().refusedPipes > 0 ? resolve() : void setTimeout(look, 5);
      look();
    });
    const second = new Pair({ version });
    await second.dial(url, { wait: false });
    await refused;
    assert.equal(left.pipes.length, 1);
    await closeAll(left, right, second);
  });
}

overEach("a polyamorous PAIR answers each of its peers", async (carrier) => {
  const hub = new Pair({ version: 1, polyamorous: true });
  const spokes = [new Pair({ version: 1 }), new Pair({ version: 1 })];
  await join(carrier, hub, ...spokes);

  for (const [i, spoke] of spokes.entries()) await spoke.send(String(i), SOON);
  for (const question of await receiveMany(hub, 2)) {
    await hub.sendTo(question.pipe!, `answer ${question.text()}`, SOON);
  }

  for (const [i, spoke] of spokes.entries()) assert.equal((await spoke.receive(SOON)).text(), `answer ${i}`);
  await closeAll(hub, ...spokes);
});

overEach("requests and answers find their way through two devices", async (carrier) => {
  const ends: SpSocket[] = [];
  const stop = new AbortController();
  const forwarding: Promise<void>[] = [];
  const rep = new Rep();
  let { url } = await rep.listen(carrier.url());
  for (let hop = 0; hop < 2; hop++) {
    const front = new Rep({ raw: true });
    const back = new Req({ raw: true });
    await back.dial(url, SOON);
    ({ url } = await front.listen(carrier.url()));
    forwarding.push(device(front, back, { signal: stop.signal }));
    ends.push(front, back);
  }
  const serving = rep.serve((question) => `${question.text()}!`);
  const req = new Req();
  await req.dial(url, SOON);

  const answers = await Promise.all(["a", "b", "c"].map((question) => req.request(question, SOON)));

  assert.deepEqual(texts(answers), ["a!", "b!", "c!"]);
  stop.abort();
  await Promise.all(forwarding);
  await closeAll(req, rep, ...ends);
  await serving;
});

overEach("blocking calls do the same", async (carrier) => {
  const rep = new Rep();
  const req = new Req();
  const push = new Push();
  const pull = new Pull();
  await join(carrier, rep, req);
  await join(carrier, pull, push);

  for (let i = 0; i < 50; i++) {
    req.sendSync(`question ${i}`, SOON);
    assert.equal(rep.receiveSync(SOON).text(), `question ${i}`);
    rep.sendSync(`answer ${i}`, SOON);
    assert.equal(req.receiveSync(SOON).text(), `answer ${i}`);
    push.sendSync(pattern(i * 1000, i), SOON);
    assert.equal(pull.receiveSync(SOON).body.length, i * 1000);
  }
  assert.throws(() => pull.receiveSync({ timeout: 5 }), { name: "TimeoutError" });

  await closeAll(rep, req, push, pull);
});

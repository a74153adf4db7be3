/** How waits end: iterations that are broken off, streams that are cancelled, signals. */

import { device, Pull, Push, Rep, Req, Respondent, type SpSocket, Surveyor } from "@sockeye/sockeye/sp";
import assert from "node:assert/strict";
import { test } from "../../support/harness.ts";
import { type Carrier, overEach, SOON } from "./carriers.ts";

async function joined(carrier: Carrier): Promise<{ push: Push; pull: Pull }> {
  const [push, pull] = [new Push(), new Pull()];
  const { url } = await pull.listen(carrier.url());
  await push.dial(url, SOON);
  return { push, pull };
}

async function closeAll(...sockets: SpSocket[]): Promise<void> {
  for (const socket of sockets) await socket.close();
}

overEach("an iteration that is broken off while it waits ends, and takes no message", async (carrier) => {
  const { push, pull } = await joined(carrier);
  const messages = pull[Symbol.asyncIterator]();
  const waiting = [messages.next(), messages.next()];
  const behind = pull.receive(SOON);

  await messages.return!();
  for (const wait of waiting) assert.deepEqual(await wait, { done: true, value: undefined });
  await push.send("for whoever is left", SOON);

  assert.equal((await behind).text(), "for whoever is left");
  assert.equal((await messages.next()).done, true);
  await closeAll(push, pull);
});

overEach("a loop that breaks leaves the next message to the next loop", async (carrier) => {
  const { push, pull } = await joined(carrier);
  for (let i = 0; i < 6; i++) await push.send(String(i), SOON);

  const texts: string[] = [];
  while (texts.length < 6) {
    for await (const message of pull) {
      texts.push(message.text());
      if (texts.length % 2 === 0) break;
    }
  }

  assert.deepEqual(texts, [..."012345"]);
  await closeAll(push, pull);
});

test("an iteration of answers that is broken off while it waits ends, and so does its survey", async () => {
  await using surveyor = new Surveyor();
  await surveyor.listen("inproc://broken-off");
  await using respondent = new Respondent();
  await respondent.dial("inproc://broken-off", SOON);
  const answers = surveyor.survey("question", { timeout: 20_000 });
  const waiting = answers.next();
  await respondent.receive(SOON);

  await answers.return!();

  assert.deepEqual(await waiting, { done: true, value: undefined });
  await respondent.send("too late");
  while (surveyor.stats().dropped.stale === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal((await answers.next()).done, true);
});

test("a stream that is cancelled while somebody reads ends that read, and the socket", async () => {
  const pull = new Pull();
  const reader = pull.readable.getReader();
  const reading = reader.read();

  await reader.cancel();

  assert.deepEqual(await reading, { done: true, value: undefined });
  assert(pull.isClosed);
});

test("a signal that has fired already ends each call before anything has happened", async () => {
  const reason = new Error("not any more");
  const signal = AbortSignal.abort(reason);
  await using push = new Push({ sendBuffer: 1 });
  await using pull = new Pull();
  await using req = new Req();
  await using surveyor = new Surveyor();
  await using rep = new Rep();
  const calls: (() => Promise<unknown>)[] = [
    () => push.listen("inproc://never", { signal }),
    () => push.dial("inproc://never", { signal }),
    () => push.dial("inproc://never", { signal, wait: false }),
    () => push.send("x", { signal }),
    () => pull.receive({ signal }),
    () => req.request("x", { signal }),
    () => req.openContext().send("x", { signal }),
    () => surveyor.survey("x", { signal }).next(),
    () => rep.openContext().receive({ signal }),
  ];

  for (const call of calls) await assert.rejects(call, reason);
  await rep.serve(() => "never", { signal });

  assert.equal(push.stats().endpoints, 0);
  assert.equal(push.stats().unsent, 0);
  await using other = new Pull();
  await other.listen("inproc://never");
});

overEach("a signal ends a request, a survey, a dial and the wait for a question", async (carrier) => {
  const reason = new Error("enough");
  const given = new AbortController();
  const { signal } = given;
  await using rep = new Rep();
  const { url } = await rep.listen(carrier.url());
  await using req = new Req();
  await req.dial(url, SOON);
  await using surveyor = new Surveyor({ surveyTime: Infinity });
  await using pull = new Pull({ reconnectMin: 5 });
  await using idle = new Rep();
  const waits = [
    req.request("question", { signal }),
    surveyor.survey("question", { signal }).next(),
    pull.dial("inproc://nobody-ever", { signal }),
    idle.openContext().receive({ signal }),
  ].map((wait) => assert.rejects(wait, reason));

  await rep.receive(SOON);
  given.abort(reason);

  await Promise.all(waits);
  assert.equal(pull.stats().endpoints, 0);
});

overEach("sockets receive again when their device has ended", async (carrier) => {
  const stop = new AbortController();
  const [front, back] = [new Pull({ raw: true }), new Push({ raw: true })];
  const fired = device(front, back, { signal: AbortSignal.abort() });
  await fired;
  const forwarding = device(front, back, { signal: stop.signal });
  stop.abort();
  await forwarding;
  const receiving = front.receive(SOON);
  const { url } = await front.listen(carrier.url());
  await using push = new Push();
  await push.dial(url, SOON);

  await push.send("for the socket", SOON);

  assert.equal((await receiving).text(), "for the socket");
  await closeAll(front, back);
});

overEach("whoever gives up sending holds up nobody behind", async (carrier) => {
  const push = new Push();
  const large = new Uint8Array(2000);
  const [small, busy] = [new Pull(), new Pull({ receiveBuffer: 1 })];
  await push.listen("inproc://given-up");
  await busy.dial("inproc://given-up", SOON);
  while (busy.stats().unread === 0) {
    push.trySend(large);
    await new Promise((resolve) => setImmediate(resolve));
  }
  while (push.trySend(large));
  const { url } = await push.listen(carrier.url());
  await small.dial(url, { maxReceiveSize: 1000, ...SOON });
  const given = new AbortController();
  const first = assert.rejects(push.send(large, { signal: given.signal }), { name: "AbortError" });
  const second = push.send("small", SOON);

  given.abort();

  await Promise.all([first, second]);
  assert.equal((await small.receive(SOON)).text(), "small");
  await push.close({ linger: 0 });
  await closeAll(small, busy);
}, { only: ({ tellsSizes }) => tellsSizes === true });

test("a call without end waits on where its socket would give up", async () => {
  await using push = new Push({ sendTimeout: 1 });
  await using pull = new Pull({ receiveTimeout: 1 });
  const endless = [push.send("x", { timeout: Infinity }), pull.receive({ timeout: Infinity })] as const;
  await assert.rejects(push.send("y"), { name: "TimeoutError" });
  await assert.rejects(pull.receive(), { name: "TimeoutError" });

  await pull.listen("inproc://endless");
  await push.dial("inproc://endless", SOON);

  await endless[0];
  assert.equal((await endless[1]).text(), "x");
});

test("a blocking question that nobody hears ends when its socket says", async () => {
  await using req = new Req({ receiveTimeout: 1 });

  assert.throws(() => req.requestSync("anybody?"), { name: "TimeoutError" });
});

test("a blocking receive that can't be leaves the question as it was", async () => {
  await using rep = new Rep();
  await rep.listen("inproc://as-it-was");
  await using req = new Req();
  await req.dial("inproc://as-it-was", SOON);
  await req.send("question");

  assert.throws(() => req.receiveSync({ timeout: -1 }), { name: "ArgumentError" });

  await rep.receive(SOON);
  await rep.send("answer");
  assert.equal((await req.receive(SOON)).text(), "answer");
});

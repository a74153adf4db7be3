/** Conversations of their own on one socket. */

import { ClosedError, UnsupportedError } from "@sockeye/sockeye";
import { Pub, Rep, Req, Respondent, Sub, Surveyor } from "@sockeye/sockeye/sp";
import assert from "node:assert/strict";
import { test } from "../../support/harness.ts";
import { overEach, SOON } from "./carriers.ts";

overEach("contexts of SUB have topics of their own, and share the connection", async (carrier) => {
  await using sub = new Sub();
  const { url } = await sub.listen(carrier.url());
  const cats = sub.openContext();
  const all = sub.openContext();
  cats.subscribe("cat ");
  all.subscribe("");
  await using pub = new Pub();
  await pub.dial(url, SOON);

  for (const text of ["dog one", "cat one", "cat two"]) await pub.send(text);

  assert.equal((await cats.receive(SOON)).text(), "cat one");
  assert.equal((await cats.receive(SOON)).text(), "cat two");
  for (const text of ["dog one", "cat one", "cat two"]) assert.equal((await all.receive(SOON)).text(), text);
  assert.equal(cats.tryReceive(), undefined);
  assert.equal(sub.tryReceive(), undefined);
  assert.equal(sub.pipes.length, 1);
});

test("a context of SUB that is closed gives what waits a ClosedError, and leaves the socket open", async () => {
  await using sub = new Sub();
  const context = sub.openContext();
  const waiting = context.receive();

  context.close();

  await assert.rejects(waiting, ClosedError);
  assert.throws(() => context.tryReceive(), ClosedError);
  assert.equal(sub.isClosed, false);
});

test("contexts of SUB end with their socket", async () => {
  const sub = new Sub();
  const context = sub.openContext();
  const waiting = context.receive();
  const iterating = (async () => {
    for await (const _ of sub.openContext());
    return "ended";
  })();

  await sub.close();

  await assert.rejects(waiting, ClosedError);
  assert.equal(await iterating, "ended");
  assert.equal(context.isClosed, true);
});

test("raw sockets have no contexts", async () => {
  await using req = new Req({ raw: true });
  await using rep = new Rep({ raw: true });
  await using surveyor = new Surveyor({ raw: true });
  await using respondent = new Respondent({ raw: true });
  await using sub = new Sub({ raw: true });

  for (const socket of [req, rep, surveyor, respondent, sub]) {
    assert.throws(() => socket.openContext(), UnsupportedError, socket.pattern);
  }
  await assert.rejects(req.request("question"), UnsupportedError);
});

overEach("contexts of REP answer out of turn, each its own question", async (carrier) => {
  await using rep = new Rep();
  const { url } = await rep.listen(carrier.url());
  const [first, second] = [rep.openContext(), rep.openContext()];
  await using req = new Req();
  await req.dial(url, SOON);

  const answers = ["a", "b"].map((text) => req.request(text, SOON));
  const questions = [await first.receive(SOON), await second.receive(SOON)].map((message) => message.text());
  await second.send(`second: ${questions[1]}`);
  await first.send(`first: ${questions[0]}`);

  const texts = (await Promise.all(answers)).map((message) => message.text());
  assert.deepEqual(texts.sort(), [`first: ${questions[0]}`, `second: ${questions[1]}`].sort());
});

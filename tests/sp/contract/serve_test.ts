/** Answering by a function. */

import { ArgumentError, TimeoutError, UnsupportedError } from "@sockeye/sockeye";
import { Rep, Req, Respondent, Surveyor } from "@sockeye/sockeye/sp";
import assert from "node:assert/strict";
import { test } from "../../support/harness.ts";
import { overEach, SOON } from "./carriers.ts";
import { surveyed } from "./surveyed.ts";

/** A promise, and what settles it. */
function gate(): { opened: Promise<void>; open: () => void } {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => open = resolve);
  return { opened, open };
}

overEach("as many questions are answered at a time as `concurrency` says", async (carrier) => {
  await using rep = new Rep();
  const { url } = await rep.listen(carrier.url());
  await using req = new Req();
  await req.dial(url, SOON);
  const { opened, open } = gate();
  let underWay = 0;
  let most = 0;
  const serving = rep.serve(async (question) => {
    most = Math.max(most, ++underWay);
    if (underWay === 3) open();
    await opened;
    underWay--;
    return question.body;
  }, { concurrency: 3 });

  const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => req.request(`${i}`, SOON)));
  await rep.close();

  assert.deepEqual(answers.map((answer) => answer.text()), Array.from({ length: 20 }, (_, i) => `${i}`));
  assert.equal(most, 3);
  await serving;
});

test("what a handler throws ends the serving, and is told", async () => {
  await using rep = new Rep();
  await rep.listen("inproc://serve-throws");
  await using req = new Req();
  await req.dial("inproc://serve-throws");
  const problem = new Error("no idea");
  const failing = assert.rejects(
    rep.serve(() => {
      throw problem;
    }),
    problem,
  );

  await assert.rejects(req.request("?", { timeout: 20 }), TimeoutError);

  await failing;
  assert.equal(rep.isClosed, false);
});

test("a signal ends the serving, once what is being answered is answered", async () => {
  await using rep = new Rep();
  await rep.listen("inproc://serve-signal");
  await using req = new Req();
  await req.dial("inproc://serve-signal");
  const ended = new AbortController();
  const asked = gate();
  const { opened, open } = gate();
  const serving = rep.serve(async () => {
    asked.open();
    await opened;
    return "answer";
  }, { signal: ended.signal });
  const answer = req.request("question", SOON);
  await asked.opened;

  ended.abort();
  open();

  assert.equal((await answer).text(), "answer");
  await serving;
  assert.equal(rep.isClosed, false);
  await rep.serve(() => "never", { signal: ended.signal });
});

test("a socket that lingers while a question is being answered ends the serving in peace", async () => {
  const respondent = new Respondent({ linger: 20 });
  await respondent.listen("inproc://serve-linger");
  await using surveyor = new Surveyor();
  await surveyor.dial("inproc://serve-linger");
  const asked = gate();
  const { opened, open } = gate();
  const serving = respondent.serve(async () => {
    asked.open();
    await opened;
    return "too late";
  });
  await surveyor.send("question");
  await asked.opened;

  const closing = respondent.close();
  open();

  await closing;
  await serving;
});

test("serving refuses what can't be", async () => {
  await using rep = new Rep();
  await using raw = new Rep({ raw: true });

  await assert.rejects(rep.serve(() => "", { concurrency: 0 }), ArgumentError);
  await assert.rejects(raw.serve(() => ""), UnsupportedError);
});

overEach("a respondent that gives no answer stays silent", async (carrier) => {
  await using surveyor = new Surveyor();
  const { url } = await surveyor.listen(carrier.url());
  await using talkative = new Respondent();
  await using silent = new Respondent();
  for (const respondent of [talkative, silent]) await respondent.dial(url, SOON);
  const { opened, open } = gate();
  const serving = [
    talkative.serve(() => "here"),
    silent.serve(() => {
      open();
      return undefined;
    }),
  ];
  while (surveyor.pipes.length < 2) await new Promise((resolve) => surveyor.onPipe(resolve));

  const answers = await surveyed(surveyor, "who?", 1);
  await opened;

  assert.deepEqual(answers, ["here"]);
  await talkative.close();
  await silent.close();
  await Promise.all(serving);
});

overEach("an answer that is in progress when the socket is closed still gets out", async (carrier) => {
  for (const kind of ["rep", "respondent"] as const) {
    const [asks, answers] = kind === "rep"
      ? [new Req(), new Rep()]
      : [new Surveyor({ surveyTime: 20_000 }), new Respondent()];
    const { url } = await answers.listen(carrier.url());
    await asks.dial(url, SOON);
    while (answers.pipes.length === 0) await new Promise((resolve) => answers.onPipe(resolve));
    const asked = gate();
    const { opened, open } = gate();
    const serving = answers.serve(async () => {
      asked.open();
      await opened;
      return "the last answer";
    });
    await asks.send("question", SOON);
    await asked.opened;

    const closing = answers.close({ linger: 20_000 });
    open();

    assert.equal((await asks.receive(SOON)).text(), "the last answer");
    await closing;
    await serving;
    await asks.close();
  }
});

overEach("a handler that closes its socket has its answer sent", async (carrier) => {
  const rep = new Rep({ linger: 20_000 });
  const { url } = await rep.listen(carrier.url());
  await using req = new Req();
  await req.dial(url, SOON);
  const serving = rep.serve(() => {
    void rep.close();
    return "goodbye";
  });

  assert.equal((await req.request("question", SOON)).text(), "goodbye");
  await rep.close();
  await serving;
});

overEach("a scope that ends while a question is being answered waits for the answer", async (carrier) => {
  await using req = new Req();
  const { opened, open } = gate();
  let answer: Promise<string>;
  {
    await using rep = new Rep({ linger: 20_000 });
    const { url } = await rep.listen(carrier.url());
    await req.dial(url, SOON);
    const asked = gate();
    void rep.serve(async () => {
      asked.open();
      await opened;
      return "in time";
    });
    answer = req.request("question", SOON).then((message) => message.text());
    await asked.opened;
    setImmediate(open);
  }
  assert.equal(await answer, "in time");
});

test("closing with no time to linger waits for no answer", async () => {
  const rep = new Rep();
  await rep.listen("inproc://serve-now");
  await using req = new Req();
  await req.dial("inproc://serve-now", SOON);
  const asked = gate();
  const { opened, open } = gate();
  const serving = rep.serve(async () => {
    asked.open();
    await opened;
    return "to nobody";
  });
  const answer = assert.rejects(req.request("question", { timeout: 200 }), TimeoutError);
  await asked.opened;

  await rep.close({ linger: 0 });

  await answer;
  open();
  await serving;
});

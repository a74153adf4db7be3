/** Calls that block the thread, where they belong: in Workers. */

import { Push, Rep } from "@sockeye/sockeye/sp";
import assert from "node:assert/strict";
import { Worker } from "node:worker_threads";
import { overEach, SOON } from "./carriers.ts";

/** A Worker and what it says. */
interface Started {
  /** The next thing that it says. */
  next(): Promise<string>;
  /** Resolves when it has done everything, and is gone. */
  end(): Promise<void>;
}

/**
 * Starts a Worker.
 *
 * @param source What it does: `sp` is the module, `say` tells us something, `SOON` is as here.
 */
function start(source: string): Started {
  const worker = new Worker(
    `
    Promise.all([import(${JSON.stringify(import.meta.resolve("@sockeye/sockeye/sp"))}), import("node:worker_threads")])
      .then(async ([sp, { parentPort }]) => {
        const SOON = ${JSON.stringify(SOON)};
        const say = (text) => parentPort.postMessage(text);
        const equal = (actual, expected) => {
          if (actual !== expected) throw new Error("got " + actual + ", expected " + expected);
        };
        ${source}
        say("done");
      });
    `,
    { eval: true },
  );
  const said: string[] = [];
  let tell = () => {};
  worker.on("message", (text: string) => {
    said.push(text);
    tell();
  });
  const failed = new Promise<never>((_, reject) => worker.once("error", reject));
  const next = async () => {
    while (said.length === 0) await Promise.race([new Promise<void>((resolve) => tell = resolve), failed]);
    return said.shift()!;
  };
  return {
    next,
    async end() {
      assert.equal(await next(), "done");
      await worker.terminate();
    },
  };
}

/** Answers by blocking calls, until it is told to stop. */
function answering(url: string): string {
  return `
    const rep = new sp.Rep();
    const { url } = await rep.listen(${JSON.stringify(url)});
    say(url);
    for (let text = ""; text !== "stop";) {
      text = rep.receiveSync(SOON).text();
      rep.sendSync("re: " + text, SOON);
    }
    await rep.close({ linger: SOON.timeout });
  `;
}

/** Asks by blocking calls, and tells the other end to stop. */
function asking(url: string): string {
  return `
    const req = new sp.Req();
    await req.dial(${JSON.stringify(url)}, SOON);
    for (let i = 0; i < 100; i++) equal(req.requestSync(String(i), SOON).text(), "re: " + i);
    for (let i = 0; i < 20; i++) {
      req.sendSync("half " + i, SOON);
      equal(req.receiveSync(SOON).text(), "re: half " + i);
    }
    equal(req.requestSync("stop", SOON).text(), "re: stop");
    await req.close();
    say("asked");
  `;
}

/** Takes work by blocking calls, until it is told to stop. */
function pulling(url: string): string {
  return `
    const pull = new sp.Pull();
    const { url } = await pull.listen(${JSON.stringify(url)});
    say(url);
    for (let i = 0; i < 100; i++) equal(pull.receiveSync(SOON).text(), String(i));
    equal(pull.receiveSync(SOON).text(), "stop");
    equal(pull.tryReceive(), undefined);
    await pull.close();
    say("pulled");
  `;
}

const acrossThreads = { only: ({ name }: { name: string }) => name !== "inproc" };

overEach("Workers ask and answer each other, each blocking its thread", async (carrier) => {
  const rep = start(answering(carrier.url()));
  const req = start(asking(await rep.next()));

  assert.equal(await req.next(), "asked");
  await Promise.all([req.end(), rep.end()]);
}, acrossThreads);

overEach("a Worker hands work to another, each blocking its thread", async (carrier) => {
  const pull = start(pulling(carrier.url()));
  const push = start(`
    const push = new sp.Push();
    await push.dial(${JSON.stringify(await pull.next())}, SOON);
    for (let i = 0; i < 100; i++) push.sendSync(String(i), SOON);
    push.sendSync("stop", SOON);
    await push.close({ linger: SOON.timeout });
  `);

  assert.equal(await pull.next(), "pulled");
  await Promise.all([push.end(), pull.end()]);
}, acrossThreads);

overEach("a program that waits for nothing serves a Worker that blocks its thread", async (carrier) => {
  await using rep = new Rep();
  const { url } = await rep.listen(carrier.url());
  const serving = rep.serve((question) => `re: ${question.text()}`);
  const req = start(asking(url));

  assert.equal(await req.next(), "asked");
  await req.end();
  await rep.close();
  await serving;
}, acrossThreads);

overEach("a program hands work to a Worker that blocks its thread", async (carrier) => {
  const pull = start(pulling(carrier.url()));
  await using push = new Push();
  await push.dial(await pull.next(), SOON);

  for (let i = 0; i < 100; i++) await push.send(String(i), SOON);
  await push.send("stop", SOON);

  assert.equal(await pull.next(), "pulled");
  await pull.end();
}, acrossThreads);

/**
 * Our side of the comparison of the Scalability Protocols: `our_sp.ts ROLE URL COUNT SIZE async|sync MILLISECONDS`, where
 * "sync" blocks the thread of a Worker.
 *
 * ROLE is pull, push, rep, req, pub, sub, idle, dial or inproc. COUNT is how many questions are under way at once, how many
 * subscribers there are, how many pipes; SIZE is that of a message in bytes, or how many topics each subscriber has.
 * MILLISECONDS is the warm-up to receive, the length of the run to send and ask.
 *
 * @module
 */

import { Pub, Pull, Push, Rep, Req, type SpMessage, Sub } from "../../sp/mod.ts";
import { ACKS, publishedTopic, report, TOPIC_BYTES, topicOf, WINDOW, Windows } from "./sp_publishing.mjs";
import { CoarseTally, END_BYTES, pause, PER_LOOK, RoundTrips, say } from "./tally.mjs";
import { inWorker, isWorker, serveAsWorker } from "./worker.ts";

type Command = [role: string, url: string, count: string, size: string, style: string, ms: string];

/** What a command asks for. */
interface Task {
  url: string;
  count: number;
  size: number;
  isSync: boolean;
  ms: number;
}

/** Messages that a socket holds, as the other peers have it. */
const BUFFER = 1000;
/** Questions that are answered at once. */
const SERVERS = 100;
const TEXT = new TextEncoder();
/** Time for what is under way to arrive, in milliseconds. */
const SETTLE_MS = 300;
/** Longer than anything that is measured, in milliseconds. */
const NEVER_MS = 1e9;

async function pull({ url, isSync, ms }: Task): Promise<void> {
  await using socket = new Pull({ receiveBuffer: BUFFER });
  say({ ready: (await socket.listen(url)).url });
  const tally = new CoarseTally(ms);
  if (isSync) { while (socket.receiveSync().body.length !== END_BYTES) tally.count(); }
  else await takeAll(socket, tally);
  say(tally.report());
}

async function takeAll(socket: Pull, tally: CoarseTally): Promise<void> {
  for await (const { body } of socket) {
    if (body.length === END_BYTES) break;
    tally.count();
  }
}

async function push(task: Task): Promise<void> {
  await using socket = new Push({ sendBuffer: BUFFER });
  await socket.dial(task.url);
  const begun = performance.now();
  const sent = task.isSync ? sendForSync(socket, task) : await sendFor(socket, task);
  say({ sent, seconds: (performance.now() - begun) / 1000 });
  await socket.send(new Uint8Array(END_BYTES));
}

async function sendFor(socket: Push, { size, ms }: Task): Promise<number> {
  const data = new Uint8Array(size);
  const end = performance.now() + ms;
  let sent = 0;
  do {
    for (let i = 0; i < PER_LOOK; i++, sent++) await socket.send(data);
  } while (performance.now() < end);
  return sent;
}

function sendForSync(socket: Push, { size, ms }: Task): number {
  const data = new Uint8Array(size);
  const end = performance.now() + ms;
  let sent = 0;
  do {
    for (let i = 0; i < PER_LOOK; i++, sent++) socket.sendSync(data);
  } while (performance.now() < end);
  return sent;
}

async function rep({ url, count, isSync }: Task): Promise<void> {
  await using socket = new Rep();
  const ended = Promise.withResolvers<void>();
  const answer = (question: SpMessage) => {
    if (question.body.length === END_BYTES) ended.resolve();
    return question.body;
  };
  if (count > 1) {
    socket.serve(answer, { concurrency: SERVERS });
    say({ ready: (await socket.listen(url)).url });
    await ended.promise;
    await pause(SETTLE_MS);
    return;
  }
  say({ ready: (await socket.listen(url)).url });
  for (;;) {
    const { body } = isSync ? socket.receiveSync() : await socket.receive();
    if (isSync) socket.sendSync(body);
    else await socket.send(body);
    if (body.length === END_BYTES) return;
  }
}

async function req(task: Task): Promise<void> {
  const { url, count, size, isSync, ms } = task;
  await using socket = new Req();
  await socket.dial(url);
  const data = new Uint8Array(size);
  if (count > 1) await askMany(socket, task);
  else {
    const trips = new RoundTrips(ms);
    while (trips.isGoingOn) {
      if (isSync) {
        socket.sendSync(data);
        socket.receiveSync();
      } else {
        await socket.send(data);
        await socket.receive();
      }
      trips.complete();
    }
    say(trips.report());
  }
  await socket.request(new Uint8Array(END_BYTES));
}

async function askMany(socket: Req, { count, size, ms }: Task): Promise<void> {
  const data = new Uint8Array(size);
  const from = performance.now() + ms / 5;
  const until = from + ms;
  let answers = 0;
  let looked = 0;
  let time = performance.now();
  const ask = async () => {
    while (time < until) {
      await socket.request(data);
      if (looked++ % PER_LOOK === 0) time = performance.now();
      if (time >= from && time < until) answers++;
    }
  };
  await Promise.all(Array.from({ length: count }, ask));
  say({ answers, seconds: ms / 1000 });
}

const collect = (globalThis as unknown as { gc?: () => void }).gc ?? (() => {});

function resident(): number {
  collect();
  collect();
  return Deno.memoryUsage().rss;
}

async function pub({ url, count, size, ms }: Task): Promise<void> {
  await using socket = new Pub({ sendBuffer: 2 * WINDOW });
  await using acks = new Pull();
  const before = resident();
  say({ ready: (await socket.listen(url)).url });
  await acks.listen(url + ACKS);
  await acks.receive();
  const publishWindow = async (published: number) => {
    for (let i = 0; i < WINDOW; i++) {
      const message = new Uint8Array(64);
      TEXT.encodeInto(publishedTopic(published + i, size), message);
      await socket.send(message);
    }
    if (published > 0) await acks.receive();
  };
  await report(count, ms, before, publishWindow, resident);
  await acks.receive();
  await socket.send(topicOf(0));
}

async function sub({ url, count, size }: Task): Promise<void> {
  await using acks = new Push();
  await acks.dial(url + ACKS);
  const sockets = Array.from({ length: count }, () => new Sub({ receiveBuffer: 2 * WINDOW }));
  const before = resident();
  const begun = performance.now();
  for (const socket of sockets) {
    if (size === 0) socket.subscribe("");
    for (let i = 0; i < size; i++) socket.subscribe(topicOf(i));
  }
  const seconds = (performance.now() - begun) / 1000;
  say({ subscribed: seconds, memory: size === 0 ? 0 : (resident() - before) / count / size });

  const windows = new Windows(count);
  const receive = async (socket: Sub) => {
    let arrivals = 0;
    for await (const { body } of socket) {
      if (body.length === TOPIC_BYTES) break;
      if (++arrivals % WINDOW === 0 && windows.complete(arrivals)) await acks.send("");
    }
    await socket.close();
  };
  for (const socket of sockets) await socket.dial(url);
  const received = sockets.map(receive);
  await pause(SETTLE_MS);
  await acks.send("");
  await Promise.all(received);
}

/** What pipes take that nothing passes through; the first of them isn't counted. */
async function idle({ url, count }: Task): Promise<void> {
  await using socket = new Pull();
  let wake = () => {};
  using _ = { [Symbol.dispose]: socket.onPipe(({ type }) => type === "added" && wake()) };
  const until = async (pipes: number) => {
    while (socket.pipes.length < pipes) await new Promise<void>((resolve) => wake = resolve);
    await pause(SETTLE_MS);
  };
  const listener = await socket.listen(url, { maxPipes: 1 + count });
  say({ ready: listener.url });
  await until(1);
  const [before, heap] = [resident(), Deno.memoryUsage()];
  say({ ready: listener.url });
  await until(1 + count);
  const [after, heapAfter] = [resident(), Deno.memoryUsage()];
  const perPipe = (bytes: number) => Math.round(bytes / count);
  say({
    memory: perPipe(after - before),
    heap: perPipe(heapAfter.heapUsed - heap.heapUsed),
    external: perPipe(heapAfter.external - heap.external),
  });
}

/** Connects many times, and stays until it is ended. */
async function dial({ url, count }: Task): Promise<void> {
  await using socket = new Push();
  for (let i = 0; i < count; i++) await socket.dial(url);
  await pause(NEVER_MS);
}

async function inproc(task: Task): Promise<void> {
  await using pull = new Pull({ receiveBuffer: BUFFER });
  await using push = new Push({ sendBuffer: BUFFER });
  await pull.listen(task.url);
  await push.dial(task.url);
  const tally = new CoarseTally(task.ms / 5);
  const taken = takeAll(pull, tally);
  await sendFor(push, task);
  await push.send(new Uint8Array(END_BYTES));
  await taken;
  say(tally.report());
}

const ROLES: Record<string, (task: Task) => Promise<void>> = { pull, push, rep, req, pub, sub, idle, dial, inproc };

function run([role, url, count, size, style, ms]: Command): Promise<void> {
  return ROLES[role]({ url, count: Number(count), size: Number(size), isSync: style === "sync", ms: Number(ms) });
}

if (isWorker) serveAsWorker(run);
else if (Deno.args[4] === "sync") await inWorker(import.meta.url, Deno.args);
else await run(Deno.args as Command);
if (!isWorker) Deno.exit();

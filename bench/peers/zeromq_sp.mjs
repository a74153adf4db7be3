/**
 * The peer on zeromq.js, by Node: `zeromq_sp.mjs ROLE URL COUNT SIZE any MILLISECONDS`, as our_sp.ts.
 *
 * It has no contexts: a DEALER asks many questions at a time, and a ROUTER answers them.
 *
 * @module
 */

import { createRequire } from "node:module";
import process from "node:process";
import { CoarseTally, END_BYTES, pause, PER_LOOK, RoundTrips, say } from "./tally.mjs";
import { ACKS, publishedTopic, report, TOPIC_BYTES, topicOf, WINDOW, Windows } from "./sp_publishing.mjs";

/** Where `npm install` has put it, which no package depends on. */
const zmq = createRequire(new URL("../../.build/bench/zeromq/", import.meta.url))("zeromq");
const [role, url, countText, sizeText, , msText] = process.argv.slice(2);
const count = Number(countText);
const size = Number(sizeText);
const ms = Number(msText);
/** Longer than anything that is measured, in milliseconds. */
const NEVER_MS = 1e9;
/** Connections that may be made at a time. */
const BACKLOG = 4096;
/** Comes to a subscriber when the publisher knows all that it wants. */
const READY = "ready";
/** What a subscription begins with. */
const SUBSCRIBE = "\x01";
/** Time for what is queued to leave, in milliseconds. */
const SETTLE_MS = 300;

async function bound(socket, at = url) {
  await socket.bind(at === "tcp://127.0.0.1:0" ? "tcp://127.0.0.1:*" : at);
  return socket.lastEndpoint;
}

async function sendFor(push) {
  const data = new Uint8Array(size);
  const end = performance.now() + ms;
  let sent = 0;
  do {
    for (let i = 0; i < PER_LOOK; i++, sent++) await push.send(data);
  } while (performance.now() < end);
  return sent;
}

async function takeAll(socket, warmUpMs) {
  const tally = new CoarseTally(warmUpMs);
  for await (const [message] of socket) {
    if (message.length === END_BYTES) break;
    tally.count();
  }
  say(tally.report());
}

const ROLES = {
  async pull() {
    const socket = new zmq.Pull();
    say({ ready: await bound(socket) });
    await takeAll(socket, ms);
  },

  async push() {
    const socket = new zmq.Push();
    socket.connect(url);
    const begun = performance.now();
    const sent = await sendFor(socket);
    say({ sent, seconds: (performance.now() - begun) / 1000 });
    await socket.send(new Uint8Array(END_BYTES));
    await pause(SETTLE_MS);
  },

  async rep() {
    const socket = count === 1 ? new zmq.Reply() : new zmq.Router();
    say({ ready: await bound(socket) });
    for await (const frames of socket) {
      await socket.send(frames);
      if (frames.at(-1).length === END_BYTES) break;
    }
    await pause(SETTLE_MS);
  },

  async req() {
    if (count > 1) return await askMany();
    const socket = new zmq.Request();
    socket.connect(url);
    const data = new Uint8Array(size);
    const trips = new RoundTrips(ms);
    while (trips.isGoingOn) {
      await socket.send(data);
      await socket.receive();
      trips.complete();
    }
    await socket.send(new Uint8Array(END_BYTES));
    await socket.receive();
    say(trips.report());
  },

  async pub() {
    const socket = new zmq.Publisher({ backlog: BACKLOG });
    const acks = new zmq.Pull();
    const before = process.memoryUsage().rss;
    say({ ready: await bound(socket) });
    await bound(acks, url + ACKS);
    const ready = acks.receive();
    let isReady = false;
    ready.then(() => isReady = true);
    // Subscriptions are looked at when something is sent, and only then.
    for (; !isReady; await pause(1)) await socket.send(READY);
    await report(count, ms, before, async (published) => {
      const data = Buffer.alloc(64);
      for (let i = 0; i < WINDOW; i++) {
        const message = Buffer.from(data);
        message.write(publishedTopic(published + i, size));
        await socket.send(message);
      }
      if (published > 0) await acks.receive();
    }, () => process.memoryUsage().rss);
    await acks.receive();
    await socket.send(topicOf(0));
    await pause(SETTLE_MS);
  },

  async sub() {
    zmq.context.maxSockets = count + 8;
    const acks = new zmq.Push();
    acks.connect(url + ACKS);
    // Subscriptions go to the publisher, and those would be lost that find no room: only XSUB has a limit to set.
    const sockets = Array.from({ length: count }, () => new zmq.XSubscriber({ sendHighWaterMark: 0 }));
    const before = process.memoryUsage().rss;
    const begun = performance.now();
    for (const socket of sockets) {
      if (size === 0) await socket.send(SUBSCRIBE);
      for (let i = 0; i < size; i++) await socket.send(SUBSCRIBE + topicOf(i));
      if (size > 0) await socket.send(SUBSCRIBE + READY);
    }
    const memory = size === 0 ? 0 : (process.memoryUsage().rss - before) / count / size;
    say({ subscribed: (performance.now() - begun) / 1000, memory });
    const receiving = sockets.map((socket) => receiveWindows(socket, acks));
    await Promise.all(receiving);
  },

  async idle() {
    const socket = new zmq.Pull({ backlog: BACKLOG });
    let pipes = 0;
    let wake = () => {};
    socket.events.on("handshake", () => {
      pipes++;
      wake();
    });
    const until = async (wanted) => {
      while (pipes < wanted) await new Promise((resolve) => wake = resolve);
      await pause(SETTLE_MS);
    };
    say({ ready: await bound(socket) });
    await until(1);
    const before = process.memoryUsage().rss;
    say({ ready: url });
    await until(1 + count);
    say({ memory: (process.memoryUsage().rss - before) / count });
    process.exit();
  },

  async dial() {
    const socket = new zmq.Push();
    for (let i = 0; i < count; i++) socket.connect(url);
    await pause(NEVER_MS);
  },

  async inproc() {
    const push = new zmq.Push();
    const pull = new zmq.Pull();
    await pull.bind(url);
    push.connect(url);
    const receiving = takeAll(pull, ms / 5);
    await sendFor(push);
    await push.send(new Uint8Array(END_BYTES));
    await receiving;
  },
};

async function askMany() {
  const socket = new zmq.Dealer();
  socket.connect(url);
  const data = new Uint8Array(size);
  const from = performance.now() + ms / 5;
  const until = from + ms;
  let answers = 0;
  for (let i = 0; i < count; i++) await socket.send(["", data]);
  let open = count;
  let looked = 0;
  let time = performance.now();
  for await (const _ of socket) {
    if (looked++ % PER_LOOK === 0) time = performance.now();
    if (time >= from && time < until) answers++;
    if (time < until) await socket.send(["", data]);
    else if (--open === 0) break;
  }
  say({ answers, seconds: ms / 1000 });
  await socket.send(["", new Uint8Array(END_BYTES)]);
  await socket.receive();
}

const windows = new Windows(count);
let ready = 0;

async function receiveWindows(socket, acks) {
  let isReady = false;
  let arrivals = 0;
  socket.connect(url);
  for await (const [message] of socket) {
    if (message.length === READY.length) {
      if (!isReady && ++ready === count) await acks.send("");
      isReady = true;
      continue;
    }
    if (message.length === TOPIC_BYTES) return;
    if (++arrivals % WINDOW === 0 && windows.complete(arrivals)) await acks.send("");
  }
}

await ROLES[role]();
process.exit();

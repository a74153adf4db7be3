/** What goes wrong at the other end is no harm to a socket, and each pattern keeps its promises. */

import { TimeoutError } from "@sockeye/sockeye";
import type { StreamSocket } from "@sockeye/sockeye/ffi";
import {
  type PipeEvent,
  Pub,
  Pull,
  Push,
  Rep,
  Req,
  Respondent,
  type SpPipe,
  type SpSocket,
  Sub,
  Surveyor,
} from "@sockeye/sockeye/sp";
import assert from "node:assert/strict";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { SocketPipe } from "../../sp/socket/pipe.ts";
import { HEADER_BYTES } from "../../sp/transport/datagram/header.ts";
import { encodeGreeting } from "../../sp/transport/stream/frame_format.ts";
import { test } from "../support/harness.ts";
import { heapGrowth, mostDescriptors, openSockets } from "../support/leaks.ts";
import { CARRIERS, SOON } from "./contract/carriers.ts";
import { Child } from "./transport/child.ts";
import { frame as frameOf, greetedPeer, rawPeer, readExactly, readToEnd } from "./transport/stream_support.ts";

const STREAMS = CARRIERS.filter(({ name }) => name === "ipc" || name === "tcp");
const ENCODER = new TextEncoder();
/** The numbers of patterns in greetings. */
const REQ = 48, REP = 49, PUSH = 80, PULL = 81, SUB = 33, RESPONDENT = 99;

/** Bytes as a message of a stream; without them only the header of one that claims to be as long. */
function frame(url: string, body: Uint8Array, length = body.length): Uint8Array {
  return frameOf({ isIpc: url.startsWith("ipc") }, length, body);
}

/** Resolves with a number of events of a type. */
function events(socket: SpSocket, type: PipeEvent["type"], count = 1): Promise<PipeEvent[]> {
  const told: PipeEvent[] = [];
  return new Promise((resolve) => {
    const stop = socket.onPipe((event) => {
      if (event.type !== type || told.push(event) < count) return;
      stop();
      resolve(told);
    });
  });
}

/** Starts a peer of programs/faulty.ts. */
async function start(behaviour: string, url: string): Promise<Child> {
  const program = fileURLToPath(new URL("programs/faulty.ts", import.meta.url));
  const child = new Child(process.execPath, ["run", "-A", "--no-check", program, behaviour, url]);
  await child.printed(/ready/);
  return child;
}

/** A URL whose port, if it has one, was free a moment ago. */
async function freeUrl(url: string): Promise<string> {
  const pull = new Pull();
  const listener = await pull.listen(url);
  await pull.close();
  return listener.url;
}

/** Bytes that the connection has taken, and not the kernel. */
const unsentBytes = (pipe: SpPipe) => (pipe as SocketPipe).connection.unsentBytes;

/** Messages of a thousand bytes with their number in front. */
function numbered(number: number): Uint8Array {
  const message = new Uint8Array(1000);
  new DataView(message.buffer).setUint32(0, number);
  return message;
}

/** What such a message takes on its way. */
const numberedBytes = (url: string) =>
  url.startsWith("unixgram") ? HEADER_BYTES + 1000 : frame(url, numbered(0)).length;

const numberOf = (message: Uint8Array) => new DataView(message.buffer, message.byteOffset).getUint32(0);

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Sends until nothing is taken any more, not even after the event loop had some turns; gives the number that was taken. */
async function pushUntilFull(push: Push): Promise<number> {
  let count = 0;
  for (let idleTurns = 0; idleTurns < 20; idleTurns++) {
    while (push.trySend(numbered(count))) {
      count++;
      idleTurns = 0;
    }
    await turn();
  }
  return count;
}

/** The number of a message whose bytes a stalled peer reads. */
async function readNumbered(peer: StreamSocket, url: string): Promise<number> {
  return numberOf((await readExactly(peer, numberedBytes(url))).subarray(-1000));
}

/** A thousand, or what there are descriptors for: each takes one at either end. */
const DIALERS = Math.min(1000, Math.floor(mostDescriptors() / 4));

for (const carrier of STREAMS) {
  const { name } = carrier;

  test(`${name}: a request whose answerer is killed in mid-answer is answered by the one that comes after it`, async () => {
    const url = await freeUrl(carrier.url());
    const dying = await start("half-answer", url);
    const req = new Req({ reconnectMin: 5 });
    await req.dial(url, SOON);
    const asked = req.request("question", SOON);
    await dying.printed(/half an answer/);
    const gone = events(req, "removed");

    await dying.stop("SIGKILL");
    await gone;
    const living = await start("echo", url);

    assert.equal((await asked).text(), "question");
    const refused = events(req, "removed");
    await living.stop("SIGKILL");
    await refused;
    await assert.rejects(req.request("nobody is there", { timeout: 20 }), TimeoutError);
    await req.close();
  });

  test(`${name}: many dialers come back when their listener does, and each is heard`, async () => {
    const dialers = Array.from({ length: DIALERS }, () => new Push({ reconnectMin: 10 }));
    let pull = new Pull();
    const { url } = await pull.listen(carrier.url());
    const arrived = events(pull, "added", dialers.length);
    await Promise.all(dialers.map((push) => push.dial(url, SOON)));
    await arrived;
    const gone = dialers.map((push) => events(push, "removed"));

    await pull.close({ linger: 0 });
    await Promise.all(gone);
    pull = new Pull();
    const returned = events(pull, "added", dialers.length);
    await pull.listen(url);
    await returned;
    await Promise.all(dialers.map((push, index) => push.send(String(index), SOON)));

    const heard = new Set<string>();
    while (heard.size < dialers.length) heard.add((await pull.receive(SOON)).text());
    assert.equal(pull.stats().received, dialers.length);
    await Promise.all(dialers.map((push) => push.close()));
    await pull.close();
  });

  test(`${name}: a subscriber that reads nothing costs little, loses messages, and slows nobody`, async () => {
    const pub = new Pub({ sendBuffer: 16 });
    const { url } = await pub.listen(carrier.url());
    const added = events(pub, "added");
    const stalled = await greetedPeer(url, SUB);
    const [{ pipe }] = await added;
    const sub = new Sub();
    sub.subscribe("");
    await sub.dial(url, SOON);
    const count = 5000;

    for (let number = 0; number < count; number++) {
      await pub.send(numbered(number));
      assert.equal(numberOf((await sub.receive(SOON)).body), number);
    }

    const { sent, dropped: { bufferFull: dropped } } = pipe.stats();
    assert(dropped > 0, "the buffers of the kernel hold less than five megabytes");
    assert.equal(pub.stats().dropped.bufferFull, dropped);
    assert(pub.stats().unsent <= 16);
    assert.equal(sent + dropped + pub.stats().unsent, count);
    assert(unsentBytes(pipe) <= 256 * 1024, `${unsentBytes(pipe)} bytes wait`);
    stalled.close();
    await sub.close();
    await pub.close({ linger: 0 });
  });

  test(`${name}: PUSH waits for a PULL that reads nothing, and goes on when it reads`, async () => {
    const push = new Push();
    const { url } = await push.listen(carrier.url());
    const added = events(push, "added");
    const stalled = await greetedPeer(url, PULL);
    const [{ pipe }] = await added;
    const count = await pushUntilFull(push);

    assert(unsentBytes(pipe) <= 256 * 1024, `${unsentBytes(pipe)} bytes wait`);
    await assert.rejects(push.send("x", { timeout: 5 }), TimeoutError);
    const waiting = push.send(numbered(count), SOON);
    for (let number = 0; number <= count; number++) assert.equal(await readNumbered(stalled, url), number);

    await waiting;
    assert.equal(push.stats().sent, count + 1);
    stalled.close();
    await push.close();
  });

  test(`${name}: PULL reads no further than its user, whatever is sent to it`, async () => {
    const pull = new Pull({ receiveBuffer: 4 });
    const { url } = await pull.listen(carrier.url());
    const push = new Push();
    await push.dial(url, SOON);

    const count = await pushUntilFull(push);

    assert(pull.stats().unread <= 5, `${pull.stats().unread} messages wait`);
    assert(count < 5000, `${count} messages were taken`);
    for (let number = 0; number < count; number++) {
      assert.equal(numberOf((await pull.receive(SOON)).body), number);
    }
    await push.close();
    await pull.close();
  });

  test(`${name}: strangers that say nothing, or nonsense, are closed, and nobody else notices`, async () => {
    const pull = new Pull({ handshakeTimeout: 500, maxReceiveSize: 10_000 });
    const { url } = await pull.listen(carrier.url());
    const push = new Push();
    await push.dial(url, SOON);
    const nonsense = [
      new Uint8Array(0),
      Uint8Array.of(0, 0x53),
      new Uint8Array(8),
      ENCODER.encode("GET / HTTP/1.1\r\n\r\n"),
      new Uint8Array(100_000).fill(0xff),
      encodeGreeting(REQ),
    ];

    for (const bytes of nonsense) {
      const stranger = await rawPeer(url);
      if (bytes.length > 0) await stranger.write(bytes).catch(() => {});
      await readToEnd(stranger);
      stranger.close();
      await push.send("still here", SOON);
      assert.equal((await pull.receive(SOON)).text(), "still here");
    }

    assert.equal(pull.stats().failedConnections, nonsense.length);
    assert.equal(pull.pipes.length, 1);
    await push.close();
    await pull.close();
  });

  test(`${name}: a question to a peer that has vanished without a word is answered by another`, async () => {
    const req = new Req({ resendTime: 20 });
    const { url } = await req.listen(carrier.url());
    // Half-open: the connection stands, and nobody is behind it any more.
    const vanished = await greetedPeer(url, REP);
    const asked = req.request("question", SOON);
    await readExactly(vanished, frame(url, new Uint8Array(4 + "question".length)).length);

    const rep = new Rep();
    const serving = rep.serve((question) => `answer to the ${question.text()}`);
    await rep.dial(url, SOON);

    assert.equal((await asked).text(), "answer to the question");
    assert(req.stats().resent > 0);
    assert.equal(req.pipes.length, 2);
    vanished.close();
    await req.close();
    await rep.close();
    await serving;
  });

  test(`${name}: a survey ends at its time, though one of those asked has vanished without a word`, async () => {
    const surveyor = new Surveyor();
    const { url } = await surveyor.listen(carrier.url());
    const vanished = await greetedPeer(url, RESPONDENT);
    const respondent = new Respondent();
    const serving = respondent.serve(() => "here");
    const added = surveyor.pipes.length < 2 ? events(surveyor, "added", 2 - surveyor.pipes.length) : undefined;
    await respondent.dial(url, SOON);
    await added;

    const answers: string[] = [];
    while (answers.length === 0) {
      // A busy machine may be too slow for the first.
      for await (const answer of surveyor.survey("who is there?", { timeout: 300 })) answers.push(answer.text());
    }

    assert.deepEqual(answers, ["here"]);
    vanished.close();
    await surveyor.close();
    await respondent.close();
    await serving;
  });

  test(`${name}: lengths that can't be, and messages cut off, end their pipe and no other`, async () => {
    const pull = new Pull({ maxReceiveSize: 10_000 });
    const { url } = await pull.listen(carrier.url());
    const push = new Push();
    await push.dial(url, SOON);
    const nothing = new Uint8Array(0);
    const endless = frame(url, nothing);
    endless.fill(0xff, endless.length - 8);
    const broken = [frame(url, nothing, 10_001), frame(url, nothing, 2 ** 52), endless, frame(url, nothing, 5000)];
    broken.push(endless.subarray(0, 5));

    for (const bytes of broken) {
      const gone = events(pull, "removed");
      const stranger = await greetedPeer(url, PUSH);
      await stranger.write(frame(url, ENCODER.encode("before")));
      assert.equal((await pull.receive(SOON)).text(), "before");
      await stranger.write(bytes);
      if (bytes.length < 8 || bytes === broken[3]) stranger.close();
      const [{ error }] = await gone;
      assert(error !== undefined);
      stranger.close();
      await push.send("still here", SOON);
      assert.equal((await pull.receive(SOON)).text(), "still here");
    }

    assert.equal(pull.pipes.length, 1);
    await push.close();
    await pull.close();
  });

  test(`${name}: REP drops questions whose backtrace never ends, and answers others`, async () => {
    const rep = new Rep();
    const { url } = await rep.listen(carrier.url());
    const serving = rep.serve(({ body }) => body);
    const req = new Req();
    await req.dial(url, SOON);
    const stranger = await greetedPeer(url, REQ);
    const question = Uint8Array.of(0x80, 0, 0, 1, 42);

    for (let i = 0; i < 20; i++) await stranger.write(frame(url, new Uint8Array(100_000)));
    await stranger.write(frame(url, question));
    const answer = await readExactly(stranger, frame(url, question).length);
    assert.deepEqual(answer, frame(url, question));
    assert.equal(rep.stats().dropped.hopLimit, 20);

    await stranger.write(frame(url, new Uint8Array(8)));
    await readToEnd(stranger);
    assert.equal(rep.stats().dropped.malformed, 1);
    assert.equal((await req.request("hello", SOON)).text(), "hello");
    stranger.close();
    await req.close();
    await rep.close();
    await serving;
  });
}

for (const carrier of CARRIERS.filter(({ name }) => ["ipc", "tcp", "unixgram"].includes(name))) {
  const { name } = carrier;

  test(`${name}: a PUSH that is killed in mid-message leaves whole messages, in order, and comes back`, async () => {
    const pull = new Pull({ receiveBuffer: 1 });
    const { url } = await pull.listen(carrier.url());
    const gone = events(pull, "removed");
    let isGone = false;
    gone.then(() => isGone = true);
    const dying = await start("flood", url);
    let received = 0;
    const take = (body: Uint8Array) => {
      assert.equal(body.length, 1 << 20);
      assert(body.every((byte) => byte === (received & 0xff)), `message ${received} is another, or not whole`);
      received++;
    };
    while (received < 3) take((await pull.receive(SOON)).body);

    // No kernel buffer here has room for the message that it is at.
    await dying.stop("SIGKILL");
    for (let message = pull.tryReceive(); !isGone || message !== undefined; message = pull.tryReceive()) {
      if (message === undefined) await turn();
      else take(message.body);
    }

    received = 0;
    const living = await start("flood", url);
    while (received < 3) take((await pull.receive(SOON)).body);
    await living.stop("SIGKILL");
    await pull.close();
  });

  test(`${name}: a question that was taken by one who is killed is answered by the one that comes after`, async () => {
    const url = await freeUrl(carrier.url());
    const dying = await start("silent", url);
    const req = new Req({ reconnectMin: 5 });
    await req.dial(url, SOON);
    const asked = req.request("question", SOON);
    await dying.printed(/asked/);
    const gone = events(req, "removed");

    await dying.stop("SIGKILL");
    await gone;
    const living = await start("echo", url);

    assert.equal((await asked).text(), "question");
    await living.stop("SIGKILL");
    await req.close();
  });

  test(`${name}: what the kernel did not have when a PULL was killed goes to the next one, in order`, async () => {
    const push = new Push();
    const { url } = await push.listen(carrier.url());
    const added = events(push, "added");
    const sleeping = await start("sleep", url);
    const [{ pipe }] = await added;
    const count = await pushUntilFull(push);
    const unsent = Math.floor(unsentBytes(pipe) / numberedBytes(url));
    assert(unsent > 0, "some are with us");
    const gone = events(push, "removed");

    await sleeping.stop("SIGKILL");
    await gone;
    const pull = new Pull();
    await pull.dial(url, SOON);
    await push.send(numbered(count), SOON);

    for (let number = count - unsent; number <= count; number++) {
      assert.equal(numberOf((await pull.receive(SOON)).body), number);
    }
    assert.equal(pull.tryReceive(), undefined);
    await push.close();
    await pull.close();
  });
}

/** How often a socket connects and closes. */
const LIVES = 10_000;

for (const carrier of CARRIERS.filter(({ name }) => ["inproc", "ipc", "tcp", "unixgram"].includes(name))) {
  test(`${carrier.name}: ten thousand connects and closes leave no descriptor and no memory behind`, async () => {
    const pull = new Pull();
    const { url } = await pull.listen(carrier.url());
    const live = async () => {
      const push = new Push();
      await push.dial(url, SOON);
      await push.send("x", SOON);
      await pull.receive(SOON);
      const [pipe] = pull.pipes;
      const gone = pipe === undefined ? undefined : events(pull, "removed");
      await push.close();
      await gone;
    };
    await live();
    const sockets = openSockets();

    const growth = await heapGrowth(LIVES, LIVES * 100, live);

    assert(openSockets() <= sockets, `${openSockets()} sockets, ${sockets} before`);
    assert(growth < LIVES * 100, `${growth} bytes for ${LIVES / 2} lives`);
    assert.equal(pull.pipes.length, 0);
    await pull.close();
  }, { timeoutMs: 240_000, skip: carrier.skip });
}

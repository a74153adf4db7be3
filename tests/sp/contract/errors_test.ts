/** What errors say, and of whom. */

import {
  AddressError,
  ArgumentError,
  BufferFullError,
  ClosedError,
  NoPeerError,
  ProtocolError,
  SockeyeError,
  StateError,
  TimeoutError,
  UnsupportedError,
} from "@sockeye/sockeye";
import {
  device,
  type EndpointFailure,
  Pair,
  type PipeEvent,
  Pull,
  Push,
  Rep,
  Req,
  type SpErrorDetails,
  Sub,
  Surveyor,
} from "@sockeye/sockeye/sp";
import assert from "node:assert/strict";
import { inspect } from "node:util";
import { test } from "../../support/harness.ts";
import { overEach, SOON } from "./carriers.ts";

/** The error of something that fails, with what sockets add. */
async function failure(attempt: () => unknown): Promise<SockeyeError & SpErrorDetails> {
  try {
    await attempt();
  } catch (error) {
    assert(error instanceof SockeyeError, String(error));
    return error as SockeyeError & SpErrorDetails;
  }
  throw new Error("it did not fail");
}

test("errors name the socket that they concern", async () => {
  const rep = new Rep();
  const push = new Push();

  const outOfTurn = await failure(() => rep.send("an answer to nothing"));
  const timeout = await failure(() => push.send("to nobody", { timeout: 1 }));
  await push.close();
  const closed = await failure(() => push.send("too late"));
  await rep.close();

  assert(outOfTurn instanceof StateError && timeout instanceof TimeoutError && closed instanceof ClosedError);
  assert.match(outOfTurn.socket, /^rep \d+$/);
  assert.match(timeout.socket, /^push \d+$/);
  assert.match(timeout.message, /^send on push \d+: /);
  assert.match(closed.socket, /^push \d+$/);
});

test("whoever waits when the socket is closed is told which", async () => {
  const pull = new Pull();
  const waiting = failure(() => pull.receive());

  await pull.close();

  const error = await waiting;
  assert(error instanceof ClosedError);
  assert.match(error.socket, /^pull \d+$/);
});

overEach("dialing a peer of another pattern says so, with both names", async (carrier) => {
  await using pull = new Pull();
  const { url } = await pull.listen(carrier.url());
  await using req = new Req();

  const error = await failure(() => req.dial(url, SOON));

  assert(error instanceof ProtocolError, String(error));
  assert.match(error.message, /req|rep/);
  assert.match(error.message, /pull|push/);
  assert.match(error.socket, /^req \d+$/);
});

test("a dialer that runs out of time tells what went wrong last", async () => {
  await using req = new Req({ reconnectMin: 1 });
  const failures: EndpointFailure[] = [];
  req.onFailure((failure) => failures.push(failure));

  const error = await failure(() => req.dial("inproc://nobody", { timeout: 50 }));

  assert(error instanceof TimeoutError);
  assert.match(error.message, /ECONNREFUSED/);
  assert.equal((error.cause as SockeyeError).code, "ECONNREFUSED");
  assert(failures.length > 0);
  assert.equal(failures[0].url, "inproc://nobody");
  assert.equal(req.stats().failedConnections, failures.length);
});

test("what can't be an address is refused before anything happens", async () => {
  await using push = new Push();

  for (const url of ["", "nowhere", "carrier-pigeon://here", "inproc://", "tcp://", "tcp://127.0.0.1:99999"]) {
    await assert.rejects(push.listen(url), AddressError, url);
    await assert.rejects(push.dial(url), AddressError, url);
  }
  assert.equal(push.stats().endpoints, 0);
});

overEach("a pipe that somebody closes is told as removed, without an error", async (carrier) => {
  await using left = new Pair({ reconnectMin: 60_000 });
  await using right = new Pair({ reconnectMin: 60_000 });
  const { url } = await left.listen(carrier.url());
  const removed = new Promise<PipeEvent>((resolve) =>
    right.onPipe((event) => event.type === "removed" && resolve(event))
  );
  await right.dial(url, SOON);
  await right.send("hello");
  const { pipe } = await left.receive(SOON);

  pipe!.close();

  const event = await removed;
  assert.equal(event.error, undefined);
  assert.equal(event.pipe.isClosed, true);
  assert.equal(event.pipe.stats().sent, 1);
});

overEach("a request whose peer goes, and that is sent only once, fails with a NoPeerError", async (carrier) => {
  const rep = new Rep();
  const { url } = await rep.listen(carrier.url());
  await using req = new Req({ resendTime: Infinity });
  await req.dial(url, SOON);

  const asked = failure(() => req.request("question", SOON));
  await rep.receive(SOON);
  await rep.close({ linger: 0 });

  const error = await asked;
  assert(error instanceof NoPeerError, String(error));
  assert.match(error.socket, /^req \d+$/);
  assert.equal(error.pipe?.isClosed, true);
});

overEach("whoever waits in vain to send is told whether nobody is there, or nobody can take more", async (carrier) => {
  await using push = new Push();
  await using pull = new Pull({ receiveBuffer: 1 });
  const { url } = await pull.listen(carrier.url());
  const body = new Uint8Array(30_000);

  const alone = await failure(() => push.send(body, { timeout: 1 }));
  const aloneBlocked = await failure(() => push.sendSync(body, { timeout: 1 }));
  await push.dial(url, SOON);
  while (push.trySend(body));
  const full = await failure(() => push.send(body, { timeout: 0 }));

  for (const error of [alone, aloneBlocked]) {
    assert(error instanceof TimeoutError && error.cause instanceof NoPeerError, String(error));
    assert.match(error.socket, /^push \d+$/);
    assert.match(error.message, /nobody is connected/);
  }
  assert(full instanceof TimeoutError && full.cause instanceof BufferFullError, String(full));
  const cause = full.cause as BufferFullError & SpErrorDetails;
  assert.equal(cause.pipe, push.pipes[0]);
  assert.equal(cause.socket, full.socket);
  await push.close({ linger: 0 });
}, { only: ({ name }) => !/^(udp|ip$)/.test(name) });

test("whoever waits in vain to receive is told of whom, and that nobody is there", async () => {
  await using pull = new Pull();
  await using req = new Req();
  const waits = [
    () => pull.receive({ timeout: 1 }),
    () => pull.receiveSync({ timeout: 1 }),
    () => req.request("anybody?", { timeout: 1 }),
    () => req.requestSync("anybody?", { timeout: 1 }),
    () => req.openContext().send("anybody?", { timeout: 1 }),
  ];
  for (const wait of waits) {
    const error = await failure(wait);
    assert(error instanceof TimeoutError && error.cause instanceof NoPeerError, String(error));
    assert.match(error.socket, /^(pull|req) \d+$/);
  }
});

test("calls that can't be name their socket", async () => {
  await using push = new Push();
  await using req = new Req({ raw: true });
  await using rep = new Rep();
  await using surveyor = new Surveyor({ raw: true });
  await using sub = new Sub({ raw: true });
  await using topics = new Sub();
  const calls: [() => unknown, new (...args: never[]) => SockeyeError][] = [
    [() => push.send(5 as unknown as string), ArgumentError],
    [() => push.trySend(5 as unknown as string), ArgumentError],
    [() => push.sendSync(5 as unknown as string), ArgumentError],
    [() => push.send("x", { timeout: -1 }), ArgumentError],
    [() => push.listen("nonsense"), AddressError],
    [() => push.dial("nonsense"), AddressError],
    [() => push.dial("inproc://a", { timeout: -1 }), ArgumentError],
    [() => push.close({ linger: -1 }), ArgumentError],
    [() => req.request("x"), UnsupportedError],
    [() => req.openContext(), UnsupportedError],
    [() => push.onPipe(undefined as never), ArgumentError],
    [() => push.onFailure(undefined as never), ArgumentError],
    [() => rep.serve(() => "", { concurrency: 0 }), ArgumentError],
    [() => rep.serve("an answer" as never), ArgumentError],
    [() => surveyor.survey("x").next(), UnsupportedError],
    [() => sub.subscribe(""), UnsupportedError],
    [() => topics.subscribe(undefined as never), ArgumentError],
    [() => topics.unsubscribe(undefined as never), ArgumentError],
    [() => topics.openContext().subscribe(undefined as never), ArgumentError],
    [() => device(rep), ArgumentError],
  ];
  for (const [call, kind] of calls) {
    const error = await failure(call);
    assert(error instanceof kind, String(error));
    assert.match(error.socket, /^(push|req|rep|surveyor|sub) \d+$/, String(error));
  }
});

test("a context that is closed names its socket", async () => {
  await using rep = new Rep();
  await using sub = new Sub();
  const [context, subscriber] = [rep.openContext(), sub.openContext()];
  const waiting = failure(() => context.receive());

  context.close();
  subscriber.close();

  for (
    const error of [
      await waiting,
      await failure(() => context.send("x")),
      await failure(() => subscriber.subscribe("")),
    ]
  ) {
    assert(error instanceof ClosedError);
    assert.match(error.socket, /^(rep|sub) \d+$/);
  }
});

overEach("a pipe that is refused is told as a failure, with the pipe", async (carrier) => {
  await using pair = new Pair();
  const { url } = await pair.listen(carrier.url());
  await using first = new Pair();
  await first.dial(url, SOON);
  while (pair.pipes.length === 0) await new Promise((resolve) => pair.onPipe(resolve));
  const told = new Promise<EndpointFailure>((resolve) => pair.onFailure(resolve));
  await using second = new Pair();

  await second.dial(url, { wait: false });

  const { error } = await told as EndpointFailure & { error: SpErrorDetails };
  assert(error instanceof StateError, String(error));
  assert.match(error.socket, /^pair \d+$/);
  assert.equal(error.pipe?.isClosed, true);
  assert.notEqual(error.pipe, pair.pipes[0]);
});

overEach("a peer that breaks the protocol is removed with a ProtocolError, and its pipe", async (carrier) => {
  await using rep = new Rep();
  const { url } = await rep.listen(carrier.url());
  await using req = new Req({ raw: true, reconnectMin: 60_000 });
  const removed = new Promise<PipeEvent>((resolve) =>
    rep.onPipe((event) => event.type === "removed" && resolve(event))
  );
  await req.dial(url, SOON);

  await req.send("no header", SOON);

  const { error, pipe } = await removed as PipeEvent & { error?: SpErrorDetails };
  assert(error instanceof ProtocolError, String(error));
  assert.match(error.socket, /^rep \d+$/);
  assert.equal(error.pipe, pipe);
});

overEach("whoever sends to a peer that is gone gets a NoPeerError with its pipe", async (carrier) => {
  await using hub = new Pair({ version: 1, polyamorous: true });
  const { url } = await hub.listen(carrier.url());
  await using spoke = new Pair({ version: 1 });
  await spoke.dial(url, SOON);
  await spoke.send("hello", SOON);
  const { pipe } = await hub.receive(SOON);
  const removed = new Promise<void>((resolve) => hub.onPipe(({ type }) => type === "removed" && resolve()));

  await spoke.close();
  await removed;

  const error = await failure(() => hub.sendTo(pipe!, "hello?"));
  assert(error instanceof NoPeerError);
  assert.match(error.socket, /^pair1? ?\d*/);
  assert.equal(error.pipe, pipe);
});

overEach("sockets and pipes count bytes and messages each way, also of pipes that have gone", async (carrier) => {
  await using rep = new Rep();
  const { url } = await rep.listen(carrier.url());
  const req = new Req();
  await req.dial(url, SOON);
  await req.send(new Uint8Array(100), SOON);
  await rep.receive(SOON);
  await rep.send(new Uint8Array(50), SOON);
  await req.receive(SOON);
  const [pipe] = rep.pipes;
  const [asked] = req.pipes;

  const word = 4;
  for (const stats of [pipe.stats(), rep.stats()]) {
    const { sent, received, sentBytes, receivedBytes } = stats;
    assert.deepEqual({ sent, received, sentBytes, receivedBytes }, {
      sent: 1,
      received: 1,
      sentBytes: word + 50,
      receivedBytes: word + 100,
    });
    assert.deepEqual(new Set(Object.values(stats.dropped)), new Set([0]));
  }
  const removed = new Promise<void>((resolve) => rep.onPipe(({ type }) => type === "removed" && resolve()));
  await req.close();
  await removed;

  assert.equal(pipe.stats().sent, 1);
  assert.equal(pipe.stats().sentBytes, word + 50);
  assert.equal(rep.stats().sentBytes, word + 50);
  assert.deepEqual([asked.stats().sent, asked.stats().received], [1, 1]);
  assert.equal(asked.stats().sentBytes, word + 100);
  assert.equal(req.stats().sentBytes, word + 100);
  assert.equal(rep.stats().pipes, 0);
});

overEach("an answer to a peer that has gone is counted as dropped by the socket and by its pipe", async (carrier) => {
  await using rep = new Rep();
  const { url } = await rep.listen(carrier.url());
  const req = new Req();
  await req.dial(url, SOON);
  await req.send("answered too late", SOON);
  await rep.receive(SOON);
  const [pipe] = rep.pipes;
  const removed = new Promise<void>((resolve) => rep.onPipe(({ type }) => type === "removed" && resolve()));
  await req.close();
  await removed;

  await rep.send("nobody is there", SOON);

  assert.equal(rep.stats().dropped.noPeer, 1);
  assert.equal(pipe.stats().dropped.noPeer, 1);
});

test("pipes tell what waits in them", async () => {
  await using pull = new Pull({ receiveBuffer: 8 });
  await pull.listen("inproc://depths-too");
  await using push = new Push();
  await push.dial("inproc://depths-too", SOON);
  await push.send("waits for the user", SOON);
  while (pull.stats().unread === 0) await new Promise((resolve) => setImmediate(resolve));

  assert.equal(pull.pipes[0].stats().unread, 1);
  assert.equal(pull.stats().unread, 1);
  pull.tryReceive();
  assert.equal(pull.pipes[0].stats().unread, 0);
});

test("a console shows which pipe an error is of, and not what is inside", async () => {
  await using left = new Pair();
  await left.listen("inproc://shown");
  await using right = new Pair();
  await right.dial("inproc://shown", SOON);

  const shown = inspect(right.pipes[0]);

  assert.match(shown, /id: \d+/);
  assert.match(shown, /inproc:\/\/shown/);
  assert.doesNotMatch(shown, /connection|state/);
});

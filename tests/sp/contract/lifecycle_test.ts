/** How connections come and go, and what becomes of those who wait. */

import { AddressError, ArgumentError, ClosedError, ProtocolError } from "@sockeye/sockeye";
import { Pair, type PipeEvent, Pub, Pull, Push, Rep, Req, type SpSocket } from "@sockeye/sockeye/sp";
import assert from "node:assert/strict";
import { test } from "../../support/harness.ts";
import { overEach, SOON } from "./carriers.ts";

/** Resolves with the next event of a type. */
function nextEvent(socket: SpSocket, type: PipeEvent["type"]): Promise<PipeEvent> {
  return new Promise((resolve) => {
    const stop = socket.onPipe((event) => {
      if (event.type !== type) return;
      stop();
      resolve(event);
    });
  });
}

overEach("a dialer waits for a listener that comes later, and comes back when it was gone", async (carrier) => {
  let listening = new Pull();
  const { url } = await listening.listen(carrier.url());
  await listening.close();
  const push = new Push({ reconnectMin: 5 });

  const dialing = push.dial(url, SOON);
  listening = new Pull();
  await listening.listen(url);
  const dialer = await dialing;
  await push.send("first", SOON);
  assert.equal((await listening.receive(SOON)).text(), "first");

  const gone = nextEvent(push, "removed");
  await listening.close();
  await gone;
  assert(!dialer.isConnected);
  listening = new Pull();
  await listening.listen(url);
  await push.send("second", SOON);
  assert.equal((await listening.receive(SOON)).text(), "second");

  await push.close();
  await listening.close();
});

overEach("a request whose answerer goes is asked again of another", async (carrier) => {
  const req = new Req();
  const { url } = await req.listen(carrier.url());
  const first = new Rep();
  await first.dial(url, SOON);
  const asked = req.request("question", SOON);
  assert.equal((await first.receive(SOON)).text(), "question");

  await first.close();
  const second = new Rep();
  const serving = second.serve(() => "answer");
  await second.dial(url, SOON);

  assert.equal((await asked).text(), "answer");
  await req.close();
  await second.close();
  await serving;
});

overEach("pipes tell who they are, and may be refused", async (carrier) => {
  const pull = new Pull();
  const refusing = pull.onPipe((event) => {
    if (event.type === "adding") event.refuse();
  });
  const { url } = await pull.listen(carrier.url());
  const push = new Push({ reconnectMin: 5 });
  const refused = nextEvent(pull, "adding");
  await push.dial(url, { wait: false });
  await refused;
  assert.equal(pull.pipes.length, 0);

  refusing();
  const { pipe } = await nextEvent(pull, "added");
  assert.equal(pipe.role, "listener");
  assert(pipe.id > 0 && pipe.url.length > 0);
  await push.send("hello", SOON);
  const message = await pull.receive(SOON);
  assert.equal(message.pipe, pipe);
  const { sent, received } = pipe.stats();
  assert.deepEqual({ sent, received }, { sent: 0, received: 1 });

  pipe.close();
  assert(pipe.isClosed);
  await push.close();
  await pull.close();
});

overEach("a pipe that is closed while it is being added is refused, too", async (carrier) => {
  const pull = new Pull();
  const types: string[] = [];
  const closing = pull.onPipe(({ type, pipe }) => {
    types.push(type);
    pipe.close();
  });
  const { url } = await pull.listen(carrier.url());
  const push = new Push({ reconnectMin: 5 });
  const refused = nextEvent(pull, "adding");
  await push.dial(url, { wait: false });

  await refused;

  assert.equal(pull.pipes.length, 0);
  closing();
  assert.deepEqual(new Set(types), new Set(["adding"]));
  await nextEvent(pull, "added");
  await push.send("hello", SOON);
  assert.equal((await pull.receive(SOON)).text(), "hello");
  await push.close();
  await pull.close();
});

overEach("a dialer has no connection any more when its socket is closed", async (carrier) => {
  const pull = new Pull();
  const { url } = await pull.listen(carrier.url());
  const push = new Push();
  const dialer = await push.dial(url, SOON);
  const other = new Push();
  other.onPipe(({ type }) => {
    if (type === "added") void other.close();
  });
  await assert.rejects(other.dial(url, SOON), ClosedError);
  assert(dialer.isConnected);

  await push.close();

  assert(!dialer.isConnected);
  await pull.close();
});

overEach("listeners and dialers end with their scope, and their connections go on", async (carrier) => {
  await using pull = new Pull();
  await using push = new Push();
  const added = nextEvent(pull, "added");
  {
    using listener = await pull.listen(carrier.url());
    using dialer = await push.dial(listener.url, SOON);
    assert(dialer.isConnected);
    // A listener that ends gives up greetings that are under way.
    await added;
  }

  assert.deepEqual([pull.stats().endpoints, push.stats().endpoints], [0, 0]);
  await push.send("still here", SOON);
  assert.equal((await pull.receive(SOON)).text(), "still here");
});

overEach("close lets what was sent leave", async (carrier) => {
  const push = new Push();
  const pull = new Pull();
  const { url } = await pull.listen(carrier.url());
  await push.dial(url, SOON);
  // Packets that nobody has read yet fit into the kernel's buffer, however small the machine has it.
  const body = new Uint8Array(carrier.maxMessageBytes === undefined ? 100_000 : 5_000).fill(7);
  for (let i = 0; i < 20; i++) await push.send(body, SOON);

  const closing = push.close({ linger: 20_000 });
  for (let i = 0; i < 20; i++) assert.equal((await pull.receive(SOON)).body.length, body.length);
  await closing;
  await pull.close();
});

overEach("what is pending gets a ClosedError, and so does what is new", async (carrier) => {
  const pull = new Pull();
  await pull.listen(carrier.url());
  const push = new Push();
  const receiving = assert.rejects(pull.receive(), ClosedError);
  const sending = assert.rejects(push.send("nobody takes it"), ClosedError);
  const iterating = (async () => {
    for await (const _ of pull) assert.fail("nothing was sent");
  })();

  await pull.close();
  await push.close({ linger: 0 });

  await Promise.all([receiving, sending, iterating]);
  await assert.rejects(pull.receive(), ClosedError);
  await assert.rejects(push.send("again"), ClosedError);
  await assert.rejects(push.dial(carrier.url()), ClosedError);
  await pull.close();
});

overEach("a peer of another pattern is refused, and the dialer says so", async (carrier) => {
  const rep = new Rep();
  const { url } = await rep.listen(carrier.url());
  const push = new Push();

  await assert.rejects(push.dial(url, SOON), ProtocolError);

  assert.equal(rep.pipes.length, 0);
  await push.close();
  await rep.close();
});

overEach("waits end with their signal, and with their timeout", async (carrier) => {
  const pair = new Pair();
  const { url } = await pair.listen(carrier.url());
  const reason = new Error("enough");
  const given = new AbortController();
  const waiting = [pair.receive({ signal: given.signal }), pair.send("x", { signal: given.signal })];
  given.abort(reason);

  for (const wait of waiting) await assert.rejects(wait, reason);
  await assert.rejects(pair.receive({ timeout: 5 }), { name: "TimeoutError" });
  await assert.rejects(pair.send("x", { timeout: 5 }), { name: "TimeoutError" });
  await assert.rejects(pair.receive({ signal: given.signal }), reason);
  const other = new Pair({ receiveTimeout: 5 });
  await other.dial(url, SOON);
  await assert.rejects(other.receive(), { name: "TimeoutError" });
  await pair.close();
  await other.close();
});

overEach("messages flow through Web Streams", async (carrier) => {
  const push = new Push();
  const pull = new Pull();
  const { url } = await pull.listen(carrier.url());
  await push.dial(url, SOON);

  const writer = push.writable.getWriter();
  for (const text of ["a", "b", "c"]) await writer.write(text);
  const reader = pull.readable.getReader();
  const texts: string[] = [];
  while (texts.length < 3) texts.push((await reader.read()).value!.text());

  assert.deepEqual(texts, ["a", "b", "c"]);
  await writer.close();
  await reader.cancel();
  assert(push.isClosed && pull.isClosed);
});

overEach("a PUB that nobody hears, or that somebody is too slow for, goes on", async (carrier) => {
  const pub = new Pub();
  await pub.listen(carrier.url());

  for (let i = 0; i < 1000; i++) await pub.send(new Uint8Array(1000));

  assert.equal(pub.stats().pipes, 0);
  await pub.close();
});

test("a hundred lives of two sockets leave nothing waiting", async () => {
  for (let life = 0; life < 100; life++) {
    await using rep = new Rep();
    await using req = new Req();
    const serving = rep.serve(({ body }) => body);
    await rep.listen("inproc://lives");
    await req.dial("inproc://lives", SOON);
    assert.equal((await req.request(String(life), SOON)).text(), String(life));
    await rep.close();
    await serving;
  }
});

test("what can't be is refused before anything happens", async () => {
  const push = new Push();
  await assert.rejects(push.listen("nonsense"), AddressError);
  await assert.rejects(push.listen("nosuch://a"), AddressError);
  await assert.rejects(push.dial("tcp://127.0.0.1:99999"), AddressError);
  await assert.rejects(push.dial("inproc://a", { timeout: -1 }), ArgumentError);
  await assert.rejects(push.send(5 as unknown as string), ArgumentError);
  const wrong = [
    { sendBuffer: -1 },
    { sendTimeout: -1 },
    { sendTimeout: 2 ** 31 },
    { linger: NaN },
    { maxReceiveSize: 0.5 },
    { reconnectJitter: 1.5 },
  ];
  for (const options of wrong) assert.throws(() => new Push(options), ArgumentError);
  assert.throws(() => new Pull({ receiveTimeout: 2 ** 31 }), ArgumentError);
  assert.throws(() => new Pair({ version: 2 as 1 }), ArgumentError);
  assert.throws(() => new Pair({ polyamorous: true }), ArgumentError);
  assert.equal(push.stats().endpoints, 0);
  await push.close();
});

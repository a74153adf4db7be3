/** What errors say, and of whom. */

import {
  AddressError,
  ClosedError,
  NoPeerError,
  ProtocolError,
  SockeyeError,
  StateError,
  TimeoutError,
} from "@sockeye/sockeye";
import {
  type EndpointFailure,
  Pair,
  type PipeEvent,
  Pull,
  Push,
  Rep,
  Req,
  type SpErrorDetails,
} from "@sockeye/sockeye/sp";
import assert from "node:assert/strict";
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
});

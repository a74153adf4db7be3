/** Which calls each pattern has, for the compiler and at run time. */

import { Bus, Pair, Pub, Pull, Push, Rep, Req, Respondent, type SpSocket, Sub, Surveyor } from "@sockeye/sockeye/sp";
import assert from "node:assert/strict";
import { test } from "../../support/harness.ts";

const SENDING = ["send", "trySend", "sendSync", "writable"];
const RECEIVING = ["receive", "tryReceive", "receiveSync", "readable"];
const SPECIAL = ["request", "requestSync", "serve", "survey", "subscribe", "unsubscribe", "openContext", "sendTo"];

const CALLS: readonly (readonly [make: () => SpSocket, calls: readonly string[]])[] = [
  [() => new Req(), [...SENDING, ...RECEIVING, "request", "requestSync", "openContext"]],
  [() => new Rep(), [...SENDING, ...RECEIVING, "serve", "openContext"]],
  [() => new Pub(), SENDING],
  [() => new Sub(), [...RECEIVING, "subscribe", "unsubscribe", "openContext"]],
  [() => new Push(), SENDING],
  [() => new Pull(), RECEIVING],
  [() => new Surveyor(), [...SENDING, ...RECEIVING, "survey", "openContext"]],
  [() => new Respondent(), [...SENDING, ...RECEIVING, "serve", "openContext"]],
  [() => new Bus(), [...SENDING, ...RECEIVING]],
  [() => new Pair(), [...SENDING, ...RECEIVING, "sendTo"]],
];

test("a socket has the calls of its pattern, and no others", async () => {
  for (const [make, calls] of CALLS) {
    const socket = make();
    const found = [...SENDING, ...RECEIVING, ...SPECIAL].filter((call) => call in socket);
    assert.deepEqual(found.sort(), [...calls].sort(), socket.pattern);
    await socket.close();
  }
});

/** Never called: the compiler has to refuse each of these lines. */
export function refusedByTheCompiler(): void {
  // @ts-expect-error PULL receives only.
  void new Pull().send("");
  // @ts-expect-error SUB receives only.
  void new Sub().send("");
  // @ts-expect-error PUSH sends only.
  void new Push().receive();
  // @ts-expect-error PUB sends only.
  void new Pub().receive();
  // @ts-expect-error REP answers.
  void new Rep().request("");
  // @ts-expect-error REQ asks.
  void new Req().serve(() => "");
  // @ts-expect-error BUS has no topics.
  new Bus().subscribe("");
  // @ts-expect-error PAIR has no contexts.
  new Pair().openContext();
  // @ts-expect-error RESPONDENT answers.
  void new Respondent().survey("");
  // @ts-expect-error SURVEYOR asks.
  void new Surveyor().serve(() => "");
}

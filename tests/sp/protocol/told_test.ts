// Whoever had to wait is told when it need not any more, whatever happens in between.

import assert from "node:assert/strict";
import fc from "fast-check";
import { SockeyeError } from "../../../common/errors.ts";
import { SpMessage } from "../../../sp/message.ts";
import type { RawEngine } from "../../../sp/protocol/device.ts";
import type { Receiver, Sender } from "../../../sp/protocol/engine.ts";
import { PullEngine } from "../../../sp/protocol/pull.ts";
import { PushEngine } from "../../../sp/protocol/push.ts";
import { ReqEngine } from "../../../sp/protocol/req.ts";
import { test } from "../../support/harness.ts";
import { bytesOf, FakePipe, makeRoom } from "../simulation/fake_pipe.ts";
import { ENGINES } from "./engines.ts";

/** Every engine, and some whose buffers or ids make them wait in other ways. */
const WAITING: Record<string, () => RawEngine> = {
  ...ENGINES,
  "req that asks once": () => new ReqEngine({ firstId: 1, resendTime: Infinity }),
  "push without a buffer": () => new PushEngine(),
  "pull without a buffer": () => new PullEngine({ receiveBuffer: 0 }),
};

/** What pipes take at most; some messages fit some of them. */
const SEND_SIZES = [Infinity, 8, 14];

type Side = Partial<Sender & Receiver>;

/** Somebody who sends and receives by an engine or a context, one message at a time, and waits when it has to. */
class Party {
  readonly side: Side;
  /** What it waits to send. */
  unsent: SpMessage | undefined;
  isReceiving = false;

  constructor(side: Side) {
    this.side = side;
    side.onSendable = (now) => this.unsent !== undefined && this.send(this.unsent, now);
    side.onReceivable = (now) => this.isReceiving && this.receive(now);
  }

  send(message: SpMessage, now: number): void {
    this.unsent = attempt(() => this.side.trySend!(message, now)) === false ? message : undefined;
  }

  receive(now: number): void {
    this.isReceiving = attempt(() => this.side.tryReceive!(now)) === undefined;
  }

  /** What it waits for must be impossible still, but for an error that it gets later. */
  check(now: number): void {
    const { side, unsent } = this;
    if (unsent !== undefined) assert.notEqual(attempt(() => side.trySend!(unsent, now)), true, "not told to send");
    if (this.isReceiving) assert.equal(attempt(() => side.tryReceive!(now)), undefined, "not told to receive");
  }
}

/** What a call gives, or the error that its user gets. */
function attempt<T>(call: () => T): T | SockeyeError {
  try {
    return call();
  } catch (error) {
    if (error instanceof SockeyeError) return error;
    throw error;
  }
}

const word = fc.constantFrom("80000001", "80000002", "80000003", "00000001", "00000002");
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 20 }),
  fc.tuple(fc.array(word, { maxLength: 4 }), fc.uint8Array({ maxLength: 3 }))
    .map(([words, rest]) => Uint8Array.from([...bytesOf(words.join("")), ...rest])),
);
const step = fc.record({
  what: fc.constantFrom("attach", "detach", "come", "come", "reply", "fill", "room", "send", "receive", "wait"),
  which: fc.nat({ max: 5 }),
  who: fc.nat({ max: 2 }),
  bytes,
});

for (const [name, create] of Object.entries(WAITING)) {
  test(`${name}: whoever waits is told as soon as it need not`, () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80, size: "max" }), (steps) => {
        const engine: RawEngine & { openContext?: () => Side } = create();
        const parties = [new Party(engine)];
        if (engine.openContext) parties.push(new Party(engine.openContext()), new Party(engine.openContext()));
        const pipes: FakePipe[] = [];
        const detach = (pipe: FakePipe) => {
          pipes.splice(pipes.indexOf(pipe), 1);
          engine.detach(pipe, now);
        };
        let nextId = 1;
        let now = 0;

        for (const { what, which, who, bytes } of steps) {
          const pipe = pipes[which % Math.max(1, pipes.length)];
          const party = parties[who % parties.length];
          if (what === "attach" && pipes.length < 4) {
            const next = new FakePipe(nextId++);
            next.maxSendSize = SEND_SIZES[which % SEND_SIZES.length];
            next.room = which > 3 ? 0 : Infinity;
            if (engine.attach(next, now)) pipes.push(next);
          } else if (what === "detach" && pipe !== undefined) detach(pipe);
          else if ((what === "come" || what === "reply") && pipe?.isPaused === false) {
            const isReply = what === "reply" && pipe.sent.length > 0;
            engine.receive(pipe, isReply ? bytesOf(pipe.last.slice(0, 8)) : bytes.slice(), now);
            if (pipe.isClosed) detach(pipe);
          } else if (what === "fill" && pipe !== undefined) pipe.room = 0;
          else if (what === "room" && pipe?.room === 0) makeRoom(engine, pipe, Infinity, now);
          else if (what === "send" && party.side.trySend && party.unsent === undefined) {
            party.send(new SpMessage(bytes, name === "raw rep" ? bytesOf("0000000180000001") : undefined), now);
          } else if (what === "receive" && party.side.tryReceive && !party.isReceiving) party.receive(now);
          else if (what === "wait") {
            now += which * 3;
            engine.expire(now);
          }
          for (const party of parties) party.check(now);
        }

        for (const pipe of pipes) if (pipe.room === 0) makeRoom(engine, pipe, Infinity, now);
        const left = parties.filter(({ unsent }) => unsent !== undefined).length + engine.unsent;
        assert.ok(left === 0 || pipes.length === 0, `${left} messages wait though all pipes have room`);
      }),
      { numRuns: 150, seed: 4 },
    );
  });
}

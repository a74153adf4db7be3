// Every engine, whatever peers and users do.

import assert from "node:assert/strict";
import fc from "fast-check";
import { ArgumentError, MessageTooLargeError, NoPeerError, StateError, TimeoutError } from "../../../common/errors.ts";
import { SpMessage } from "../../../sp/message.ts";
import { BusEngine } from "../../../sp/protocol/bus.ts";
import type { RawEngine } from "../../../sp/protocol/device.ts";
import { Pair0Engine } from "../../../sp/protocol/pair0.ts";
import { Pair1Engine } from "../../../sp/protocol/pair1.ts";
import { Pair1PolyEngine } from "../../../sp/protocol/pair1_poly.ts";
import type { Pipe } from "../../../sp/protocol/pipe.ts";
import { PubEngine } from "../../../sp/protocol/pub.ts";
import { PullEngine } from "../../../sp/protocol/pull.ts";
import { PushEngine } from "../../../sp/protocol/push.ts";
import { RawRepEngine } from "../../../sp/protocol/raw_rep.ts";
import { RawReqEngine } from "../../../sp/protocol/raw_req.ts";
import { RawRespondentEngine } from "../../../sp/protocol/raw_respondent.ts";
import { RawSubEngine } from "../../../sp/protocol/raw_sub.ts";
import { RawSurveyorEngine } from "../../../sp/protocol/raw_surveyor.ts";
import { RepEngine } from "../../../sp/protocol/rep.ts";
import { ReqEngine } from "../../../sp/protocol/req.ts";
import { RespondentEngine } from "../../../sp/protocol/respondent.ts";
import { SubEngine } from "../../../sp/protocol/sub.ts";
import { SurveyorEngine } from "../../../sp/protocol/surveyor.ts";
import { test } from "../../support/harness.ts";
import { bytesOf } from "../simulation/fake_pipe.ts";

const SMALL = { sendBuffer: 2, receiveBuffer: 3, hopLimit: 3 };

const ENGINES: Record<string, () => RawEngine> = {
  req: () => new ReqEngine({ firstId: 1, resendTime: 10 }),
  rep: () => new RepEngine(SMALL),
  push: () => new PushEngine(SMALL),
  pull: () => new PullEngine(SMALL),
  pub: () => new PubEngine(SMALL),
  sub: () => {
    const engine = new SubEngine(SMALL);
    engine.subscribe(bytesOf("80"));
    return engine;
  },
  surveyor: () => new SurveyorEngine({ ...SMALL, firstId: 1, surveyTime: 10 }),
  respondent: () => new RespondentEngine(SMALL),
  bus: () => new BusEngine(SMALL),
  pair0: () => new Pair0Engine(SMALL),
  pair1: () => new Pair1Engine(SMALL),
  "pair1 poly": () => new Pair1PolyEngine(SMALL),
  "raw req": () => new RawReqEngine(SMALL),
  "raw rep": () => new RawRepEngine(SMALL),
  "raw sub": () => new RawSubEngine(SMALL),
  "raw surveyor": () => new RawSurveyorEngine(SMALL),
  "raw respondent": () => new RawRespondentEngine(SMALL),
  "raw bus": () => new BusEngine({ ...SMALL, raw: true }),
  "raw pair1": () => new Pair1Engine({ ...SMALL, raw: true }),
};

/** A pipe that insists on what `Pipe` promises to transports. */
class StrictPipe implements Pipe {
  readonly maxSendSize: number;
  readonly id: number;
  state: unknown;
  isAttached = true;
  isPaused = false;
  isClosed = false;
  isFull = false;

  constructor(id: number, maxSendSize: number) {
    this.id = id;
    this.maxSendSize = maxSendSize;
  }

  send(header: Uint8Array, body: Uint8Array): boolean {
    assert.ok(this.isAttached, "sends by a pipe that has gone");
    assert.ok(header instanceof Uint8Array && body instanceof Uint8Array);
    assert.ok(header.length + body.length <= this.maxSendSize, "sends what the pipe can't take");
    return !this.isFull;
  }

  pause(): void {
    assert.ok(this.isAttached && !this.isPaused, "pauses what is paused or gone");
    this.isPaused = true;
  }

  resume(): void {
    assert.ok(this.isAttached && this.isPaused, "resumes what is not paused, or gone");
    this.isPaused = false;
  }

  close(): void {
    this.isClosed = true;
  }
}

const word = fc.constantFrom("80000001", "80000002", "00000001", "00000002", "00000007", "00000000", "ffffffff");
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 24 }),
  fc.tuple(fc.array(word, { maxLength: 6 }), fc.uint8Array({ maxLength: 3 }))
    .map(([words, rest]) => Uint8Array.from([...bytesOf(words.join("")), ...rest])),
);
const step = fc.record({
  what: fc.constantFrom("attach", "detach", "come", "come", "fill", "room", "send", "receive", "wait"),
  which: fc.nat({ max: 5 }),
  bytes,
  header: fc.oneof(fc.constant(new Uint8Array()), bytes),
});

/** What pipes take at most; some messages fit some of them. */
const SEND_SIZES = [Infinity, 6, 14];

/** Errors that users are told of. */
function isExpected(error: unknown): boolean {
  return [StateError, TimeoutError, NoPeerError, ArgumentError, MessageTooLargeError].some((known) =>
    error instanceof known
  );
}

for (const [name, create] of Object.entries(ENGINES)) {
  test(`${name}: whatever comes, nothing breaks, and no buffer exceeds its bound`, () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120, size: "max" }), (steps) => {
        const engine = create();
        const pipes: StrictPipe[] = [];
        let nextId = 1;
        let now = 0;
        for (const { what, which, bytes, header } of steps) {
          const pipe = pipes[which % Math.max(1, pipes.length)];
          try {
            if (what === "attach" && pipes.length < 5) {
              const pipe = new StrictPipe(nextId++, SEND_SIZES[which % SEND_SIZES.length]);
              if (engine.attach(pipe, now)) pipes.push(pipe);
            } else if (what === "detach" && pipe !== undefined) {
              pipes.splice(pipes.indexOf(pipe), 1);
              engine.detach(pipe, now);
              pipe.isAttached = false;
            } else if (what === "come" && pipe !== undefined) {
              if (!pipe.isPaused && !pipe.isClosed) engine.receive(pipe, bytes.slice(), now);
            } else if (what === "fill" && pipe !== undefined) {
              pipe.isFull = true;
            } else if (what === "room" && pipe?.isFull) {
              pipe.isFull = false;
              engine.writable(pipe, now);
            } else if (what === "send") {
              engine.trySend?.(new SpMessage(bytes, header, which === 0 ? pipe : undefined), now);
            } else if (what === "receive") {
              engine.tryReceive?.(now);
            } else if (what === "wait") {
              now += which * 3;
              if (engine.deadline <= now) engine.expire(now);
              assert.ok(engine.deadline > now, "a deadline in the past");
            }
          } catch (error) {
            if (!isExpected(error)) throw error;
          }
          const { unread, unsent, pipes: count } = engine.stats();
          assert.ok(unread <= 3 + count, `${unread} unread`);
          assert.ok(unsent <= 2 * Math.max(1, count), `${unsent} unsent`);
        }
        engine.close();
        assert.deepEqual([engine.stats().unread, engine.stats().unsent], [0, 0]);
      }),
      { numRuns: 300 },
    );
  });
}

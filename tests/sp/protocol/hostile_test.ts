// Every engine, whatever peers and users do.

import assert from "node:assert/strict";
import fc from "fast-check";
import { ArgumentError, MessageTooLargeError, NoPeerError, StateError, TimeoutError } from "../../../common/errors.ts";
import { SpMessage } from "../../../sp/message.ts";
import type { Pipe } from "../../../sp/protocol/pipe.ts";
import { test } from "../../support/harness.ts";
import { bytesOf } from "../simulation/fake_pipe.ts";
import { ENGINES } from "./engines.ts";

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

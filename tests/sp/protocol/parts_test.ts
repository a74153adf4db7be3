// The parts that patterns are made of, beside naive models.

import assert from "node:assert/strict";
import fc from "fast-check";
import { SpMessage } from "../../../sp/message.ts";
import {
  backtraceLength,
  MALFORMED,
  pushWord,
  readWord,
  TOO_MANY_HOPS,
  writeWord,
} from "../../../sp/protocol/parts/backtrace.ts";
import { FairQueue, Inlet } from "../../../sp/protocol/parts/fair_queue.ts";
import { Fifo } from "../../../sp/protocol/parts/fifo.ts";
import { Ids } from "../../../sp/protocol/parts/ids.ts";
import { Ring, RingNode } from "../../../sp/protocol/parts/ring.ts";
import { Topics } from "../../../sp/protocol/parts/topics.ts";
import { Counters, PipeRecord } from "../../../sp/protocol/pattern.ts";
import { test } from "../../support/harness.ts";
import { FakePipe } from "../simulation/fake_pipe.ts";
import { Random } from "../simulation/random.ts";

test("a fifo is a queue, whatever is done at both of its ends", () => {
  const step = fc.constantFrom("push", "push", "unshift", "shift", "pop", "peek", "retain", "clear");
  fc.assert(fc.property(fc.array(step, { maxLength: 300, size: "max" }), (steps) => {
    const fifo = new Fifo<number>();
    let model: number[] = [];
    let next = 0;
    for (const now of steps) {
      if (now === "push") model.push(next), fifo.push(next++);
      else if (now === "unshift") model.unshift(next), fifo.unshift(next++);
      else if (now === "shift") assert.equal(fifo.shift(), model.shift());
      else if (now === "pop") assert.equal(fifo.pop(), model.pop());
      else if (now === "peek") assert.equal(fifo.peek(), model[0]);
      else if (now === "clear") model = [], fifo.clear();
      else {
        const kept = model.filter((item) => item % 3 !== 0);
        assert.equal(fifo.retain((item) => item % 3 !== 0), model.length - kept.length);
        model = kept;
      }
      assert.equal(fifo.length, model.length);
    }
  }));
});

test("in a ring everybody has a turn before anybody has two, and newcomers come last", () => {
  const step = fc.record({ what: fc.constantFrom("add", "remove", "advance", "advance"), who: fc.nat({ max: 7 }) });
  fc.assert(fc.property(fc.array(step, { maxLength: 200, size: "max" }), (steps) => {
    const ring = new Ring<number>();
    const nodes = Array.from({ length: 8 }, (_, who) => new RingNode(who));
    let model: number[] = [];
    for (const { what, who } of steps) {
      if (what === "add") {
        ring.add(nodes[who]);
        if (!model.includes(who)) model.push(who);
      } else if (what === "remove") {
        ring.remove(nodes[who]);
        model = model.filter((other) => other !== who);
      } else {
        ring.current = ring.current?.next;
        model.push(...model.splice(0, 1));
      }
      assert.equal(ring.current?.value, model[0]);
    }
  }));
});

test("a fair queue keeps the order of each pipe, gives each its turn, and stays within its bounds", () => {
  const step = fc.record({ what: fc.constantFrom("put", "put", "take", "release"), who: fc.nat({ max: 4 }) });
  fc.assert(fc.property(fc.array(step, { maxLength: 300, size: "max" }), fc.nat({ max: 8 }), (steps, limit) => {
    const queue = new FairQueue(limit);
    const pipes = Array.from({ length: 5 }, (_, id) => new FakePipe(id + 1));
    const inlets = pipes.map((pipe) => new Inlet(new PipeRecord(pipe, new Counters())));
    const waiting: number[][] = inlets.map(() => []);
    let next = 0;
    let turns: number[] = [];
    for (const { what, who } of steps) {
      if (what === "put" && !pipes[who].isPaused) {
        if (waiting[who].length === 0) turns.push(who);
        queue.put(inlets[who], new SpMessage(Uint8Array.of(next)));
        waiting[who].push(next++ % 256);
      } else if (what === "take") {
        const [turn] = turns.splice(0, 1);
        assert.equal(queue.take()?.body[0], turn === undefined ? undefined : waiting[turn].shift());
        if (turn !== undefined && waiting[turn].length > 0) turns.push(turn);
      } else if (what === "release") {
        queue.release(inlets[who]);
        waiting[who].splice(inlets[who].queue.length);
        turns = turns.filter((other) => waiting[other].length > 0);
        pipes[who].isPaused = false;
      }
      assert.equal(queue.length, waiting.flat().length);
      assert.ok(queue.length <= limit + pipes.length);
      pipes.forEach((pipe, index) => assert.ok(!pipe.isPaused || queue.length > limit >> 1, `pipe ${index} starves`));
    }
  }));
});

test("a fair queue resumes its pipes when it is half empty", () => {
  const queue = new FairQueue(4);
  const pipe = new FakePipe(1);
  const inlet = new Inlet(new PipeRecord(pipe, new Counters()));
  const pauses: boolean[] = [];

  for (let count = 0; count < 4; count++) {
    queue.put(inlet, new SpMessage(new Uint8Array()));
    pauses.push(pipe.isPaused);
  }
  for (let count = 0; count < 4; count++) {
    queue.take();
    pauses.push(pipe.isPaused);
  }

  assert.deepEqual(pauses, [false, false, false, true, true, false, false, false]);
});

const someTopic = fc.array(fc.nat({ max: 2 }), { maxLength: 6 }).map((bytes) => Uint8Array.from(bytes));

test("topics match as a list of prefixes does, however they were subscribed to", () => {
  const step = fc.record({ isAdded: fc.boolean(), topic: someTopic });
  const body = fc.array(fc.nat({ max: 2 }), { maxLength: 8 }).map((bytes) => Uint8Array.from(bytes));
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60, size: "max" }),
      fc.array(body, { minLength: 1, maxLength: 20 }),
      (steps, bodies) => {
        const topics = new Topics();
        const model: string[] = [];
        for (const { isAdded, topic } of steps) {
          const index = model.indexOf(`${topic}`);
          if (isAdded) {
            topics.add(topic);
            model.push(`${topic}`);
          } else {
            assert.equal(topics.delete(topic), index >= 0);
            if (index >= 0) model.splice(index, 1);
          }
          assert.equal(topics.size, new Set(model).size);
          for (const one of bodies) {
            const isWanted = Array.from({ length: one.length + 1 }, (_, length) => `${one.slice(0, length)}`)
              .some((prefix) => model.includes(prefix));
            assert.equal(topics.matches(one), isWanted);
          }
        }
      },
    ),
    { numRuns: 300 },
  );
});

test("thousands of topics match as a set of prefixes does, while they come and go", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 0x7fffffff }), (seed) => {
      const random = new Random(seed);
      const topics = new Topics();
      const model = new Map<string, number>();
      const topic = () => {
        const bytes = Uint8Array.from({ length: random.integer(0, 9) }, () => random.integer(0, 7));
        // The empty topic would match everything from then on, and the shortest most of it.
        return bytes.length < 3 ? Uint8Array.of(200, ...bytes) : bytes;
      };
      for (const share of [0.9, 0.5, 0.1, 0.7]) {
        for (let step = 0; step < 3000; step++) {
          const one = topic();
          const key = String.fromCharCode(...one);
          const count = model.get(key) ?? 0;
          if (random.chance(share)) {
            topics.add(one);
            model.set(key, count + 1);
            continue;
          }
          const chosen = random.chance(0.5) ? key : model.keys().next().value ?? key;
          const held = model.get(chosen) ?? 0;
          assert.equal(topics.delete(Uint8Array.from(chosen, (char) => char.charCodeAt(0))), held > 0);
          if (held > 1) model.set(chosen, held - 1);
          else model.delete(chosen);
        }
        assert.equal(topics.size, model.size);
        for (let look = 0; look < 300; look++) {
          const body = Uint8Array.of(...topic(), ...topic());
          const text = String.fromCharCode(...body);
          const isWanted = Array.from({ length: text.length + 1 }, (_, length) => text.slice(0, length))
            .some((prefix) => model.has(prefix));
          assert.equal(topics.matches(body), isWanted);
        }
      }
    }),
    { numRuns: 5 },
  );
});

test("topics of the same length and the same hash are told apart", () => {
  // Two words with the same FNV-1a of 32 bits.
  const [one, other] = ["declinate", "macallums"].map((word) => new TextEncoder().encode(word));
  const topics = new Topics();
  // Hashes matter only where there are many.
  for (let more = 0; more < 20; more++) topics.add(Uint8Array.of(200, more));
  topics.add(one);
  assert.equal(topics.matches(other), false);
  assert.equal(topics.delete(other), false);
  topics.add(other);
  assert.equal(topics.size, 22);
  assert.equal(topics.delete(one), true);
  assert.deepEqual([topics.matches(one), topics.matches(other)], [false, true]);
});

test("topics may be of any bytes and any length", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 40 }), (topic, more) => {
    const topics = new Topics();
    topics.add(topic);
    assert.equal(topics.matches(Uint8Array.from([...topic, ...more])), true);
    if (topic.length > 0) assert.equal(topics.matches(topic.subarray(0, -1)), false);
    assert.equal(topics.delete(topic), true);
    assert.equal(topics.matches(topic), false);
  }));
  const long = new Uint8Array(100_000).fill(7);
  const topics = new Topics();
  topics.add(long);
  assert.equal(topics.matches(long), true);
  assert.equal(topics.matches(long.subarray(1)), false);
});

test("what is pushed in front of a header is read back, and the rest stays", () => {
  const word = fc.nat({ max: 0x7fffffff });
  fc.assert(fc.property(word, fc.array(word, { maxLength: 6 }), word, fc.uint8Array(), (pipe, hops, id, body) => {
    const words = [...hops, (id | 0x80000000) >>> 0];
    const bytes = new Uint8Array(words.length * 4 + body.length);
    words.forEach((value, index) => writeWord(bytes, value, index * 4));
    bytes.set(body, words.length * 4);

    const length = backtraceLength(bytes, words.length);
    assert.equal(length, words.length * 4);
    const pushed = pushWord(pipe, bytes, length);
    assert.equal(readWord(pushed), pipe);
    assert.deepEqual(pushed.subarray(4), bytes.subarray(0, length));
    assert.equal(backtraceLength(bytes, words.length - 1), TOO_MANY_HOPS);
    assert.equal(backtraceLength(bytes.subarray(0, length - 1), words.length), MALFORMED);
  }));
});

test("the length of a header is that of its words, or there is none, whatever the bytes", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), fc.integer({ min: 1, max: 15 }), (bytes, maxWords) => {
    const first = [...bytes].findIndex((byte, index) => index % 4 === 0 && byte >= 0x80);
    const end = first < 0 ? Infinity : first + 4;
    let expected = end;
    if (end > bytes.length) expected = bytes.length >= maxWords * 4 ? TOO_MANY_HOPS : MALFORMED;
    if (end > maxWords * 4 && bytes.length >= maxWords * 4) expected = TOO_MANY_HOPS;
    assert.equal(backtraceLength(bytes, maxWords), expected);
  }));
});

test("ids have the top bit, begin again after the last, and are none in use", () => {
  const ids = new Ids(0xfffffffe);
  const inUse = new Map([[0x80000000, 1], [0x80000001, 2]]);

  assert.deepEqual([ids.take(inUse), ids.take(inUse), ids.take(inUse)], [0xfffffffe, 0xffffffff, 0x80000002]);
  assert.ok(new Ids().take(new Map()) >= 0x80000000);
});

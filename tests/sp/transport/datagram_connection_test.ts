import fc from "fast-check";
import assert from "node:assert/strict";
import { ProtocolError, type SockeyeError, TimeoutError } from "../../../common/errors.ts";
import { PULL, PUSH } from "../../../sp/protocol/protocols.ts";
import {
  type Agreement,
  type Clock,
  DatagramConnection,
  type Link,
} from "../../../sp/transport/datagram/datagram_connection.ts";
import { encodeHeader, OPCODE, REASON } from "../../../sp/transport/datagram/header.ts";
import { test } from "../../support/harness.ts";

const NONE = new Uint8Array(0);

/** A clock that goes when it is told to. */
class SimulatedClock implements Clock {
  time = 0;
  #entries: { time: number; callback: (now: number) => void }[] = [];

  now(): number {
    return this.time;
  }

  at(time: number, callback: (now: number) => void): () => void {
    const entry = { time, callback };
    this.#entries.push(entry);
    return () => {
      this.#entries = this.#entries.filter((one) => one !== entry);
    };
  }

  soon(step: () => void): void {
    this.at(this.time, step);
  }

  get pending(): number {
    return this.#entries.length;
  }

  advance(ms: number): void {
    const end = this.time + ms;
    for (;;) {
      const next = this.#entries.filter(({ time }) => time <= end).sort((a, b) => a.time - b.time)[0];
      if (next === undefined) break;
      this.#entries = this.#entries.filter((one) => one !== next);
      this.time = Math.max(this.time, next.time);
      next.callback(this.time);
    }
    this.time = end;
  }
}

/** A connection, and everything that it did. */
class Subject {
  readonly clock = new SimulatedClock();
  readonly sent: Uint8Array[] = [];
  readonly messages: number[][] = [];
  readonly closed: (SockeyeError | undefined)[] = [];
  readonly holds: boolean[] = [];
  writables = 0;
  room = Infinity;
  isReleased = false;
  readonly connection: DatagramConnection;

  constructor(agreement: Partial<Agreement> = {}) {
    const role = agreement.role ?? "dialer";
    const link: Link = {
      localAddress: undefined,
      remoteAddress: undefined,
      url: "udp://peer",
      prefixBytes: 0,
      maxMessageBytes: 65499,
      unsentBytes: 0,
      send: (datagram) => this.sent.length < this.room && this.sent.push(datagram) > 0,
      post: (datagram) => void this.sent.push(datagram),
      reclaim: () => this.sent.splice(0),
      hold: () => void this.holds.push(true),
      unhold: () => void this.holds.push(false),
      release: () => void (this.isReleased = true),
    };
    this.connection = new DatagramConnection(link, this.clock, {
      role,
      greeting: role === "dialer" ? PUSH : PULL,
      maxReceiveSize: 64,
      maxSendSize: 100,
      refresh: 5,
      ...agreement,
    });
    this.connection.start({
      message: (bytes) => this.messages.push([...bytes]),
      writable: () => this.writables++,
      closed: (error) => this.closed.push(error),
    });
  }

  hear(...bytes: (Uint8Array | readonly number[])[]): void {
    this.connection.receive(Uint8Array.from(bytes.flatMap((part) => [...part])), 0);
  }

  /** What it has sent since it was asked last. */
  take(): number[][] {
    return this.sent.splice(0).map((datagram) => [...datagram]);
  }
}

const CACK = encodeHeader(OPCODE.CACK, PULL.protocol, 100, 5);

test("a message is a header with its length, the pattern's header, and the body", () => {
  const subject = new Subject();

  assert(subject.connection.send(Uint8Array.of(0x80, 0, 0, 1), Uint8Array.of(65)));

  assert.deepEqual(subject.take(), [[1, 0, 80, 0, 5, 0, 0, 0, 0x80, 0, 0, 1, 65]]);
});

test("a dialer asks once in each interval, and the answers keep it alive", () => {
  const subject = new Subject();

  for (let i = 0; i < 20; i++) {
    subject.clock.advance(5000);
    assert.deepEqual(subject.take(), [[1, 1, 80, 0, 64, 0, 5, 0]]);
    subject.hear(CACK);
  }

  assert.deepEqual(subject.closed, []);
});

test("five silent intervals are the end, and the peer is told", () => {
  for (const role of ["dialer", "listener"] as const) {
    const subject = new Subject({ role });

    subject.clock.advance(24_999);
    assert.equal(subject.closed.length, 0);
    subject.clock.advance(1);

    assert(subject.closed[0] instanceof TimeoutError);
    assert.deepEqual(subject.take().at(-1), [1, 3, role === "dialer" ? 80 : 81, 0, REASON.INACTIVE, 0, 0, 0]);
    assert(subject.isReleased);
    assert.equal(subject.clock.pending, 0);
  }
});

test("any datagram of the peer is a sign of life", () => {
  const subject = new Subject({ role: "listener" });
  for (let i = 0; i < 10; i++) {
    subject.clock.advance(20_000);
    subject.hear(encodeHeader(OPCODE.DATA, 80, 1), [i]);
  }

  assert.deepEqual(subject.messages, Array.from({ length: 10 }, (_, i) => [i]));
  assert.deepEqual(subject.closed, []);
});

test("the shorter interval of both counts, from then on", () => {
  const listener = new Subject({ role: "listener" });
  listener.hear(encodeHeader(OPCODE.CREQ, 80, 50, 1));
  assert.deepEqual(listener.take(), [[1, 2, 81, 0, 64, 0, 1, 0]]);
  listener.clock.advance(5000);
  assert(listener.closed[0] instanceof TimeoutError);

  const dialer = new Subject();
  dialer.hear(encodeHeader(OPCODE.CACK, 81, 100, 1));
  dialer.clock.advance(1000);
  assert.deepEqual(dialer.take(), [[1, 1, 80, 0, 64, 0, 1, 0]]);
});

test("a length that lies, or is beyond the limit, ends the connection", () => {
  for (const length of [16, 65]) {
    const subject = new Subject({ role: "listener" });
    subject.hear(encodeHeader(OPCODE.DATA, 80, length), new Uint8Array(8));

    assert(subject.closed[0] instanceof ProtocolError);
    assert.deepEqual(subject.take(), [[1, 3, 81, 0, REASON.MESSAGE_SIZE, 0, 0, 0]]);
  }
});

test("bytes behind the message are none of it", () => {
  const subject = new Subject({ role: "listener" });

  subject.hear(encodeHeader(OPCODE.DATA, 80, 2), [1, 2, 3, 4]);

  assert.deepEqual(subject.messages, [[1, 2]]);
});

test("an interval of nothing, and another pattern, end the connection with their reasons", () => {
  const cases: [Uint8Array, number][] = [
    [encodeHeader(OPCODE.CREQ, 80, 64, 0), REASON.NEGOTIATION],
    [encodeHeader(OPCODE.CREQ, 48, 64, 1), REASON.TYPE],
    [encodeHeader(OPCODE.DATA, 48, 0), REASON.TYPE],
  ];
  for (const [datagram, reason] of cases) {
    const subject = new Subject({ role: "listener" });
    subject.hear(datagram);
    assert(subject.closed[0] instanceof ProtocolError);
    assert.deepEqual(subject.take(), [[1, 3, 81, 0, reason, 0, 0, 0]]);
  }
});

test("the peer's goodbye is the end without an error, any other reason one with", () => {
  const polite = new Subject();
  polite.hear(encodeHeader(OPCODE.DISC, 81, REASON.CLOSED));
  assert.deepEqual(polite.closed, [undefined]);
  assert.deepEqual(polite.take(), []);

  const restarted = new Subject();
  restarted.hear(encodeHeader(OPCODE.DISC, 81, REASON.NOT_CONNECTED));
  assert.match(restarted.closed[0]!.message, /it may have been restarted \(reason 2\)/);
});

test("an unknown opcode is answered, and nothing else happens", () => {
  const subject = new Subject();

  subject.hear(encodeHeader(255, 81));

  assert.deepEqual(subject.take(), [[1, 3, 80, 0, REASON.PROTOCOL, 0, 0, 0]]);
  assert.deepEqual(subject.closed, []);
});

test("where it is said that nobody is there, the peer has a second to prove the contrary", () => {
  const gone = new Subject();
  gone.connection.doubt();
  gone.connection.doubt();
  gone.clock.advance(1000);
  assert.equal(gone.take().filter(([, opcode]) => opcode === OPCODE.CREQ).length, 5);
  assert(gone.closed[0] instanceof TimeoutError);

  const there = new Subject();
  there.connection.doubt();
  there.clock.advance(300);
  there.hear(CACK);
  there.take();
  there.clock.advance(4999);
  assert.deepEqual(there.take(), []);
  there.clock.advance(1);
  assert.equal(there.take().length, 1);
  assert.deepEqual(there.closed, []);
});

test("a message that is larger than the peer accepts is dropped and counted", () => {
  const subject = new Subject({ maxSendSize: 4 });

  assert.equal(subject.connection.maxSendSize, 4);
  assert(subject.connection.send(Uint8Array.of(1), new Uint8Array(4)));
  assert(subject.connection.send(NONE, new Uint8Array(4)));

  assert.equal(subject.take().length, 1);
  assert.equal(subject.connection.dropped, 1);
});

test("the peer says anew how much it accepts, and the carrier bounds it", () => {
  const subject = new Subject();

  assert.equal(subject.connection.maxSendSize, 100);
  subject.hear(encodeHeader(OPCODE.CACK, PULL.protocol, 7, 5));
  assert.equal(subject.connection.maxSendSize, 7);
  subject.hear(encodeHeader(OPCODE.CACK, PULL.protocol, 65535, 5));

  assert.equal(subject.connection.maxSendSize, 65499);
});

test("a refused message is told when there is room, and only then", () => {
  const subject = new Subject();
  subject.connection.becameWritable();
  assert.equal(subject.writables, 0);

  subject.room = 0;
  assert.equal(subject.connection.send(NONE, NONE), false);
  subject.connection.becameWritable();
  subject.connection.becameWritable();

  assert.equal(subject.writables, 1);
});

test("what comes while paused is kept up to a bound, the newest, and delivered in a later step", () => {
  const subject = new Subject({ role: "listener" });
  subject.connection.pause();
  for (let i = 0; i < 4140; i++) subject.hear(encodeHeader(OPCODE.DATA, 80, 2), [i >> 8, i]);

  subject.connection.resume();
  assert.equal(subject.messages.length, 0);
  subject.clock.advance(0);

  assert.equal(subject.messages.length, 4096);
  assert.deepEqual(subject.messages.at(-1), [16, 43]);
  assert.equal(subject.connection.droppedUnread, 44);
  assert.deepEqual(subject.holds, [true, false]);
});

test("closing says goodbye once, and nothing is told or sent after it", () => {
  const subject = new Subject();
  subject.connection.close();
  subject.connection.close();
  subject.hear(CACK);
  subject.clock.advance(100_000);

  assert.deepEqual(subject.take(), [[1, 3, 80, 0, 0, 0, 0, 0]]);
  assert.deepEqual(subject.closed, []);
  assert.equal(subject.connection.send(NONE, NONE), false);
  assert.equal(subject.clock.pending, 0);
});

test("whatever comes, and whenever, the connection goes on or ends once, and keeps little", () => {
  const datagram = fc.tuple(
    fc.integer({ min: 0, max: 5 }),
    fc.constantFrom(80, 81, 48),
    fc.nat(70),
    fc.nat(3),
    fc.uint8Array({ maxLength: 70 }),
  ).map(([opcode, protocol, first, second, body]) => [...encodeHeader(opcode, protocol, first, second), ...body]);
  const step = fc.oneof(
    datagram.map((bytes) => ({ bytes })),
    fc.nat(30_000).map((ms) => ({ ms })),
    fc.constantFrom("pause", "resume", "doubt", "send").map((call) => ({ call })),
  );
  fc.assert(
    fc.property(fc.constantFrom("dialer", "listener"), fc.array(step, { maxLength: 60 }), (role, steps) => {
      const subject = new Subject({ role });
      for (const one of steps) {
        if ("bytes" in one) subject.hear(one.bytes);
        else if ("ms" in one) subject.clock.advance(one.ms);
        else if (one.call === "send") subject.connection.send(NONE, NONE);
        else subject.connection[one.call as "pause" | "resume" | "doubt"]();
      }

      assert(subject.closed.length <= 1);
      assert.equal(subject.isReleased, subject.closed.length === 1);
      assert(subject.messages.every(({ length }) => length <= 64));
      assert(subject.sent.every((bytes) => bytes.length === 8));
      assert(subject.clock.pending <= 3);
      if (subject.isReleased) assert.equal(subject.clock.pending, 0);
    }),
    { numRuns: 300 },
  );
});

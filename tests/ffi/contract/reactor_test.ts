import {
  close,
  ClosedError,
  eventfd,
  FAILED,
  O_NONBLOCK,
  pipe2,
  Reactor,
  read,
  READABLE,
  WRITABLE,
  write,
} from "@sockeye/sockeye/ffi";
import assert from "node:assert/strict";
import { test } from "../../support/harness.ts";

const reactor = Reactor.current();
const ONE = Uint8Array.of(1);

function withPipe(use: (reader: number, writer: number) => Promise<void> | void): () => Promise<void> {
  return async () => {
    const [reader, writer] = pipe2(O_NONBLOCK);
    try {
      await use(reader, writer);
    } finally {
      close(reader);
      close(writer);
      await reactor.idle();
    }
  };
}

/** Resolves with the events of the first report. */
function firstReport(fd: number, events: number): Promise<number> {
  return new Promise((resolve) => {
    const onReady = (ready: number) => {
      watch.close();
      resolve(ready);
    };
    const watch = reactor.watch(fd, onReady);
    watch.want(events);
  });
}

test(
  "a wait ends when the descriptor becomes readable",
  withPipe(async (reader, writer) => {
    const report = firstReport(reader, READABLE);

    write(writer, ONE);

    assert.equal(await report, READABLE);
  }),
);

test(
  "a writable descriptor is reported as such",
  withPipe(async (_reader, writer) => {
    assert.equal(await firstReport(writer, WRITABLE), WRITABLE);
  }),
);

test("a hang-up is reported whatever is wanted", async () => {
  const [reader, writer] = pipe2(O_NONBLOCK);
  const report = firstReport(reader, READABLE);

  close(writer);

  assert((await report & FAILED) !== 0);
  close(reader);
  await reactor.idle();
});

test(
  "what stays ready is reported again as long as it is wanted",
  withPipe(async (reader, writer) => {
    write(writer, ONE);

    await new Promise<void>((resolve) => {
      let reports = 0;
      const onReady = () => {
        if (++reports < 3) return;
        watch.close();
        resolve();
      };
      const watch = reactor.watch(reader, onReady);
      watch.want(READABLE);
    });
  }),
);

test(
  "a descriptor that nobody wants any more is not reported, nor does it keep the reactor busy",
  withPipe(async (reader, writer) => {
    const other = eventfd(0, O_NONBLOCK);
    const watch = reactor.watch(reader, () => assert.fail("nobody wants this"));
    watch.want(READABLE);
    watch.want(0);
    write(writer, ONE);
    const report = firstReport(other, READABLE);
    const { wakeUps } = reactor.stats();

    write(other, new Uint8Array(BigUint64Array.of(1n).buffer));
    await report;

    assert(reactor.stats().wakeUps - wakeUps <= 3);
    watch.close();
    close(other);
  }),
);

test(
  "a report for a closed watch is dropped, also when its descriptor's number is used again",
  withPipe((reader, writer) => {
    write(writer, ONE);
    const first = reactor.watch(reader, () => assert.fail("this watch is closed"));
    first.want(READABLE);
    first.close();
    first.close();
    let reports = 0;
    const onReady = () => reports++;
    const second = reactor.watch(reader, onReady);

    second.want(READABLE);
    reactor.poll(1000);

    assert(reports > 0);
    assert.throws(() => first.want(READABLE), ClosedError);
    second.close();
  }),
);

test(
  "poll blocks until something is ready, and says how much it reported",
  withPipe((reader, writer) => {
    let events = 0;
    const onReady = (ready: number) => events = ready;
    const watch = reactor.watch(reader, onReady);

    reactor.blocking(() => {
      watch.want(READABLE);
      assert.equal(reactor.poll(0), 0);
      write(writer, ONE);
      assert.equal(reactor.poll(1000), 1);
    });

    assert.equal(events, READABLE);
    assert.equal(read(reader, new Uint8Array(8)), 1);
    watch.close();
  }),
);

test("a descriptor that can't be watched is refused, and the watch stays usable", () => {
  const watch = reactor.watch(99_999, () => {});

  assert.throws(() => watch.want(READABLE), { code: "EBADF", syscall: "epoll_ctl" });

  watch.close();
  assert.equal(reactor.stats().wanted, 0);
});

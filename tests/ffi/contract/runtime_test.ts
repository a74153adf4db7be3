import {
  AF_INET,
  AF_UNIX,
  bind,
  close,
  Descriptor,
  ERRNO,
  fcntl,
  foreignRuntime,
  ftruncate,
  getsockname,
  getsockopt,
  getsockoptInt,
  ifIndexToName,
  ifNameToIndex,
  IoVector,
  libc,
  memfdCreate,
  pipe2,
  read,
  readv,
  setsockopt,
  SO_RCVBUF,
  SO_TYPE,
  SOCK_DGRAM,
  socket,
  socketpair,
  SOL_SOCKET,
  syscall,
  syscallNumber,
  SystemError,
  UnsupportedError,
  write,
  writev,
} from "@sockeye/sockeye/ffi";
import assert from "node:assert/strict";
import { test } from "../../support/harness.ts";

const F_GETFD = 1;
const F_GETFL = 3;
const O_NONBLOCK = 0o4000;

test("a function of libc is called with numbers and gives a number", () => {
  const { symbols, close: closeLibrary } = foreignRuntime().open([libc().path], {
    abs: { parameters: ["i32"], result: "i32" },
    labs: { parameters: ["i64"], result: "i64" },
    strlen: { parameters: ["buffer"], result: "u64" },
  });

  assert.equal(symbols.abs(-5), 5);
  assert.equal(symbols.labs(-(2 ** 40)), 2 ** 40);
  assert.equal(symbols.strlen(new TextEncoder().encode("sockeye\0")), 7);
  closeLibrary();
});

test("a library that isn't there is unsupported, and so is a function", () => {
  const runtime = foreignRuntime();

  assert.throws(() => runtime.open(["libnowhere.so.0"], {}), UnsupportedError);
  const lacking = { nowhere: { parameters: [], result: "i32" } } as const;
  assert.throws(() => runtime.open([libc().path], lacking), UnsupportedError);
  const library = runtime.open([libc().path], { nowhere: { ...lacking.nowhere, optional: true } });
  assert.deepEqual(library.missing, ["nowhere"]);
  assert.throws(() => library.symbols.nowhere(), UnsupportedError);
  library.close();
});

test("an address and a view lead to the same bytes", () => {
  const runtime = foreignRuntime();
  const buffer = new ArrayBuffer(64);
  const bytes = new Uint8Array(buffer);
  bytes[10] = 42;

  const view = new Uint8Array(runtime.viewOf(runtime.addressOf(buffer), 64));

  assert.equal(view[10], 42);
  assert.equal(runtime.addressOf(bytes.subarray(10)), runtime.addressOf(buffer) + 10);
});

test("a call on another thread gives its result", async () => {
  const gettid = syscallNumber("gettid");

  const elsewhere = await libc().offThread.syscall(gettid, 0, 0, 0, 0, 0, 0);

  assert(elsewhere > 0);
  assert.notEqual(elsewhere, syscall(gettid));
});

test("a failed call becomes a SystemError with code, errno, syscall and address", () => {
  const fd = socket(AF_INET, SOCK_DGRAM);
  try {
    bind(fd, { family: "inet", address: "192.0.2.1", port: 5000 });
    assert.fail("bind should fail");
  } catch (error) {
    assert(error instanceof SystemError);
    assert.equal(error.code, "EADDRNOTAVAIL");
    assert.equal(error.errno, ERRNO.EADDRNOTAVAIL);
    assert.equal(error.syscall, "bind");
    assert.equal(error.address, "192.0.2.1:5000");
  } finally {
    close(fd);
  }
});

test("descriptors are non-blocking and closed on exec", () => {
  const fd = socket(AF_INET, SOCK_DGRAM);

  assert.equal(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
  assert.equal(fcntl(fd, F_GETFD) & 1, 1);
  close(fd);
  assert.throws(() => close(fd), { code: "EBADF", syscall: "close" });
});

test("options are read and set as numbers and as bytes", () => {
  const fd = socket(AF_INET, SOCK_DGRAM);
  const value = new Uint8Array(4);

  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, 10_000);

  assert.equal(getsockoptInt(fd, SOL_SOCKET, SO_RCVBUF), 20_000, "the kernel doubles it, socket(7)");
  assert.equal(getsockopt(fd, SOL_SOCKET, SO_TYPE, value), 4);
  assert.equal(value[0], SOCK_DGRAM);
  assert.throws(() => setsockopt(fd, SOL_SOCKET, 9999, 1), { code: "ENOPROTOOPT" });
  close(fd);
});

test("vectors of buffers are written and read as one", () => {
  const [reader, writer] = pipe2();
  const addressOf = (buffer: ArrayBuffer) => foreignRuntime().addressOf(buffer);
  const outgoing = new IoVector(4, addressOf);
  const incoming = new IoVector(4, addressOf);
  const [head, tail] = [new Uint8Array(3), new Uint8Array(100)];
  for (const part of [[1, 2], [3, 4, 5]]) outgoing.push(Uint8Array.from(part));
  incoming.push(head);
  incoming.push(tail);

  assert.equal(writev(writer, outgoing), 5);
  assert.equal(readv(reader, incoming), 5);

  assert.deepEqual([...head, ...tail.subarray(0, 2)], [1, 2, 3, 4, 5]);
  close(reader);
  close(writer);
});

test("a call that would block gives undefined", () => {
  const [left, right] = socketpair(AF_UNIX, SOCK_DGRAM);

  assert.equal(read(left, new Uint8Array(8)), undefined);
  write(right, Uint8Array.of(7));
  assert.equal(read(left, new Uint8Array(8)), 1);

  close(left);
  close(right);
});

test("network interfaces have names and indices", () => {
  const index = ifNameToIndex("lo");

  assert(index > 0);
  assert.equal(ifIndexToName(index), "lo");
  assert.throws(() => ifNameToIndex("nowhere0"), { code: "ENODEV", address: "nowhere0" });
  assert.throws(() => ifIndexToName(0x7fffffff), { code: "ENXIO" });
});

test("a file in memory has the length it is given", () => {
  const fd = memfdCreate("test");

  ftruncate(fd, 10);

  assert.equal(read(fd, new Uint8Array(64)), 10);
  close(fd);
});

test("an owned descriptor is closed once, and can be given away", () => {
  const [first, second] = socketpair(AF_UNIX, SOCK_DGRAM);
  const closing = Descriptor.adopt(first, "socket");
  const giving = Descriptor.adopt(second, "socket");

  closing.close();
  closing.close();
  assert.equal(giving.release(), second);
  giving.close();

  assert(closing.isClosed);
  assert.throws(() => closing.fd, { code: "CLOSED" });
  assert.equal(fcntl(second, F_GETFD) & 1, 1);
  close(second);
});

test("unnamed and unknown socket names are no error", () => {
  const [left, right] = socketpair(AF_UNIX, SOCK_DGRAM);

  assert.deepEqual(getsockname(left), { family: "unix", unnamed: true });

  close(left);
  close(right);
});

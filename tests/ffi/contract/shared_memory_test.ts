import {
  ArgumentError,
  AT_FDCWD,
  ClosedError,
  Descriptor,
  F_DUPFD_CLOEXEC,
  F_GET_SEALS,
  fcntl,
  foreignRuntime,
  ftruncate,
  memfdCreate,
  O_RDONLY,
  SharedMemory,
  StateError,
  syscall,
  syscallNumber,
} from "@sockeye/sockeye/ffi";
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statfsSync, statSync } from "node:fs";
import process from "node:process";
import { test } from "../../support/harness.ts";
import { startProgram } from "../../support/program.ts";

const uniqueName = () => `sockeye-test-${randomUUID()}`;
const encodePath = (path: string) => new TextEncoder().encode(`${path}\0`.padEnd(128, "\0"));
const copyOf = ({ fd }: { fd: number }) => Descriptor.adopt(fcntl(fd, F_DUPFD_CLOEXEC, 0), "copy");

test("two mappings of a name see each other's writes, and Atomics", () => {
  const name = uniqueName();
  using ours = SharedMemory.create(10_000, { name });
  using theirs = SharedMemory.open(name);
  ours.unlink();

  const left = new Int32Array(ours.buffer);
  const right = new Int32Array(theirs.buffer);
  Atomics.store(left, 2499, 41);
  assert.equal(Atomics.add(right, 2499, 1), 41);

  assert.equal(left[2499], 42);
  assert.equal(theirs.size, 10_000);
  assert.equal(theirs.buffer.byteLength, 10_000);
  assert.equal(theirs.name, name);
  assert.equal(ours.buffer, ours.buffer);
});

test("another program sees the memory under /dev/shm, and we see what it writes", async () => {
  const name = uniqueName();
  using memory = SharedMemory.create(64, { name });
  const bytes = new Uint8Array(memory.buffer);
  bytes.set([1, 2, 3]);

  const program = startProgram(`
    import { openSync, readFileSync, writeSync } from "node:fs";
    const path = "/dev/shm/${name}";
    const seen = readFileSync(path);
    writeSync(openSync(path, "r+"), Uint8Array.of(...seen.subarray(0, 3), 4), 0, 4, 8);
  `);
  assert.equal(await program.ended, 0);
  program.process.stdin.destroy();

  assert.deepEqual([...bytes.subarray(8, 12)], [1, 2, 3, 4]);
  memory.unlink();
  assert(!existsSync(`/dev/shm/${name}`));
});

test("named memory has the permissions that are asked for, whatever the umask", () => {
  const umask = process.umask(0o077);
  try {
    for (const mode of [undefined, 0o640, 0o666]) {
      const name = uniqueName();
      using memory = SharedMemory.create(64, { name, mode });

      assert.equal(statSync(`/dev/shm/${name}`).mode & 0o777, mode ?? 0o600);
      memory.unlink();
    }
  } finally {
    process.umask(umask);
  }
});

test("memory without a name is shared by its descriptor, and its size is sealed", () => {
  using ours = SharedMemory.create(4096);
  using theirs = SharedMemory.adopt(copyOf(ours), { sealed: true });

  new Uint8Array(ours.buffer)[4095] = 9;

  assert.equal(new Uint8Array(theirs.buffer)[4095], 9);
  assert.equal(ours.name, undefined);
  assert.notEqual(fcntl(ours.fd, F_GET_SEALS), 0);
  assert.throws(() => ftruncate(ours.fd, 0), { code: "EPERM" });
  assert.throws(() => ours.unlink(), StateError);
});

test("memory that its maker can shrink is refused where sealed memory is asked for", () => {
  using unsealed = SharedMemory.create(4096, { sealed: false });
  const name = uniqueName();
  using named = SharedMemory.create(4096, { name });
  named.unlink();

  for (const memory of [unsealed, named]) {
    const copy = copyOf(memory);
    assert.throws(() => SharedMemory.adopt(copy, { sealed: true }), { code: "ARGUMENT", argument: "descriptor" });
    assert(copy.isClosed);
    SharedMemory.adopt(copyOf(memory)).close();
  }
});

test("memory that has no size yet, or may not be written, is refused and closed", () => {
  const empty = Descriptor.adopt(memfdCreate("empty"), "memfd");
  assert.throws(() => SharedMemory.adopt(empty), StateError);
  assert(empty.isClosed);

  using memory = SharedMemory.create(4096);
  const path = encodePath(`/proc/self/fd/${memory.fd}`);
  const address = foreignRuntime().addressOf(path);
  const readOnly = Descriptor.adopt(syscall(syscallNumber("openat"), AT_FDCWD, address, O_RDONLY), "memfd");
  assert.equal(path.at(-1), 0);
  assert.throws(() => SharedMemory.adopt(readOnly), { code: "EACCES", syscall: "mmap" });
  assert(readOnly.isClosed);

  assert.throws(() => SharedMemory.open(uniqueName()), { code: "ENOENT", syscall: "shm_open" });
});

test("a name that is taken is EEXIST, and the memory behind it stays", () => {
  const name = uniqueName();
  using first = SharedMemory.create(16, { name });
  new Uint8Array(first.buffer)[0] = 5;

  assert.throws(() => SharedMemory.create(16, { name }), { code: "EEXIST", address: `/${name}` });

  using again = SharedMemory.open(name);
  assert.equal(new Uint8Array(again.buffer)[0], 5);
  again.unlink();
  assert.throws(() => again.unlink(), { code: "ENOENT" });
});

// The rig's is small; elsewhere it may have room for all that can be mapped.
const { bavail, bsize } = statfsSync("/dev/shm");
const free = bavail * bsize;

test("more than /dev/shm has room for is an error, not a crash later, and leaves no name", () => {
  const name = uniqueName();

  assert.throws(() => SharedMemory.create(free + 4096, { name }), { code: "ENOSPC", syscall: "fallocate" });

  assert(!existsSync(`/dev/shm/${name}`));
}, { where: free + 4096 <= 2 ** 32 });

test("after close the buffer is refused, and a view that is left sees zeros and harms nobody", () => {
  const memory = SharedMemory.create(8192);
  using other = SharedMemory.adopt(copyOf(memory));
  const view = new Uint8Array(memory.buffer);
  view.fill(7);

  memory.close();
  memory.close();

  assert(memory.isClosed);
  assert.throws(() => memory.buffer, ClosedError);
  assert.throws(() => memory.fd, ClosedError);
  assert.equal(view[8191], 0);
  view[0] = 1;
  assert.equal(new Uint8Array(other.buffer)[0], 7);
});

test("wrong arguments are refused by name, before anything happens", () => {
  for (const size of [0, -1, 1.5, NaN, 2 ** 33]) {
    assert.throws(() => SharedMemory.create(size), { code: "ARGUMENT", argument: "size" });
  }
  for (const name of ["", "a/b", "/a", "..", ".", "a\0b", "x".repeat(255)]) {
    assert.throws(() => SharedMemory.create(16, { name }), { argument: "options.name" });
    assert.throws(() => SharedMemory.open(name), { argument: "name" });
  }
  assert.throws(() => SharedMemory.create(16, { name: uniqueName(), sealed: true }), { argument: "options.sealed" });
  assert.throws(() => SharedMemory.create(16, { name: uniqueName(), mode: -1 }), ArgumentError);
});

test("10,000 memories that are made, used and closed leave neither descriptor nor memory behind", () => {
  const descriptors = () => readdirSync("/proc/self/fd").length;
  const shared = () => parseInt(/^RssShmem:\s+(\d+) kB/m.exec(readFileSync("/proc/self/status", "utf8"))![1], 10);
  const cycle = () => {
    const memory = SharedMemory.create(65536);
    new Uint8Array(memory.buffer).fill(1);
    memory.close();
  };
  cycle();
  const before = { descriptors: descriptors(), shared: shared() };

  for (let i = 0; i < 10_000; i++) cycle();

  assert(descriptors() - before.descriptors < 10);
  // 640 MB have been written; what seems left of them is the counter's own inaccuracy, some pages for each thread.
  assert(shared() - before.shared < 16_384, `${shared() - before.shared} kB`);
});

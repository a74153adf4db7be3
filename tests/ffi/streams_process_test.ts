/** What of streams and shared memory only shows in a process of its own: what is collected, what is left behind. */

import assert from "node:assert/strict";
import { test } from "../support/harness.ts";
import { FFI, run } from "./own_process.ts";

const EXPOSE_GC = { v8Flags: ["--v8-flags=--expose-gc"] };

/** Collects garbage until a count is where it was, or for long enough to say that it never will be. */
const SETTLE = `
  const collect = async () => {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve));
  };
  const settle = async (count, level) => {
    for (let i = 0; i < 500 && count() > level; i++) await collect();
  };
  const descriptors = () => [...Deno.readDirSync("/proc/self/fd")].length;
  const mappings = () => Deno.readTextFileSync("/proc/self/maps").split("\\n").filter((line) => /memfd:sockeye/.test(line)).length;
`;

test("sockets, listeners, counters and memory that are collected while open are closed, with one warning", async () => {
  const { code, stdout, stderr } = await run(
    `
    ${SETTLE}
    ffi.Reactor.current();
    const before = descriptors();
    for (let i = 0; i < 20; i++) {
      ffi.StreamSocket.pair();
      ffi.StreamListener.listen({ family: "inet", address: "127.0.0.1", port: 0 });
      ffi.EventCounter.create();
      ffi.SharedMemory.create(65536);
    }
    await settle(() => descriptors() + mappings(), before);
    // A hundred were opened; the runtime opens a handful of its own whenever it likes.
    console.log(descriptors() - before < 10, mappings());
    `,
    EXPOSE_GC,
  );

  assert.equal(code, 0, stderr);
  assert.equal(stdout, "true 0\n");
  assert.equal(stderr.match(/garbage-collected/g)?.length, 1, stderr);
});

test("a view on memory whose handle was collected keeps the memory shared", async () => {
  const { code, stdout, stderr } = await run(
    `
    ${SETTLE}
    const other = ffi.SharedMemory.create(4096);
    const view = () => {
      const fd = ffi.fcntl(other.fd, ffi.F_DUPFD_CLOEXEC, 0);
      return new Int32Array(ffi.SharedMemory.adopt(ffi.Descriptor.adopt(fd, "copy")).buffer);
    };
    let words = view();
    const before = descriptors();
    await settle(descriptors, before - 1);
    new Int32Array(other.buffer)[0] = 7;
    console.log(words[0], mappings());
    words = undefined;
    await settle(mappings, 1);
    console.log(mappings());
    other.close();
    `,
    EXPOSE_GC,
  );

  assert.equal(code, 0, stderr);
  assert.equal(stdout, "7 2\n1\n");
});

test("addresses of closed memory are given back when no view is left, and not before", async () => {
  const { code, stdout, stderr } = await run(
    `
    ${SETTLE}
    const addressSpace = () => parseInt(/VmSize:\\s+(\\d+)/.exec(Deno.readTextFileSync("/proc/self/status"))[1]);
    const SIZE = 64 * 2 ** 20;
    const before = addressSpace();
    let views = [];
    for (let i = 0; i < 16; i++) {
      const memory = ffi.SharedMemory.create(SIZE);
      views.push(new Uint8Array(memory.buffer));
      memory.close();
    }
    for (let i = 0; i < 20; i++) await collect();
    // The runtime takes and gives back address space too, though not by hundreds of megabytes.
    const half = 8 * 65536;
    console.log(addressSpace() - before > half, views.every((view) => view[SIZE - 1] === 0));
    views = [];
    await settle(addressSpace, before + half);
    console.log(addressSpace() - before <= half);
    `,
    EXPOSE_GC,
  );

  assert.equal(code, 0, stderr);
  assert.equal(stdout, "true true\ntrue\n");
});

test("a buffer that was transferred stays usable, also after close and collection", async () => {
  const { code, stdout, stderr } = await run(
    `
    ${SETTLE}
    let memory = ffi.SharedMemory.create(4096);
    const moved = new Uint8Array(memory.buffer.transfer());
    moved[0] = 1;
    memory.close();
    memory = undefined;
    for (let i = 0; i < 20; i++) await collect();
    moved[0] = 2;
    console.log(moved[0]);
    `,
    EXPOSE_GC,
  );

  assert.equal(code, 0, stderr);
  assert.equal(stdout, "2\n");
});

test("a program with idle sockets, listeners and counters ends by itself", async () => {
  const { code, stderr } = await run(`
    const listener = ffi.StreamListener.listen({ family: "inet", address: "127.0.0.1", port: 0 });
    const client = await ffi.StreamSocket.connect(listener.localAddress());
    globalThis.kept = [listener, client, await listener.accept(), ffi.EventCounter.create(), ffi.SharedMemory.create(1)];
    await client.read(new Uint8Array(1), { timeout: 1 }).catch(() => {});
    await ffi.futexWait(new Int32Array(4), 0, 0, { timeout: 1 }).catch(() => {});
  `);

  assert.equal(code, 0, stderr);
});

test("a Worker blocks on sockets and words while the main thread goes on", async () => {
  const { code, stdout, stderr } = await run(`
    const source = \`
      import * as ffi from ${JSON.stringify(FFI)};
      self.onmessage = ({ data: { fd, name } }) => {
        const memory = ffi.SharedMemory.open(name);
        const words = new Int32Array(memory.buffer);
        const socket = ffi.StreamSocket.adopt(ffi.Descriptor.adopt(fd, "socket"));
        while (Atomics.load(words, 0) === 0) ffi.futexWaitSync(words, 0, 0, { timeout: 30_000 });
        const buffer = new Uint8Array(16);
        const length = socket.readSync(buffer, { timeout: 30_000 });
        socket.writeSync(buffer.subarray(0, length).map((byte) => byte + 1));
        Atomics.store(words, 1, 1);
        ffi.futexWake(words, 1);
        socket.close();
        memory.close();
        self.close();
      };
    \`;
    const name = "sockeye-test-" + crypto.randomUUID();
    const memory = ffi.SharedMemory.create(4096, { name });
    const words = new Int32Array(memory.buffer);
    const worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })), { type: "module" });
    const [left, right] = ffi.socketpair(ffi.AF_UNIX, ffi.SOCK_STREAM);
    const socket = ffi.StreamSocket.adopt(ffi.Descriptor.adopt(left, "socket"));
    worker.postMessage({ fd: right, name });
    const done = ffi.futexWait(words, 1, 0, { timeout: 30_000 });
    Atomics.store(words, 0, 1);
    ffi.futexWake(words, 0);
    await socket.write(Uint8Array.of(41));
    const buffer = new Uint8Array(16);
    console.log(await socket.read(buffer, { timeout: 30_000 }), buffer[0], await done);
    memory.unlink();
  `);

  assert.equal(code, 0, stderr);
  assert.equal(stdout, "1 42 ok\n");
});

test("the heap stays level over 10,000 connections and waits", async () => {
  const { code, stdout, stderr } = await run(
    `
    const listener = ffi.StreamListener.listen({ family: "unix", abstract: crypto.randomUUID() });
    const address = listener.localAddress();
    const words = new Int32Array(4);
    const buffer = new Uint8Array(8);
    const cycle = async () => {
      const client = await ffi.StreamSocket.connect(address);
      const server = await listener.accept();
      const reading = server.read(buffer);
      await client.writev([Uint8Array.of(1), Uint8Array.of(2)]);
      await reading;
      client.close();
      server.close();
      const counter = ffi.EventCounter.create({ initial: 1 });
      await counter.wait();
      counter.close();
      await ffi.futexWait(words, 0, 1);
    };
    const heap = () => {
      globalThis.gc();
      return Deno.memoryUsage().heapUsed;
    };
    for (let i = 0; i < 2000; i++) await cycle();
    const before = heap();
    for (let i = 0; i < 10000; i++) await cycle();
    const grown = heap() - before;
    console.log(grown < 1_000_000 ? "level" : grown);
    `,
    EXPOSE_GC,
  );

  assert.equal(code, 0, stderr);
  assert.equal(stdout, "level\n");
});

/** What only shows in a process of its own: when it ends, what it is allowed, what it runs out of. */

import assert from "node:assert/strict";
import { test } from "../support/harness.ts";
import { FFI, run } from "./own_process.ts";

test("a program with no pending operation ends by itself, open sockets or not", async () => {
  const { code, stdout } = await run(`
    globalThis.kept = ffi.MessageSocket.pair();
    const [left, right] = globalThis.kept;
    const waiting = right.receive();
    await left.send(Uint8Array.of(1));
    console.log((await waiting).data.length);
  `);

  assert.equal(code, 0);
  assert.equal(stdout, "1\n");
});

test("a program that waits for a message goes on until it comes", async () => {
  const { stdout } = await run(`
    const [left, right] = ffi.MessageSocket.pair();
    right.receive().then(({ data }) => console.log("received", data[0]));
    setTimeout(() => left.send(Uint8Array.of(7)), 20);
  `);

  assert.equal(stdout, "received 7\n");
});

test("a socket that is collected while open is closed, with one warning", async () => {
  const { code, stdout, stderr } = await run(
    `
    // Sockets alone: Deno opens files of its own at any time.
    const isSocket = ({ name }) => {
      try {
        return Deno.readLinkSync("/proc/self/fd/" + name).startsWith("socket:");
      } catch {
        return false;
      }
    };
    const count = () => [...Deno.readDirSync("/proc/self/fd")].filter(isSocket).length;
    ffi.Reactor.current();
    const before = count();
    for (let i = 0; i < 50; i++) ffi.MessageSocket.pair();
    for (let i = 0; i < 500 && count() > before; i++) {
      globalThis.gc();
      await new Promise((resolve) => setTimeout(resolve));
    }
    console.log(count() - before);
    `,
    { v8Flags: ["--v8-flags=--expose-gc"] },
  );

  assert.equal(code, 0, stderr);
  assert.equal(stdout, "0\n");
  assert.equal(stderr.match(/garbage-collected/g)?.length, 1, stderr);
});

test("running out of descriptors is EMFILE with its remedy, and closing one helps", async () => {
  const { stdout, stderr } = await run(
    `
    const open = [];
    try {
      for (;;) open.push(ffi.MessageSocket.open(ffi.AF_INET, ffi.SOCK_DGRAM));
    } catch (error) {
      console.log(error.code, error.syscall, /ulimit/.test(error.message));
    }
    open.pop().close();
    ffi.MessageSocket.open(ffi.AF_INET, ffi.SOCK_DGRAM).close();
    for (const socket of open) socket.close();
    `,
    { ulimit: "-n 64" },
  );

  assert.equal(stdout, "EMFILE socket true\n", stderr);
});

test("without --allow-ffi importing works, and the first call says what is missing", async () => {
  const { code, stdout } = await run(
    `
    try {
      ffi.MessageSocket.pair();
    } catch (error) {
      console.log(error.name, error.code, error.message.includes("--allow-ffi"));
    }
    `,
    { flags: ["--no-prompt", `--allow-read`] },
  );

  assert.equal(code, 0);
  assert.equal(stdout, "UnsupportedError UNSUPPORTED true\n");
});

test("a Worker has a reactor of its own, and can block on it", async () => {
  const { code, stdout, stderr } = await run(`
    const source = \`
      import * as ffi from ${JSON.stringify(FFI)};
      self.onmessage = ({ data: fd }) => {
        const socket = ffi.MessageSocket.adopt(ffi.Descriptor.adopt(fd, "socket"));
        const { data } = socket.receiveSync({ timeout: 30_000 });
        socket.sendSync(data.map((byte) => byte + 1));
        socket.close();
        self.postMessage("done");
        self.close();
      };
    \`;
    const worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })), { type: "module" });
    const [left, right] = ffi.socketpair(ffi.AF_UNIX, ffi.SOCK_DGRAM);
    const socket = ffi.MessageSocket.adopt(ffi.Descriptor.adopt(left, "socket"));
    const done = new Promise((resolve) => worker.onmessage = resolve);
    worker.postMessage(right);
    await socket.send(Uint8Array.of(41));
    console.log((await socket.receive({ timeout: 30_000 })).data[0]);
    await done;
  `);

  assert.equal(code, 0, stderr);
  assert.equal(stdout, "42\n");
});

test("heap and descriptors stay level over 10,000 open, use and close cycles", async () => {
  const { code, stdout, stderr } = await run(
    `
    const cycle = async () => {
      const [left, right] = ffi.MessageSocket.pair();
      const waiting = right.receive();
      await left.send(new Uint8Array(100));
      await waiting;
      left.close();
      right.close();
    };
    const level = () => {
      globalThis.gc();
      return { heap: Deno.memoryUsage().heapUsed, descriptors: [...Deno.readDirSync("/proc/self/fd")].length };
    };
    for (let i = 0; i < 2000; i++) await cycle();
    const before = level();
    for (let i = 0; i < 10000; i++) await cycle();
    const after = level();
    // Deno opens a handful of descriptors of its own whenever it likes; a leak would be thousands.
    console.log(after.descriptors - before.descriptors < 10 ? "level" : after.descriptors - before.descriptors);
    console.log(after.heap - before.heap < 1_000_000 ? "level" : after.heap - before.heap);
    `,
    { v8Flags: ["--v8-flags=--expose-gc"] },
  );

  assert.equal(code, 0, stderr);
  assert.equal(stdout, "level\nlevel\n");
});

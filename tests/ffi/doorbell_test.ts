/** Shared memory, futexes, counters and handed-over descriptors, with a C program on the other side. */

import { EventCounter, futexWait, futexWaitSync, futexWake, SharedMemory, StreamListener } from "@sockeye/sockeye/ffi";
import assert from "node:assert/strict";
import { compileC, hasCompiler, ROOT } from "../../interop/build.ts";
import { test } from "../support/harness.ts";

const SOON = { timeout: 30_000 };
const skip = hasCompiler() ? undefined : "no C compiler: install gcc and libc6-dev";

/** The C program, connected to us. */
async function withPeer(use: (socket: Awaited<ReturnType<StreamListener["accept"]>>) => Promise<void>): Promise<void> {
  const program = compileC({ name: "doorbell", source: Deno.readTextFileSync(`${ROOT}tests/ffi/c/doorbell.c`) });
  assert(program.path !== undefined, program.path === undefined ? program.stderr : "");
  const folder = Deno.makeTempDirSync();
  try {
    const path = `${folder}/socket`;
    await using listener = StreamListener.listen({ family: "unix", path }, { mode: 0o600 });
    const child = new Deno.Command(program.path, { args: [path], stdin: "null" }).spawn();
    const socket = await listener.accept(SOON);
    assert.equal(socket.peerCredentials().pid, child.pid);
    await use(socket);
    socket.close();
    assert.equal((await child.status).code, 0);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

const copies = () => [...Deno.readDirSync("/proc/self/fd")].length;

for (const style of ["async", "blocking"] as const) {
  test(`a C program and we wake each other through memory and counter (${style})`, async () => {
    using memory = SharedMemory.create(4096);
    await using counter = EventCounter.create();
    const words = new Int32Array(memory.buffer);

    await withPeer(async (socket) => {
      await socket.writeWithDescriptors(Uint8Array.of(1), [memory, counter]);
      const woken = style === "async" ? futexWait(words, 1, 0, SOON) : undefined;
      Atomics.store(words, 0, 41);
      futexWake(words, 0);
      if (style === "async") await woken;
      else while (words[1] === 0) futexWaitSync(words, 1, 0, SOON);

      assert.equal(Atomics.load(words, 1), 42);
      assert.equal(style === "async" ? await counter.wait(SOON) : counter.waitSync(SOON), 5);
      const received = await socket.readWithDescriptors(new Uint8Array(1), SOON);
      using theirs = SharedMemory.adopt(received!.descriptors[0]);
      assert.equal(new TextDecoder().decode(theirs.buffer.slice(0, 6)), "from C");
      assert.equal(await socket.read(new Uint8Array(1), SOON), 1);
    });
  }, { skip });
}

test("what a C program hands over unasked for is closed", async () => {
  using memory = SharedMemory.create(4096);
  await using counter = EventCounter.create();
  const words = new Int32Array(memory.buffer);
  words[0] = 1;

  await withPeer(async (socket) => {
    await socket.writeWithDescriptors(Uint8Array.of(1), [memory, counter]);
    await counter.wait(SOON);
    const before = copies();

    assert.equal(await socket.read(new Uint8Array(1), SOON), 1);
    assert.equal(copies(), before);
    const received = await socket.readWithDescriptors(new Uint8Array(1), { maxDescriptors: 3, ...SOON });

    assert.equal(received!.descriptors.length, 3);
    assert.equal(received!.isTruncated, true);
    assert.equal(copies(), before + 3);
    for (const descriptor of received!.descriptors) descriptor.close();
  });
}, { skip });

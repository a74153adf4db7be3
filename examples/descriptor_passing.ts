/**
 * Memory without a name, handed over a unix socket: the receiver gets the descriptor, and maps the same pages.
 *
 *     deno run -A examples/descriptor_passing.ts
 *
 * @module
 */

import { encodeDescriptors, MessageSocket, SharedMemory } from "@sockeye/sockeye/ffi";

const [left, right] = MessageSocket.pair({ descriptors: true });
try {
  using ours = SharedMemory.create(4096);
  await left.send(new TextEncoder().encode("4096 bytes for you"), { control: encodeDescriptors([ours]) });

  const { data, descriptors: [descriptor] } = await right.receive({ timeout: 5_000 });
  console.log("received:", new TextDecoder().decode(data));
  // Sealed memory can't be cut off by whoever made it.
  using theirs = SharedMemory.adopt(descriptor, { sealed: true });

  Atomics.store(new Int32Array(ours.buffer), 0, 42);
  console.log("seen on the other side:", Atomics.load(new Int32Array(theirs.buffer), 0));
} finally {
  left.close();
  right.close();
}

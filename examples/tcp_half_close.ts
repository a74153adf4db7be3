/**
 * TCP with half-close: the client says all it has to say, ends its half, and still reads the answer.
 *
 *     deno run -A examples/tcp_half_close.ts
 *
 * @module
 */

import { StreamListener, StreamSocket } from "@sockeye/sockeye/ffi";

await using listener = StreamListener.listen({ family: "inet", address: "127.0.0.1", port: 0 });
const serving = serve();

await using client = await StreamSocket.connect(listener.localAddress(), { timeout: 5_000 });
const lines = ["the quick brown fox", "jumps over", "the lazy dog"];
// One system call for all three buffers.
await client.writev(lines.map((line) => new TextEncoder().encode(`${line}\n`)));
await client.closeWrite();

for await (const text of client.readable.pipeThrough(new TextDecoderStream())) console.log("answer:", text);
await serving;

/** Counts words until the client has said all, then answers. */
async function serve(): Promise<void> {
  await using peer = await listener.accept({ timeout: 5_000 });
  let text = "";
  for await (const chunk of peer.readable.pipeThrough(new TextDecoderStream())) text += chunk;
  const words = text.split(/\s+/).filter((word) => word !== "").length;
  await peer.write(new TextEncoder().encode(`${words} words`));
  await peer.closeWrite();
}

/**
 * Web Streams: a file goes through PUSH and PULL, one message a piece, and through a stream that transforms it.
 *
 *     deno run -A examples/sp_streams.ts
 *
 * @module
 */

import { Pull, Push, type SpMessage } from "@sockeye/sockeye/sp";
import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

await using pull = new Pull();
await pull.listen("inproc://file");
await using push = new Push();
await push.dial("inproc://file");

const file = fileURLToPath(import.meta.url);
const pieces = Readable.toWeb(createReadStream(file, { highWaterMark: 512 })) as ReadableStream<Uint8Array>;
const sending = pieces.pipeTo(push.writable, { preventClose: true }).then(() => push.send("")); // an empty message ends it

const bodies = new TransformStream<SpMessage, Uint8Array<ArrayBuffer>>({
  transform({ body }, controller) {
    if (body.length === 0) controller.terminate();
    else controller.enqueue(new Uint8Array(body));
  },
});
let lines = 0;
for await (const text of pull.readable.pipeThrough(bodies).pipeThrough(new TextDecoderStream())) {
  lines += text.split("\n").length - 1;
}
await sending;
console.log(`${lines > 30 ? "the whole program" : "too little"} came through`);

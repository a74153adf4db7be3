/**
 * Peers that behave badly, to be killed; `faulty.ts half-answer|silent|echo|sleep|flood URL`.
 *
 * - `half-answer` listens as REP, and sends the first half of an answer to each question.
 * - `silent` listens as REP, and takes a question that it never answers.
 * - `echo` listens as REP, and answers.
 * - `sleep` dials as PULL, and reads nothing.
 * - `flood` dials as PUSH, and sends messages of a mebibyte without end, each full of its number.
 *
 * @module
 */

import { Pull, Push, Rep } from "@sockeye/sockeye/sp";
import { createServer, type ListenOptions, type Socket } from "node:net";
import process from "node:process";
import { encodeGreeting, GREETING_BYTES } from "../../../sp/transport/stream/frame_format.ts";

const [behaviour, url] = process.argv.slice(2);
const isIpc = url.startsWith("ipc://");
const rest = url.slice(url.indexOf("://") + 3);
const at = rest.lastIndexOf(":");
const where: ListenOptions = isIpc ? { path: rest } : { host: rest.slice(0, at), port: Number(rest.slice(at + 1)) };

function answerHalf(socket: Socket): void {
  socket.write(encodeGreeting(49));
  let length = 0;
  socket.on("data", (data: Uint8Array) => {
    length += data.length;
    // The greeting, and something of the question: the header of an answer of a thousand bytes, and four of them.
    if (length <= GREETING_BYTES) return;
    length = -Infinity;
    socket.write(Uint8Array.of(...(isIpc ? [1] : []), 0, 0, 0, 0, 0, 0, 3, 232, 128, 0, 0, 1), () => {
      console.log("half an answer");
    });
  });
  socket.on("error", () => {});
}

if (behaviour === "half-answer") {
  createServer(answerHalf).listen(where, () => console.log("ready"));
} else if (behaviour === "echo") {
  const rep = new Rep();
  await rep.listen(url);
  console.log("ready");
  await rep.serve(({ body }) => body);
} else if (behaviour === "silent") {
  const rep = new Rep();
  await rep.listen(url);
  console.log("ready");
  await rep.receive();
  console.log("asked");
} else if (behaviour === "sleep") {
  await new Pull().dial(url);
  computeForEver();
} else if (behaviour === "flood") {
  const push = new Push();
  await push.dial(url);
  console.log("ready");
  for (let number = 0;; number++) await push.send(new Uint8Array(1 << 20).fill(number));
}

/** Says that it is ready, and does nothing more: its runtime can't read ahead either. */
function computeForEver(): void {
  console.log("ready");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

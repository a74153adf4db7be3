/** `sockeye sp perf local_thr`, `remote_thr`, `inproc_thr`: how many messages get through. @module */

import { ClosedError, TimeoutError } from "@sockeye/sockeye";
import type { Pair, Pull, Push } from "@sockeye/sockeye/sp";
import { type Command, command } from "../command.ts";
import type { Output } from "../output.ts";
import { json } from "../shared_options.ts";
import {
  blocking,
  checkSize,
  DIAL_URL,
  inprocUrl,
  LISTEN_URL,
  type Load,
  readLoad,
  secondsSince,
  SIZE,
  throughputPatterns,
  throughputSockets,
} from "./perf_options.ts";

const MESSAGES = ["COUNT", "how many messages"] as const;
const INPROC_URL = "inproc://throughput-test";

/** Starts the clock, and, from the other end, tells that all has come. */
const SIGNAL_MESSAGE = new Uint8Array(0);

/** How long the end that sends waits for that, in milliseconds; nng's tools say no more, and others nothing at all. */
const COMPLETION_MS = 5_000;
/** How long everything may take to leave where nobody tells that it has come, in milliseconds. */
const LINGER_MS = 60_000;

/** The end that counts. */
export const localThroughput: Command = command({
  name: "local_thr",
  summary: "Listens, counts messages, and prints how many come in a second.",
  operands: [LISTEN_URL, SIZE, MESSAGES],
  options: { ...throughputPatterns, sync: blocking, json },
  examples: [{ line: "sp perf local_thr ipc:///tmp/perf.ipc 64 1000000", about: "a million of 64 bytes" }],
  async run({ options, operands: [url, size, count], output, signal }) {
    const load = readLoad(size, count);
    const socket = throughputSockets(options).local();
    try {
      await socket.listen(url, { signal });
      report(load, await receiveAll(socket, load, options.sync, signal), output);
    } finally {
      await socket.close();
    }
    return 0;
  },
});

/** The end that sends. */
export const remoteThroughput: Command = command({
  name: "remote_thr",
  summary: "Dials, and sends messages as fast as they are taken; prints nothing.",
  operands: [DIAL_URL, SIZE, MESSAGES],
  options: { ...throughputPatterns, sync: blocking },
  examples: [{ line: "sp perf remote_thr ipc:///tmp/perf.ipc 64 1000000", about: "a million of 64 bytes" }],
  async run({ options, operands: [url, size, count], signal }) {
    const load = readLoad(size, count);
    const socket = throughputSockets(options).remote();
    try {
      await socket.dial(url, { signal });
      await sendAll(socket, load, options.sync, signal);
      await socket.close({ linger: LINGER_MS });
    } finally {
      await socket.close({ linger: 0 });
    }
    return 0;
  },
});

/** Both ends. */
export const inprocThroughput: Command = command({
  name: "inproc_thr",
  summary: "Does both within one process, by inproc.",
  operands: [SIZE, MESSAGES],
  options: { ...throughputPatterns, url: inprocUrl, json },
  examples: [{ line: "sp perf inproc_thr 64 1000000", about: "a million of 64 bytes" }],
  async run({ options, operands: [size, count], output, signal }) {
    const load = readLoad(size, count);
    const sockets = throughputSockets(options);
    const [local, remote] = [sockets.local(), sockets.remote()];
    try {
      const { url } = await local.listen(options.url ?? INPROC_URL, { signal });
      await remote.dial(url, { signal });
      const [seconds] = await Promise.all([
        receiveAll(local, load, false, signal),
        sendAll(remote, load, false, signal),
      ]);
      report(load, seconds, output);
    } finally {
      await Promise.all([local.close(), remote.close({ linger: 0 })]);
    }
    return 0;
  },
});

/** Receives the messages; gives the seconds from the one that starts the clock. */
async function receiveAll(
  socket: Pair | Pull,
  { size, count }: Load,
  sync: boolean,
  signal: AbortSignal,
): Promise<number> {
  await socket.receive({ signal });
  const begin = performance.now();
  for (let received = 0; received < count; received++) {
    const { body } = sync ? socket.receiveSync() : socket.tryReceive() ?? await socket.receive({ signal });
    checkSize(body, size);
  }
  const seconds = secondsSince(begin);
  if ("send" in socket) await socket.send(SIGNAL_MESSAGE, { timeout: COMPLETION_MS }).catch(ignoreAbsence);
  return seconds;
}

async function sendAll(socket: Pair | Push, { size, count }: Load, sync: boolean, signal: AbortSignal): Promise<void> {
  const body = new Uint8Array(size);
  await socket.send(SIGNAL_MESSAGE, { signal });
  for (let sent = 0; sent < count; sent++) {
    if (sync) socket.sendSync(body);
    else if (!socket.trySend(body)) await socket.send(body, { signal });
  }
  if ("receive" in socket) await completion(socket, signal);
}

/** Waits until the other end tells that all has come, or has gone. */
async function completion(socket: Pair, signal: AbortSignal): Promise<void> {
  const gone = new AbortController();
  const stopWatching = socket.onPipe(({ type }) => {
    if (type === "removed") gone.abort(new ClosedError("the other end has gone"));
  });
  try {
    await socket.receive({ timeout: COMPLETION_MS, signal: AbortSignal.any([signal, gone.signal]) });
  } catch (error) {
    if (!gone.signal.aborted) ignoreAbsence(error);
  } finally {
    stopWatching();
  }
}

/** The other end may have gone once it has all, or never tell. */
function ignoreAbsence(error: unknown): void {
  if (!(error instanceof TimeoutError)) throw error;
}

/** As nng's tools print it. */
function report({ size, count }: Load, seconds: number, output: Output): void {
  const messagesPerSecond = count / seconds;
  const megabitsPerSecond = messagesPerSecond * 8 * size / (1024 * 1024);
  output.report(
    { type: "throughput", size, messages: count, seconds, messagesPerSecond, megabitsPerSecond },
    () =>
      [
        `total time: ${seconds.toFixed(3)} [s]`,
        `message size: ${size} [B]`,
        `message count: ${count}`,
        `throughput: ${messagesPerSecond.toFixed(0)} [msg/s]`,
        `throughput: ${megabitsPerSecond.toFixed(3)} [Mb/s]`,
      ].join("\n"),
  );
}

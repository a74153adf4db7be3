/** `sockeye sctp perf connect`: the end of a measurement that says what is measured, and prints it. @module */

import { ProtocolError } from "@sockeye/sockeye";
import { SctpAssociation, type SctpMessage } from "@sockeye/sockeye/sctp";
import { setImmediate } from "node:timers/promises";
import { type Command, command } from "../command.ts";
import { choice, flag, integer, integerOr, seconds } from "../option.ts";
import type { Output } from "../output.ts";
import { COUNT, json } from "../shared_options.ts";
import { readAddress } from "./address.ts";
import { MESSAGE_SIZE, STREAM_COUNT } from "./options.ts";
import { decodeTally, encodeJson, PPID_LOAD, PPID_PING, PPID_TALLY } from "./perf_protocol.ts";

const DEFAULT_DURATION_MS = 5_000;

/** How many messages are sent between two looks at the clock, and two chances for everything else in this program. */
const SLICE = 64;

/** The subcommand. */
export const perfConnect: Command = command({
  name: "connect",
  summary: "Measures round trips, then throughput, and prints both.",
  details: `A round trip is one message to the server and back, with nothing else under way.
Throughput is counted by the server, from the first message to the last that it receives.`,
  operands: [["URL", "where sockeye sctp perf listen runs"]],
  options: {
    measure: choice(["both", "round-trip", "throughput"], "what to measure (default both)"),
    size: integerOr(64, "BYTES", "the size of each message", MESSAGE_SIZE),
    count: integer("N", "so many messages in each measurement, however long it takes", COUNT),
    duration: seconds(`how long each measurement takes (default ${DEFAULT_DURATION_MS / 1_000})`),
    streams: integerOr(1, "N", "on how many streams, in turn", STREAM_COUNT),
    unordered: flag("send unordered"),
    nodelay: flag("send each message at once, without waiting to bundle it (SCTP_NODELAY)"),
    json,
  },
  examples: [
    { line: "sctp perf connect sctp://127.0.0.1:5001 --size 1024", about: "five seconds each, 1 KiB messages" },
    {
      line: "sctp perf connect sctp://127.0.0.1:5001 --measure throughput --count 100000 --streams 8 --json",
      about: "a hundred thousand messages on eight streams, the result as an object",
    },
  ],
  async run({ options, operands: [url], output, signal }) {
    const peer = await readAddress(url, signal);
    const { streams, nodelay, measure, size, unordered, count } = options;
    const durationMs = options.duration ?? DEFAULT_DURATION_MS;
    const association = await SctpAssociation.connect(peer, { initmsg: { numOstreams: streams }, nodelay, signal });
    try {
      const load = { data: new Uint8Array(size).fill(0x2e), streams, unordered, count, durationMs };
      if (measure !== "throughput") reportRoundTrips(await measureRoundTrips(association, load, signal), load, output);
      if (measure !== "round-trip") reportThroughput(await measureThroughput(association, load, signal), load, output);
      await association.shutdown({ signal });
    } finally {
      association.close();
    }
    return 0;
  },
});

/** What is sent. */
interface Load {
  data: Uint8Array;
  streams: number;
  unordered: boolean;
  /** How many messages; without, as many as there is time for. */
  count: number | undefined;
  durationMs: number;
}

/** The times of all round trips, in milliseconds, sorted, and how long all of them took. */
interface RoundTrips {
  times: Float64Array;
  elapsedMs: number;
}

async function measureRoundTrips(association: SctpAssociation, load: Load, signal: AbortSignal): Promise<RoundTrips> {
  const { data, streams, unordered, count = Infinity } = load;
  const limitMs = load.count === undefined ? load.durationMs : Infinity;
  const times: number[] = [];
  const begin = performance.now();
  let now = begin;
  while (times.length < count && now - begin < limitMs) {
    await association.send(data, { streamId: times.length % streams, unordered, ppid: PPID_PING, signal });
    const echo = await association.receive({ signal });
    if (echo.data.length !== data.length) throw unexpected(echo);
    const end = performance.now();
    times.push(end - now);
    now = end;
  }
  return { times: Float64Array.from(times).sort(), elapsedMs: now - begin };
}

async function measureThroughput(association: SctpAssociation, load: Load, signal: AbortSignal) {
  const { data, streams, unordered, count = Infinity } = load;
  const limitMs = load.count === undefined ? load.durationMs : Infinity;
  const begin = performance.now();
  const options = Array.from({ length: streams }, (_, streamId) => ({ streamId, unordered, ppid: PPID_LOAD, signal }));
  let sent = 0;
  while (sent < count && performance.now() - begin < limitMs) {
    const sliceEnd = Math.min(count, sent + SLICE);
    for (; sent < sliceEnd; sent++) {
      const option = options[sent % streams];
      if (!association.trySend(data, option)) await association.send(data, option);
    }
    await setImmediate();
    if (signal.aborted) throw signal.reason;
  }
  await association.send(encodeJson({ messages: sent }), { ppid: PPID_TALLY, signal });
  const answer = await association.receive({ signal });
  if (answer.ppid !== PPID_TALLY) throw unexpected(answer);
  return decodeTally(answer.data);
}

function unexpected({ ppid, data }: SctpMessage): ProtocolError {
  return new ProtocolError(
    `the other end answered with ${data.length} bytes and PPID ${ppid}, so it is no sockeye sctp perf: start one there`,
  );
}

function reportRoundTrips({ times, elapsedMs }: RoundTrips, { data, streams }: Load, output: Output): void {
  const quantile = (part: number) => microseconds(times[Math.min(times.length - 1, Math.floor(times.length * part))]);
  const report = {
    type: "round-trip",
    size: data.length,
    streams,
    count: times.length,
    seconds: elapsedMs / 1_000,
    minUs: quantile(0),
    medianUs: quantile(0.5),
    p99Us: quantile(0.99),
    maxUs: microseconds(times[times.length - 1]),
  };
  output.report(
    report,
    () =>
      `round trip   ${report.size} bytes: median ${report.medianUs} µs, min ${report.minUs}, 99% ${report.p99Us}, ` +
      `max ${report.maxUs} (${report.count} in ${report.seconds.toFixed(2)} s)`,
  );
}

function microseconds(ms: number): number {
  return Math.round(ms * 1_000);
}

function reportThroughput(
  tally: { messages: number; bytes: number; seconds: number },
  { data, streams }: Load,
  output: Output,
): void {
  const { messages, bytes, seconds } = tally;
  const report = {
    type: "throughput",
    size: data.length,
    streams,
    messages,
    bytes,
    seconds,
    messagesPerSecond: Math.round(messages / seconds),
    bytesPerSecond: Math.round(bytes / seconds),
  };
  output.report(
    report,
    () =>
      `throughput   ${report.size} bytes on ${streams} ${streams === 1 ? "stream" : "streams"}: ` +
      `${report.messagesPerSecond} messages/s, ${(report.bytesPerSecond / 1e6).toFixed(1)} MB/s ` +
      `(${messages} in ${seconds.toFixed(2)} s)`,
  );
}

/** `sockeye sp perf local_lat`, `remote_lat`, `inproc_lat`: how long a message takes. @module */

import { type Command, command } from "../command.ts";
import type { Output } from "../output.ts";
import { json } from "../shared_options.ts";
import {
  blocking,
  checkSize,
  DIAL_URL,
  inprocUrl,
  latencyPatterns,
  latencySockets,
  LISTEN_URL,
  type Load,
  readLoad,
  secondsSince,
  SIZE,
  type TwoWay,
} from "./perf_options.ts";

const TRIPS = ["COUNT", "how many round trips"] as const;
const INPROC_URL = "inproc://latency_test";

/** The end that sends back. */
export const localLatency: Command = command({
  name: "local_lat",
  summary: "Listens, and sends each message back; prints nothing.",
  operands: [LISTEN_URL, SIZE, TRIPS],
  options: { ...latencyPatterns, sync: blocking },
  examples: [{
    line: "sp perf local_lat tcp://127.0.0.1:5555 64 100000",
    about: "serve a hundred thousand round trips",
  }],
  async run({ options, operands: [url, size, count], signal }) {
    const load = readLoad(size, count);
    const socket = latencySockets(options).local();
    try {
      await socket.listen(url, { signal });
      await reflect(socket, load, options.sync, signal);
    } finally {
      await socket.close();
    }
    return 0;
  },
});

/** The end that measures. */
export const remoteLatency: Command = command({
  name: "remote_lat",
  summary: "Dials, sends messages one by one, and prints how long one takes in one direction.",
  operands: [DIAL_URL, SIZE, TRIPS],
  options: { ...latencyPatterns, sync: blocking, json },
  examples: [
    { line: "sp perf remote_lat tcp://127.0.0.1:5555 64 100000 --sync", about: "measure them with calls that block" },
  ],
  async run({ options, operands: [url, size, count], output, signal }) {
    const load = readLoad(size, count);
    const socket = latencySockets(options).remote();
    try {
      await socket.dial(url, { signal });
      report(load, await measure(socket, load, options.sync, signal), output);
    } finally {
      await socket.close();
    }
    return 0;
  },
});

/** Both ends. */
export const inprocLatency: Command = command({
  name: "inproc_lat",
  summary: "Does both within one process, by inproc.",
  operands: [SIZE, TRIPS],
  options: { ...latencyPatterns, url: inprocUrl, json },
  examples: [{ line: "sp perf inproc_lat 64 100000", about: "a hundred thousand round trips" }],
  async run({ options, operands: [size, count], output, signal }) {
    const load = readLoad(size, count);
    const sockets = latencySockets(options);
    const [local, remote] = [sockets.local(), sockets.remote()];
    try {
      const { url } = await local.listen(options.url ?? INPROC_URL, { signal });
      await remote.dial(url, { signal });
      const [seconds] = await Promise.all([
        measure(remote, load, false, signal),
        reflect(local, load, false, signal),
      ]);
      report(load, seconds, output);
    } finally {
      await Promise.all([local.close(), remote.close()]);
    }
    return 0;
  },
});

async function reflect(socket: TwoWay, { size, count }: Load, sync: boolean, signal: AbortSignal): Promise<void> {
  for (let trip = 0; trip < count; trip++) {
    const { body } = sync ? socket.receiveSync() : await socket.receive({ signal });
    checkSize(body, size);
    if (sync) socket.sendSync(body);
    else await socket.send(body, { signal });
  }
}

/** Makes the round trips; gives the seconds that all took. */
async function measure(socket: TwoWay, { size, count }: Load, sync: boolean, signal: AbortSignal): Promise<number> {
  let body: Uint8Array = new Uint8Array(size);
  const begin = performance.now();
  for (let trip = 0; trip < count; trip++) {
    if (sync) {
      socket.sendSync(body);
      body = socket.receiveSync().body;
    } else {
      await socket.send(body, { signal });
      body = (await socket.receive({ signal })).body;
    }
    checkSize(body, size);
  }
  return secondsSince(begin);
}

/** As nng's tools print it: a latency is half a round trip. */
function report({ size, count }: Load, seconds: number, output: Output): void {
  const averageUs = seconds * 1e6 / (count * 2);
  output.report(
    { type: "latency", size, roundTrips: count, seconds, averageUs },
    () =>
      [
        `total time: ${seconds.toFixed(3)} [s]`,
        `message size: ${size} [B]`,
        `round trip count: ${count}`,
        `average latency: ${averageUs.toFixed(3)} [us]`,
      ].join("\n"),
  );
}

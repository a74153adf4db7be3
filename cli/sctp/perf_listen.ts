/** `sockeye sctp perf listen`: the end of a measurement that answers and counts. @module */

import { SockeyeError } from "@sockeye/sockeye";
import { SctpEndpoint, type SctpMessage } from "@sockeye/sockeye/sctp";
import { type Command, command } from "../command.ts";
import { integer, seconds } from "../option.ts";
import type { Output } from "../output.ts";
import { COUNT, json } from "../shared_options.ts";
import { readAddress } from "./address.ts";
import { decodeOrder, encodeJson, PPID_LOAD, PPID_PING, PPID_TALLY } from "./perf_protocol.ts";

/** Enough for whatever number of streams the client measures with: pings go back on theirs. */
const STREAMS = 1024;

/** The subcommand. */
export const perfListen: Command = command({
  name: "listen",
  summary: "Serves measurements: answers pings, and counts what is to be counted.",
  operands: [["URL", "what to listen on: sctp://127.0.0.1:5001; port 0 takes a free one"]],
  options: {
    count: integer("N", "end after N clients", COUNT),
    json,
    timeout: seconds("end after this time; with --count that is a failure"),
  },
  examples: [
    { line: "sctp perf listen sctp://0.0.0.0:5001", about: "serve whoever comes, until Ctrl-C" },
    { line: "sctp perf listen sctp://127.0.0.1:5001 --count 1 --json", about: "serve one client" },
  ],
  async run({ options, operands: [url], output, signal }) {
    const endpoint = SctpEndpoint.listen(await readAddress(url, signal), {
      events: ["association"],
      initmsg: { numOstreams: STREAMS },
    });
    const done = new AbortController();
    const timer = options.timeout === undefined ? undefined : setTimeout(() => done.abort(), options.timeout);
    const served = new Served(endpoint, output);
    try {
      const bound = endpoint.localAddresses().toString();
      output.report({ type: "listening", address: bound }, () => `listening on ${bound}`);
      await served.until(AbortSignal.any([signal, done.signal]), options.count);
    } finally {
      clearTimeout(timer);
      if (served.isBusy) endpoint.abort("all", "the server ends");
      endpoint.close();
    }
    if (options.count === undefined || served.count === options.count) return 0;
    throw new Error(`${served.count} of ${options.count} clients came; --timeout allows for more time`);
  },
});

/** What was counted for a client. */
class Ledger {
  pings = 0;
  /** Since the last tally. */
  messages = 0;
  bytes = 0;
  beganAtMs = 0;
  totalMessages = 0;
  totalBytes = 0;
  /** How many messages the client waits for. */
  ordered: number | undefined;
}

/** The clients of an endpoint. */
class Served {
  /** How many have come and gone. */
  count = 0;
  readonly #endpoint: SctpEndpoint;
  readonly #output: Output;
  readonly #ledgers = new Map<number, Ledger>();

  constructor(endpoint: SctpEndpoint, output: Output) {
    this.#endpoint = endpoint;
    this.#output = output;
  }

  get isBusy(): boolean {
    return this.#ledgers.size > 0;
  }

  async until(signal: AbortSignal, count: number | undefined): Promise<void> {
    while (!signal.aborted && this.count !== count) {
      // What is there already is taken without a promise: this is what is measured.
      const event = this.#endpoint.tryReceive() ?? await this.#endpoint.receive({ signal }).catch((error) => {
        if (!signal.aborted) throw error;
      });
      if (event === undefined) return;
      if (event.type === "message") await this.#serve(event);
      else if (event.type === "association") this.#changed(event.associationId, event.state);
    }
  }

  async #serve(message: SctpMessage): Promise<void> {
    const ledger = this.#ledgers.get(message.associationId);
    if (ledger === undefined) return;
    switch (message.ppid) {
      case PPID_PING:
        ledger.pings++;
        await this.#answer(message, message.data);
        return;
      case PPID_LOAD:
        if (ledger.messages++ === 0) ledger.beganAtMs = performance.now();
        ledger.bytes += message.data.length;
        break;
      case PPID_TALLY:
        ledger.ordered = decodeOrder(message.data).messages;
        break;
    }
    if (ledger.messages === ledger.ordered) await this.#settle(message, ledger);
  }

  async #settle(message: SctpMessage, ledger: Ledger): Promise<void> {
    const { messages, bytes, beganAtMs } = ledger;
    // A clock may stand still between two messages; a rate needs some time.
    const seconds = Math.max(performance.now() - beganAtMs, 0.001) / 1_000;
    await this.#answer(
      { ...message, ppid: PPID_TALLY },
      encodeJson({ messages, bytes, seconds }),
    );
    ledger.totalMessages += messages;
    ledger.totalBytes += bytes;
    ledger.messages = ledger.bytes = 0;
    ledger.ordered = undefined;
  }

  async #answer({ associationId, streamId, ppid, unordered }: SctpMessage, data: Uint8Array): Promise<void> {
    try {
      await this.#endpoint.send(data, { associationId, streamId, ppid, unordered });
    } catch (error) {
      // A client that goes without waiting for its answer has ended its own measurement.
      if (!(error instanceof SockeyeError)) throw error;
    }
  }

  #changed(associationId: number, state: string): void {
    if (state === "comm-up") this.#ledgers.set(associationId, new Ledger());
    if (state !== "shutdown-complete" && state !== "comm-lost") return;
    const ledger = this.#ledgers.get(associationId);
    if (ledger === undefined) return;
    this.#ledgers.delete(associationId);
    this.count++;
    const { pings, totalMessages: messages, totalBytes: bytes } = ledger;
    this.#output.report(
      { type: "served", association: associationId, pings, messages, bytes },
      () => `served association ${associationId}: ${pings} round trips, ${messages} messages of ${bytes} bytes in all`,
    );
  }
}

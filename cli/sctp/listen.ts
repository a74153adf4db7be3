/** `sockeye sctp listen`: accept associations, print what comes, and answer it. @module */

import { ArgumentError, MessageTooLargeError, SockeyeError } from "@sockeye/sockeye";
import { SCTP_EVENT_NAMES, type SctpMessage } from "@sockeye/sockeye/sctp";
import { type Command, command } from "../command.ts";
import { choice, flag, integer, integerOr, seconds } from "../option.ts";
import { COUNT, hex, json } from "../shared_options.ts";
import { warn } from "../warning.ts";
import { readAddress } from "./address.ts";
import type { Answer, Receiver } from "./conversation.ts";
import { events, STREAM_COUNT } from "./options.ts";
import { EventPrinter } from "./reports.ts";
import { serve } from "./server.ts";

/** Enough to echo on any stream that a peer is likely to use; each costs the kernel a few dozen bytes. */
const DEFAULT_STREAMS = 1024;

/** The subcommand. */
export const listen: Command = command({
  name: "listen",
  summary: "Accepts associations, and prints what comes.",
  details:
    "It goes on until Ctrl-C or SIGTERM, or until --count or --timeout; then it ends its associations gracefully.",
  operands: [["URL", "what to listen on: sctp://127.0.0.1,127.0.0.2:5000; port 0 takes a free one"]],
  options: {
    echo: flag("send each message back, on its stream, with its PPID and its order"),
    count: integer("N", "end after N messages", COUNT),
    events,
    json,
    hex,
    style: choice(["one-to-many", "one-to-one"], "the socket's style (default one-to-many)"),
    streams: integerOr(DEFAULT_STREAMS, "N", "how many streams to send on", STREAM_COUNT),
    timeout: seconds("end after this time; with --count that is a failure"),
  },
  examples: [
    { line: "sctp listen sctp://127.0.0.1:5000 --echo --events", about: "an echo server that tells all" },
    {
      line: "sctp listen sctp://127.0.0.1,[::1]:5000 --count 1 --json",
      about: "one message, as an object, on two addresses",
    },
    { line: "sctp listen sctp://0.0.0.0:0 --style one-to-one", about: "a free port on every IPv4 address" },
  ],
  async run({ options, operands: [url], output, signal }) {
    const local = await readAddress(url, signal);
    const printer = new EventPrinter(output, options.hex);
    const done = new AbortController();
    let received = 0;
    const receiver: Receiver = async (arrival, answer) => {
      if (arrival instanceof MessageTooLargeError) printer.tooLarge(arrival);
      else if (arrival.type !== "message") printer.notification(arrival);
      else if (received !== options.count) {
        received++;
        printer.message(arrival);
        if (options.echo) await echo(arrival, answer);
        if (received === options.count) done.abort();
      }
      await output.ready(signal);
    };
    const openingOptions = {
      events: options.events ? SCTP_EVENT_NAMES : [],
      initmsg: { numOstreams: options.streams },
    };
    const server = serve(options.style, local, openingOptions, receiver);
    const timer = options.timeout === undefined ? undefined : setTimeout(() => done.abort(), options.timeout);
    try {
      const bound = server.localAddresses().toString();
      output.report({ type: "listening", address: bound }, () => `listening on ${bound}`);
      await server.follow(AbortSignal.any([signal, done.signal]));
    } finally {
      clearTimeout(timer);
      await server.end();
    }
    if (options.count === undefined || received === options.count) return 0;
    throw new Error(`${received} of ${options.count} messages came; --timeout allows for more time`);
  },
});

async function echo({ data, streamId, ppid, unordered, from }: SctpMessage, answer: Answer): Promise<void> {
  try {
    await answer(data, { streamId, ppid, unordered });
  } catch (error) {
    // A peer that does not wait for its answer is none of our worry; one that can't get it should know why.
    if (error instanceof ArgumentError) {
      warn(`no echo to ${from.address} on stream ${streamId}: ${error.message}; raise --streams here or at the peer`);
    } else if (!(error instanceof SockeyeError)) throw error;
  }
}

/** `sockeye sctp connect`: set up an association, send messages, print what comes. @module */

import { MessageTooLargeError } from "@sockeye/sockeye";
import { SCTP_EVENT_NAMES, type SctpSendOptions } from "@sockeye/sockeye/sctp";
import { type Command, command } from "../command.ts";
import { choice, flag, integer, integerOr, seconds, text } from "../option.ts";
import { outgoingMessages } from "../outgoing.ts";
import type { Output } from "../output.ts";
import { COUNT, hex, json, UNSIGNED_32 } from "../shared_options.ts";
import { UsageError } from "../usage_error.ts";
import { readAddress } from "./address.ts";
import { type Conversation, converse } from "./conversation.ts";
import { events, STREAM_ID, streams } from "./options.ts";
import { EventPrinter } from "./reports.ts";

/** What the kernel asks for by default. */
const DEFAULT_STREAMS = 10;

/** The subcommand. */
export const connect: Command = command({
  name: "connect",
  summary: "Sets up an association, sends messages, and prints what comes.",
  details: `Without --data and --file each line of standard input is a message, until its end.
When all is sent, and --receive messages have come, the association is shut down.`,
  operands: [["URL", "the peer: sctp://10.0.0.1,10.0.1.1:3868, sctp://[::1]:5000 or sctp://localhost:5000"]],
  options: {
    data: text("TEXT", "send this message"),
    file: text("FILE", "send the contents of this file, as one message"),
    count: integer("N", "send it N times", COUNT),
    receive: integer("N", "wait for N messages; it is a failure if the association ends before", COUNT),
    stream: integerOr(0, "N", "the stream to send on", STREAM_ID),
    ppid: integerOr(0, "N", "the payload protocol identifier", UNSIGNED_32),
    unordered: flag("send unordered"),
    events,
    json,
    hex,
    style: choice(["one-to-one", "one-to-many"], "the socket's style (default one-to-one)"),
    streams,
    bind: text("URL", "the local addresses and port (default: all addresses, and a free port)"),
    timeout: seconds("end after this time; it is a failure if something is left to send or to receive"),
  },
  examples: [
    {
      line: "sctp connect sctp://127.0.0.1:5000 --data hello --stream 3 --ppid 46 --receive 1",
      about: "send a message on stream 3, and print the answer",
    },
    {
      line: "sctp connect sctp://10.0.0.1,10.0.1.1:3868 --events --json",
      about: "send lines, on either path; tell all",
    },
    { line: "sctp connect sctp://[::1]:5000 --data 00ff --hex --count 1000", about: "send two bytes a thousand times" },
  ],
  async run({ options, operands: [url], output, signal }) {
    const peer = await readAddress(url, signal);
    const local = options.bind === undefined ? undefined : await readAddress(options.bind, signal);
    const stop = new AbortController();
    const interrupt = () => stop.abort(new Error("interrupted"));
    signal.addEventListener("abort", interrupt);
    const timer = options.timeout === undefined ? undefined : setTimeout(() => {
      stop.abort(new Error(`not everything was done within ${options.timeout! / 1_000} s; raise --timeout`));
    }, options.timeout);
    try {
      const messages = await outgoingMessages(options, stop.signal, requireBytes);
      const conversation = await converse(options.style, peer, local, {
        events: options.events ? SCTP_EVENT_NAMES : [],
        initmsg: { numOstreams: options.streams ?? Math.max(DEFAULT_STREAMS, options.stream + 1) },
        signal: stop.signal,
      });
      reportConnected(conversation, output);
      const { streamId, ppid, unordered } = { ...options, streamId: options.stream };
      await exchange({
        conversation,
        messages,
        send: { streamId, ppid, unordered },
        isOpenEnded: options.data === undefined && options.file === undefined,
        wanted: options.receive,
        output,
        printer: new EventPrinter(output, options.hex),
        stop,
      });
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", interrupt);
    }
    return 0;
  },
});

function requireBytes(bytes: Uint8Array, option: string): void {
  if (bytes.length === 0) throw new UsageError(`${option} is empty, but an SCTP message has at least one byte`);
}

function reportConnected(conversation: Conversation, output: Output): void {
  const { associationId, inboundStreams, outboundStreams } = conversation.status();
  const local = conversation.localAddresses().toString();
  const peer = conversation.peerAddresses().toString();
  output.report(
    { type: "connected", association: associationId, local, peer, inboundStreams, outboundStreams },
    () => `connected to ${peer} from ${local}, ${outboundStreams} streams out, ${inboundStreams} in`,
  );
}

/** Everything that an exchange of messages is about. */
interface Exchange {
  conversation: Conversation;
  /** What to send. */
  messages: AsyncIterable<Uint8Array>;
  /** How to send it. */
  send: SctpSendOptions;
  /** Whether the end of the messages is for the peer and the user to say, so that there is no too few. */
  isOpenEnded: boolean;
  /** How many messages to wait for. */
  wanted: number | undefined;
  output: Output;
  printer: EventPrinter;
  /** Ends the exchange. */
  stop: AbortController;
}

/**
 * Sends, receives, and ends the association.
 *
 * @throws The reason why not everything was sent and received.
 */
async function exchange({ conversation, messages, send, isOpenEnded, wanted, output, printer, stop }: Exchange) {
  let sent = 0;
  let received = 0;
  let isAllSent = isOpenEnded;
  let onEnough = () => {};
  const hasEnough = () => wanted !== undefined && received >= wanted;

  const following = conversation.follow(async (arrival) => {
    if (arrival instanceof MessageTooLargeError) printer.tooLarge(arrival);
    else if (arrival.type !== "message") printer.notification(arrival);
    else if (!hasEnough()) {
      received++;
      printer.message(arrival);
      if (hasEnough()) onEnough();
    }
    await output.ready(stop.signal);
  });
  following.then(
    () => stop.abort(new Error("the peer has ended the association")),
    (error) => stop.abort(error),
  );

  try {
    for await (const data of messages) {
      await conversation.send(data, { ...send, signal: stop.signal });
      sent++;
    }
    isAllSent = true;
    if (wanted !== undefined && !hasEnough()) await untilCalled((call) => onEnough = call, stop.signal);
  } catch (error) {
    if (!stop.signal.aborted) stop.abort(error);
  }
  const reason = stop.signal.reason;
  const isComplete = isAllSent && (wanted === undefined || hasEnough());

  const hasAgreed = await conversation.shutdown(stop.signal);
  const breakage = await following.then(() => undefined, (error) => ({ error }));
  conversation.close();
  output.report({ type: "end", sent, received }, () => `sent ${sent}, received ${received}`);
  if (breakage !== undefined) throw breakage.error;
  if (!isComplete) throw reason;
  if (!hasAgreed) throw new Error("the peer did not agree to the end of the association: messages may be lost");
}

/** Resolves when the function that it hands out is called, or by the signal. */
function untilCalled(handOut: (call: () => void) => void, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
    handOut(resolve);
  });
}

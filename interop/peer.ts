/**
 * The peer of ours, on nothing but the public API: it does and reports what the C peers do and report.
 *
 * Runs inside the matrix runner, and by itself: `deno run -A interop/peer.ts listen --local 127.0.0.1 --echo`.
 *
 * @module
 */

import { SystemError } from "@sockeye/sockeye";
import {
  SCTP_EVENT_NAMES,
  SctpAddress,
  SctpAssociation,
  SctpEndpoint,
  SctpListener,
  type SctpMessage,
  type SctpNotification,
  type SctpOpeningOptions,
  type SctpSendOptions,
} from "@sockeye/sockeye/sctp";
import { pattern } from "./messages.ts";
import { messageReport, notificationReport, upReport } from "./peer_reports.ts";
import type { Report } from "./reports.ts";
import { type PeerScript, scriptOf } from "./script.ts";

/** Where a peer tells what it does. */
export interface Observer {
  /** The local port: it is bound, and listens or has connected. */
  ready(port: number): void;
  report(report: Report): void;
}

/** What a link needs of its association, whichever class that is. */
interface Carrier {
  send(data: Uint8Array, options: SctpSendOptions): Promise<void>;
  shutdown(): Promise<void>;
  abort(reason: string): void;
  close(): void;
  up(): Report;
}

const DEFAULT_STREAMS = [10, 65535] as const;
/** Room for a message of 256 KiB. */
const SEND_BUFFER = 1 << 20;

/**
 * Runs a peer until its association has ended.
 *
 * @param script What to do.
 * @param observer Is told what happens.
 * @param signal Ends it at once.
 * @param finish Ends the association as the script says, gracefully if that is to wait for the other side.
 */
export async function runPeer(
  script: PeerScript,
  observer: Observer,
  signal: AbortSignal,
  finish: AbortSignal,
): Promise<void> {
  if (script.style === "many") await runEndpoint(script, observer, signal, finish);
  else if (script.role === "listen") await runListener(script, observer, signal, finish);
  else await runConnector(script, observer, signal, finish);
}

async function runEndpoint(script: PeerScript, observer: Observer, signal: AbortSignal, finish: AbortSignal) {
  const open = script.role === "listen" ? SctpEndpoint.listen : SctpEndpoint.bind;
  await using endpoint = open(localOf(script), optionsOf(script));
  using _stop = onAbort(signal, () => endpoint.close());
  const links = new Map<number, Link>();
  const linkOf = (id: number) => {
    let link = links.get(id);
    if (link === undefined) {
      const carrier: Carrier = {
        send: (data, options) => endpoint.send(data, { ...options, associationId: id }),
        shutdown: () => endpoint.shutdown(id),
        abort: (reason) => endpoint.abort(id, reason),
        close: () => endpoint.close(),
        up: () => upReport(endpoint.localAddresses(id), endpoint.peerAddresses(id), endpoint.status(id)),
      };
      links.set(id, link = new Link(script, carrier, observer, finish));
    }
    return link;
  };
  if (script.role === "connect") {
    const id = await endpoint.connect(peerOf(script), { signal });
    linkOf(id);
  }
  observer.ready(endpoint.localAddresses().port);
  for await (const event of endpoint) {
    if (event.type === "message") linkOf(event.associationId).onMessage(event);
    else if (event.type === "message-too-large") throw new Error("a message exceeded maxMessageSize");
    else if (event.type === "unknown") observer.report(notificationReport(event));
    else {
      if (event.type === "association" && event.state === "comm-up") linkOf(event.associationId);
      observer.report(notificationReport(event));
      const link = links.get(event.associationId);
      const end = endOf(event);
      if (link !== undefined && end !== undefined) return link.reportEnd(end);
    }
  }
  signal.throwIfAborted();
  for (const link of links.values()) link.reportEnd("close");
}

async function runListener(script: PeerScript, observer: Observer, signal: AbortSignal, finish: AbortSignal) {
  await using listener = SctpListener.listen(localOf(script), optionsOf(script));
  observer.ready(listener.localAddresses().port);
  const association = await listener.accept({ signal });
  await runAssociation(association, script, observer, signal, finish);
}

async function runConnector(script: PeerScript, observer: Observer, signal: AbortSignal, finish: AbortSignal) {
  const local = script.local === undefined && script.port === undefined ? undefined : localOf(script);
  const association = await SctpAssociation.connect(peerOf(script), { ...optionsOf(script), local, signal });
  observer.ready(association.localAddresses().port);
  await runAssociation(association, script, observer, signal, finish);
}

async function runAssociation(
  opened: SctpAssociation,
  script: PeerScript,
  observer: Observer,
  signal: AbortSignal,
  finish: AbortSignal,
) {
  await using association = opened;
  using _stop = onAbort(signal, () => association.close());
  const link = new Link(
    script,
    {
      send: (data, options) => association.send(data, options),
      shutdown: () => association.shutdown(),
      // The kernel carries no reason here.
      abort: () => association.abort(),
      close: () => association.close(),
      up: () => upReport(association.localAddresses(), association.peerAddresses(), association.status()),
    },
    observer,
    finish,
  );
  let end = "close";
  const notifications = (async () => {
    for await (const event of association.events()) {
      observer.report(notificationReport(event));
      end = endOf(event) ?? end;
    }
  })();
  let failure: unknown;
  try {
    for await (const message of association) link.onMessage(message);
  } catch (error) {
    failure = error;
  }
  await notifications;
  signal.throwIfAborted();
  // An association that is lost ends the messages with an error, and a notification says the same.
  if (failure !== undefined && end !== "SCTP_COMM_LOST") throw failure;
  link.reportEnd(end);
}

/** One association: what is still to be sent, what has come, and how it is to end. */
class Link {
  readonly #script: PeerScript;
  readonly #carrier: Carrier;
  readonly #observer: Observer;
  #sent = 0;
  #received = 0;
  #toSend = 0;
  #isEnding = false;
  #isFinishing = false;
  #howWeEnded: string | undefined;
  /** Sends go out one after the other; receiving does not wait for them. */
  #sending: Promise<void> = Promise.resolve();
  #answered = () => {};

  constructor(script: PeerScript, carrier: Carrier, observer: Observer, finish: AbortSignal) {
    this.#script = script;
    this.#carrier = carrier;
    this.#observer = observer;
    observer.report(upOrGone(carrier));
    for (const spec of script.sends ?? []) {
      for (let index = 0; index < (spec.count ?? 1); index++) {
        const { stream: streamId, ppid, unordered, context, size, seed = 0 } = spec;
        this.#queue({ streamId, ppid, unordered, context }, () => pattern(size, seed + index), script.window);
      }
    }
    const onFinish = () => {
      this.#isFinishing = true;
      this.#endIfDue();
    };
    if (finish.aborted) onFinish();
    else finish.addEventListener("abort", onFinish, { once: true });
    this.#endIfDue();
  }

  onMessage(message: SctpMessage): void {
    this.#observer.report(messageReport(message));
    this.#received++;
    this.#answered();
    const { data, streamId, ppid, unordered, context } = message;
    if (this.#script.echo) this.#queue({ streamId, ppid, unordered, context }, () => data);
    this.#endIfDue();
  }

  /** Says how the association ended, unless it was we who did something about it. */
  reportEnd(how: string): void {
    const told = how === "close" ? this.#howWeEnded ?? how : how;
    this.#observer.report({ type: "end", how: told, sent: this.#sent, received: this.#received });
  }

  #queue(options: SctpSendOptions, data: () => Uint8Array, window?: number): void {
    this.#toSend++;
    this.#sending = this.#sending.then(async () => {
      while (window !== undefined && this.#sent >= this.#received + window) {
        await new Promise<void>((resolve) => this.#answered = resolve);
      }
      await this.#carrier.send(data(), options);
      this.#sent++;
      this.#toSend--;
      this.#endIfDue();
    });
    // Whoever ends the association tells why; what was still to be sent then is of no interest.
    this.#sending.catch(() => {});
  }

  #endIfDue(): void {
    const { end = this.#script.role === "listen" ? "peer" : "shutdown", expect = 0, reason = "" } = this.#script;
    const isDue = this.#toSend === 0 && (this.#isFinishing || this.#received >= expect);
    if (!isDue || this.#isEnding || (end === "peer" && !this.#isFinishing)) return;
    this.#isEnding = true;
    switch (end) {
      case "peer":
      case "shutdown":
        this.#carrier.shutdown().catch(() => {});
        break;
      case "abort":
        this.#howWeEnded = "abort";
        this.#carrier.abort(reason);
        break;
      case "close":
        this.#carrier.close();
        break;
    }
  }
}

/** A peer that sends and leaves at once may be gone before its first notification is read. */
function upOrGone(carrier: Carrier): Report {
  try {
    return carrier.up();
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    return { type: "up", local: [], peer: [] };
  }
}

function optionsOf(script: PeerScript): SctpOpeningOptions {
  const [numOstreams, maxInstreams] = script.streams ?? DEFAULT_STREAMS;
  const isV6 = [...script.local ?? [], ...script.peer ?? []].some((address) => address.includes(":"));
  return {
    events: SCTP_EVENT_NAMES,
    initmsg: { numOstreams, maxInstreams },
    sendBufferSize: SEND_BUFFER,
    receiveBufferSize: SEND_BUFFER,
    receiveNextInfo: true,
    nodelay: script.nodelay,
    ...(isV6 && { v4Mapped: false }),
    ...(script.encapPort !== undefined && { remoteUdpEncapsPort: script.encapPort }),
    ...(script.adaptation !== undefined && { adaptationIndication: script.adaptation }),
    ...(script.reconfig &&
      { reconfigSupported: true, streamReset: { streams: true, association: true, addStreams: true } }),
  };
}

function localOf({ local, port = 0, role, peer }: PeerScript): SctpAddress {
  const wildcard = peer?.some((address) => address.includes(":")) ? "::" : "0.0.0.0";
  return new SctpAddress(local ?? (role === "listen" ? ["127.0.0.1"] : [wildcard]), port);
}

function peerOf({ peer = ["127.0.0.1"], peerPort = 0 }: PeerScript): SctpAddress {
  return new SctpAddress(peer, peerPort);
}

/** What a notification says of the association's end, if it is its last. */
function endOf(event: SctpNotification): string | undefined {
  if (event.type !== "association" || event.state === "comm-up" || event.state === "restart") return undefined;
  return notificationReport(event).state;
}

function onAbort(signal: AbortSignal, action: () => void): Disposable {
  if (signal.aborted) action();
  else signal.addEventListener("abort", action, { once: true });
  return { [Symbol.dispose]: () => signal.removeEventListener("abort", action) };
}

if (import.meta.main) {
  const finish = new AbortController();
  Deno.addSignalListener("SIGTERM", () => finish.abort());
  await runPeer(
    scriptOf(Deno.args),
    {
      ready: (port) => console.log(`ready ${port}`),
      report: (report) => console.log(JSON.stringify(report)),
    },
    new AbortController().signal,
    finish.signal,
  );
  Deno.exit();
}

/**
 * Sends datagrams, and prints what comes back: what `udp send`, `unixgram send` and `ip send` have in common.
 *
 * @module
 */

import { MessageTooLargeError } from "@sockeye/sockeye";
import type { Datagram, PacketError, SendOptions, SocketAddress } from "@sockeye/sockeye/qos";
import { setTimeout as sleep } from "node:timers/promises";
import type { OptionValues } from "../option.ts";
import type { Output } from "../output.ts";
import type { ArrivalPrinter } from "./reports.ts";
import { isOpenEnded, type sendOptions } from "./send_options.ts";

/** What sending needs of a socket; the three kinds have it. */
export interface SendingSocket {
  /** Sends one datagram. */
  send(data: Uint8Array, to: SocketAddress, options: SendOptions & { signal: AbortSignal }): Promise<void>;
  /** Waits for a datagram. */
  receive(options: { signal: AbortSignal }): Promise<Datagram>;
  /** Waits for a datagram or an error. */
  receive(options: { errors: true; signal: AbortSignal }): Promise<Datagram | PacketError>;
  /** The next error that has come already. */
  tryError(): PacketError | undefined;
  /** Closes it. */
  close(): void;
}

/** Everything that an exchange of datagrams is about. */
export interface ExchangeOptions {
  /** The socket; it is closed in the end. */
  readonly socket: SendingSocket;
  /** Whom to send to. */
  readonly to: SocketAddress;
  /** What to send. */
  readonly messages: AsyncIterable<Uint8Array>;
  /** How to send each. */
  readonly packet: SendOptions;
  /** How often, how fast, and what to wait for. */
  readonly options: OptionValues<typeof sendOptions>;
  /** Whether to wait for errors. */
  readonly hasErrors: boolean;
  readonly output: Output;
  readonly printer: ArrivalPrinter;
  /** Ends it all. */
  readonly signal: AbortSignal;
}

/**
 * Sends everything, and waits for what comes of it.
 *
 * @throws The reason why not everything was sent, or came.
 */
export async function exchange(options: ExchangeOptions): Promise<void> {
  const { signal } = options;
  const one = new Exchange(options);
  const interrupt = () => one.stop(signal.reason);
  signal.addEventListener("abort", interrupt);
  try {
    if (signal.aborted) interrupt();
    await one.run();
  } finally {
    signal.removeEventListener("abort", interrupt);
    options.socket.close();
  }
}

class Exchange {
  readonly #options: ExchangeOptions;
  readonly #stop = new AbortController();
  #sent = 0;
  #received = 0;
  #errors = 0;
  #isAllSent = false;
  /** What broke, if something did. */
  #failure: { error: unknown } | undefined;

  constructor(options: ExchangeOptions) {
    this.#options = options;
  }

  /** Ends the waiting. */
  stop(reason: unknown): void {
    this.#stop.abort(reason);
  }

  async run(): Promise<void> {
    const { hasErrors, options } = this.#options;
    const following = options.receive !== undefined || hasErrors ? this.#settled(this.#follow()) : undefined;
    await this.#settled(this.#sendAll());
    const timer = setTimeout(() => this.stop(new Error(this.#tooLate())), options.wait);
    if (this.#isDone()) this.stop(undefined);
    await following;
    clearTimeout(timer);
    this.#takeRemainingErrors();
    this.#reportEnd();
    if (this.#failure !== undefined) throw this.#failure.error;
    if (!(this.#isAllSent || isOpenEnded(options)) || !this.#hasEnough()) throw this.#stop.signal.reason;
  }

  /** Where one of the two breaks, the other ends. */
  async #settled(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#failure = { error };
      this.stop(error);
    }
  }

  async #sendAll(): Promise<void> {
    const { socket, to, messages, packet, options: { interval }, hasErrors } = this.#options;
    const { signal } = this.#stop;
    for await (const data of messages) {
      if (interval !== undefined && this.#sent > 0) await sleep(interval, undefined, { signal });
      signal.throwIfAborted();
      const label = hasErrors ? this.#sent + 1 : undefined;
      await socket.send(data, to, { ...packet, label, signal }).catch((error) => {
        throw packet.dontFragment ? explained(error, data.length, packet.dontFragment) : error;
      });
      this.#sent++;
    }
    this.#isAllSent = !this.#stop.signal.aborted;
  }

  async #follow(): Promise<void> {
    const { socket, hasErrors, output } = this.#options;
    const { signal } = this.#stop;
    while (!this.#isDone()) {
      const arriving = hasErrors ? socket.receive({ errors: true, signal }) : socket.receive({ signal });
      this.#take(await arriving.catch(tooLargeOrThrow));
      await output.ready(signal);
    }
  }

  #take(arrival: Datagram | PacketError | MessageTooLargeError): void {
    const { printer, options } = this.#options;
    if (arrival instanceof MessageTooLargeError) printer.tooLarge(arrival);
    else if (arrival.kind === "error") {
      const message = typeof arrival.label === "number" ? arrival.label : undefined;
      this.#errors++;
      printer.error(arrival, message);
    } else if (options.receive !== undefined && !this.#hasEnough()) {
      this.#received++;
      printer.datagram(arrival);
    }
  }

  /** An error of this machine's own comes with the failure of the send that it is about. */
  #takeRemainingErrors(): void {
    const { socket, hasErrors } = this.#options;
    if (!hasErrors) return;
    for (let error = socket.tryError(); error !== undefined; error = socket.tryError()) this.#take(error);
  }

  #hasEnough(): boolean {
    return this.#received >= (this.#options.options.receive ?? 0);
  }

  /** Whether nothing is left to wait for: each datagram has one error at most, as a rule. */
  #isDone(): boolean {
    return this.#isAllSent && this.#hasEnough() && (!this.#options.hasErrors || this.#errors >= this.#sent);
  }

  #tooLate(): string {
    const { receive, wait } = this.#options.options;
    return `${this.#received} of ${receive} datagrams came within ${wait / 1_000} s; --wait allows for more time`;
  }

  #reportEnd(): void {
    const counts = { sent: this.#sent, received: this.#received };
    const all = this.#options.hasErrors ? { ...counts, errors: this.#errors } : counts;
    this.#options.output.report(
      { type: "end", ...all },
      () => Object.entries(all).map(([name, count]) => `${name} ${count}`).join(", "),
    );
  }
}

function tooLargeOrThrow(error: unknown): MessageTooLargeError {
  if (error instanceof MessageTooLargeError) return error;
  throw error;
}

/** With DF a datagram may be too large for the path, and not for the socket. */
function explained(error: unknown, length: number, dontFragment: true | "probe"): unknown {
  if (!(error instanceof MessageTooLargeError)) return error;
  const [limit, otherwise] = dontFragment === "probe"
    ? ["this machine's own link", ""]
    : ["the path as this machine knows it", ", or with --df=probe"];
  return new Error(
    `${length} bytes with their headers are more than a packet, or ${limit}, carries in one piece: ` +
      `send less${otherwise}; sockeye pmtu tells what fits`,
    { cause: error },
  );
}

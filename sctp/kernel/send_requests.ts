/**
 * From the options of a send to what `sendmsg` takes: a destination and control messages.
 *
 * It keeps the defaults of a socket's associations, and the control messages of the last send: most sends in a row say
 * the same.
 *
 * @module
 */

import { ArgumentError, UnsupportedError } from "../../common/errors.ts";
import type { SendOptions, WaitOptions } from "../../ffi/mod.ts";
import { SctpAddress } from "../address.ts";
import type {
  SctpEndpointSendOptions,
  SctpPartialReliability,
  SctpSendInfo,
  SctpTransportAddress,
} from "../message.ts";
import { transportAddressOf } from "../transport_address.ts";
import { encodeSendControl, type SendDefaults } from "./control.ts";

/** How the kernel takes destinations, which depends on how a socket came to be. */
export type SocketOrigin = "one-to-many" | "one-to-one" | "peeled-off";

/** A peer by its addresses. */
interface Destination {
  readonly given: SctpEndpointSendOptions["to"];
  readonly first: SctpTransportAddress;
  readonly further: readonly SctpTransportAddress[];
}

/** What the control messages of a plain send are made of. */
interface PlainControl {
  readonly streamId: number | undefined;
  readonly ppid: number | undefined;
  readonly unordered: boolean | undefined;
  readonly context: number | undefined;
  readonly sackImmediately: boolean | undefined;
  readonly associationId: number | undefined;
  readonly request: SendOptions;
}

const NO_ADDRESSES: readonly SctpTransportAddress[] = [];

/** Room for control messages, each way; enough for a new peer with a dozen addresses. */
export const SEND_CONTROL_BYTES = 512;

/** Makes the requests of one socket. */
export class SendRequests {
  readonly #origin: SocketOrigin;
  readonly #peerPort: () => number;
  #defaults: SendDefaults;
  readonly #defaultsOf = new Map<number, SendDefaults>();
  #last: PlainControl | undefined;
  #destination: Destination | undefined;

  /**
   * @param origin What kind of socket it is.
   * @param defaults What sends fill in.
   * @param peerPort The port of its only peer.
   */
  constructor(origin: SocketOrigin, defaults: SendDefaults, peerPort: () => number) {
    this.#origin = origin;
    this.#defaults = defaults;
    this.#peerPort = peerPort;
  }

  /**
   * What to hand to the message socket.
   *
   * @throws {AddressError} A destination has another form.
   * @throws {ArgumentError} An option is out of range.
   * @throws {UnsupportedError} The kernel can't do it on this kind of socket.
   */
  request(options: SctpEndpointSendOptions): SendOptions & WaitOptions {
    const request = isPlain(options) ? this.#plain(options) : this.#special(options);
    const { signal, timeout } = options;
    return signal === undefined && timeout === undefined ? request : { ...request, signal, timeout };
  }

  /** The addresses that are meant by `to`. */
  destination(to: NonNullable<SctpEndpointSendOptions["to"]>): Destination {
    if (this.#destination?.given === to) return this.#destination;
    let addresses: SctpTransportAddress[];
    if (typeof to === "string") addresses = SctpAddress.parse(to).toSocketAddresses();
    else if (to instanceof SctpAddress) addresses = to.toSocketAddresses();
    else return { given: to, first: to, further: NO_ADDRESSES };
    const [first, ...further] = addresses;
    return this.#destination = { given: to, first: Object.freeze(first), further };
  }

  /** The defaults of an association, or with 0 those of the associations to come. */
  defaultsOf(associationId: number): SendDefaults {
    return (associationId === 0 ? undefined : this.#defaultsOf.get(associationId)) ?? this.#defaults;
  }

  /**
   * Records what was set as default.
   *
   * @param associationIds Those that there are.
   * @param scope One association, or `"future"`, `"current"`, `"all"`; RFC 6458 section 7.2.
   */
  setDefaults(
    change: { sendInfo?: SctpSendInfo; partialReliability?: SctpPartialReliability | null },
    scope: number | "future" | "current" | "all",
    associationIds: () => readonly number[],
  ): void {
    this.#last = undefined;
    if (this.#origin !== "one-to-many" || scope === 0) {
      this.#defaults = { ...this.#defaults, ...change };
      return;
    }
    const affected = scope === "current" || scope === "all";
    const ids = typeof scope === "number" ? [scope] : associationIds();
    // Associations that there are keep what they began with, unless they are meant.
    for (const id of ids) {
      const before = this.defaultsOf(id);
      this.#defaultsOf.set(id, affected || typeof scope === "number" ? { ...before, ...change } : before);
    }
    if (scope === "future" || scope === "all") this.#defaults = { ...this.#defaults, ...change };
  }

  /** An association has ended. */
  forget(associationId: number): void {
    this.#defaultsOf.delete(associationId);
    this.#last = undefined;
  }

  #plain(options: SctpEndpointSendOptions): SendOptions {
    const last = this.#last;
    if (
      last !== undefined && last.streamId === options.streamId && last.ppid === options.ppid &&
      last.unordered === options.unordered && last.context === options.context &&
      last.sackImmediately === options.sackImmediately && last.associationId === options.associationId
    ) return last.request;
    const { streamId, ppid, unordered, context, sackImmediately, associationId } = options;
    const request = { control: this.#control(options, associationId ?? 0, NO_ADDRESSES) };
    this.#last = { streamId, ppid, unordered, context, sackImmediately, associationId, request };
    return request;
  }

  #special(options: SctpEndpointSendOptions): SendOptions {
    const { to, addressOverride, associationId = 0 } = options;
    if (addressOverride !== undefined) {
      if (this.#origin === "peeled-off") {
        throw new UnsupportedError(
          "the kernel ignores the address of a message on a peeled-off association: set `options.primaryAddress`, " +
            "or send on the endpoint",
        );
      }
      const first = transportAddressOf(addressOverride, this.#peerPort);
      return { to: first, control: this.#control(options, associationId, NO_ADDRESSES) };
    }
    if (to === undefined) return { control: this.#control(options, associationId, NO_ADDRESSES) };
    const { first, further } = this.destination(to);
    return { to: first, control: this.#control(options, 0, further) };
  }

  #control(
    options: SctpEndpointSendOptions,
    associationId: number,
    further: readonly SctpTransportAddress[],
  ): Uint8Array {
    const control = encodeSendControl(options, associationId, this.defaultsOf(associationId), further);
    if (control.length <= SEND_CONTROL_BYTES) return control;
    throw new ArgumentError("options.to", `has ${further.length + 1} addresses, too many for a send: use \`connect\``);
  }
}

function isPlain(options: SctpEndpointSendOptions): boolean {
  return !options.eof && !options.abort && !options.sendAll && options.to === undefined &&
    options.addressOverride === undefined &&
    options.partialReliability === undefined && options.authKeyId === undefined && options.initmsg === undefined;
}

/**
 * Refuses what the kernel would take for something else.
 *
 * @throws {ArgumentError} The message is empty.
 */
export function requireBytes(data: Uint8Array): void {
  if (data.length === 0) {
    throw new ArgumentError("data", "must have at least one byte: SCTP has no empty messages (RFC 9260 section 3.3.1)");
  }
}

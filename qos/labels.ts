/**
 * Which packet an error is about: labelled packets, found by their destination and by what was quoted of them.
 *
 * An ICMP error returns the beginning of the packet that caused it: at least 8 bytes behind the IP header (RFC 792),
 * which of a UDP datagram is no payload at all, mostly as much as fits 576 bytes (RFC 1812 section 4.3.2.3) or, over
 * IPv6, 1280 (RFC 4443 section 2.4). In front of extensions it is padded with zeros to 128 bytes (RFC 4884 section 3).
 * Nothing here knows of sockets or ICMP.
 *
 * @module
 */

import { ArgumentError } from "../common/errors.ts";
import { formatIPv6, parseIPv6 } from "../ffi/ip.ts";
import type { Inet6Address, InetAddress, SocketAddress } from "../ffi/sockaddr.ts";
import { addPacket, findPayloads, type PacketBytes, PayloadNode, prune } from "./payload_tree.ts";

/** How many packets are remembered unless their number is chosen. */
const DEFAULT_LABELLED_PACKETS = 65536;
/**
 * How many bytes of a payload are remembered: what RFC 4884 has routers quote, which is more than those do that quote
 * little. Packets that differ only behind them can't be told apart.
 */
export const REMEMBERED_BYTES = 128;
/** How many packets are looked at one by one for an error, at most; where more look the same, none is certain. */
export const LOOKED_AT = 256;

const NO_CANDIDATES: readonly unknown[] = Object.freeze([]);
/** What {@linkcode Labels.match} gives where no packet fits. */
export const NO_MATCH: Match = Object.freeze({ label: undefined, candidates: NO_CANDIDATES, length: undefined });
/** Addresses whose canonical form is kept at hand. */
const CANONICAL_FORMS = 4096;

/** How packets are told apart. */
export interface LabelsOptions {
  /** How many packets are remembered; with one more, the oldest is forgotten. @default {65536} */
  limit?: number;
  /** Where in payloads two bytes are that the kernel writes: the checksum of raw IPv6 sockets. @default {-1} */
  checksumOffset?: number;
}

/** What an error tells of the packet that caused it. */
export interface Quote {
  /** Where the packet was to go. */
  readonly destination: SocketAddress;
  /** Whether the port is not known. @default {false} */
  readonly isPortUnknown?: boolean;
  /** What came back of the payload; zeros behind its end are padding. */
  readonly data: Uint8Array;
  /** Whether nothing of the payload is missing. @default {false} */
  readonly isWhole?: boolean;
  /** The payload was longer than this many bytes. @default {-1} */
  readonly longerThan?: number;
  /** What is remembered beside the payload, unless it is 0. @default {0} */
  readonly tag?: number;
}

/** The packet that was meant. */
export interface Match {
  /** The label of all packets that it can be; `undefined` if they have several, or none. */
  readonly label: unknown;
  /** The labels of the packets that it can be, in the order in which they were last sent, if they have several. */
  readonly candidates: readonly unknown[];
  /** How many bytes of what came back are payload; `undefined` where the packets that it can be disagree. */
  readonly length: number | undefined;
}

/** A tree of payloads for one address and port. */
class Destination extends PayloadNode {
  constructor(readonly address: string, readonly port: number) {
    super(undefined, 0);
  }
}

/**
 * The last packets that were sent, and the labels that they carry.
 *
 * Every packet of a socket belongs here, also one without a label (its label is `undefined` then): a label is certain
 * only if no other packet can be meant.
 */
export class Labels implements PacketBytes {
  /** The number of the oldest packet that is remembered; as many were forgotten. */
  oldest = 0;
  /** What is remembered of payloads. */
  bytes: Uint8Array = new Uint8Array(0);

  readonly #limit: number;
  readonly #checksumOffset: number;
  readonly #hosts = new Map<string, Map<number, Destination>>();
  readonly #canonical = new Map<string, string>();
  #next = 0;
  #capacity = 0;
  /** By slot: number modulo limit. */
  readonly #labels: unknown[] = [];
  readonly #ends: (PayloadNode | undefined)[] = [];
  readonly #destinations: (Destination | undefined)[] = [];
  readonly #lengths: number[] = [];
  readonly #tags: number[] = [];
  /** The packet before, at the same node. */
  readonly #previous: number[] = [];
  /** The destination of the last packet, for senders that have but one. */
  #lastAddress: SocketAddress | undefined;
  #lastDestination: Destination | undefined;

  /**
   * Makes an empty memory; it grows with what is put into it.
   *
   * @throws {ArgumentError} if the limit is not an integer from 1 to 2^24.
   */
  constructor({ limit = DEFAULT_LABELLED_PACKETS, checksumOffset = -1 }: LabelsOptions = {}) {
    if (!(Number.isInteger(limit) && limit >= 1 && limit <= 0x1000000)) {
      throw new ArgumentError("options.limit", `must be an integer from 1 to ${0x1000000}, got ${limit}`);
    }
    this.#limit = limit;
    this.#checksumOffset = checksumOffset;
  }

  /** How many packets are remembered. */
  get size(): number {
    return this.#next - this.oldest;
  }

  /** How many packets are not remembered any more. */
  get forgotten(): number {
    return this.oldest;
  }

  /**
   * Remembers a packet.
   *
   * @param label What the packet is known by; `undefined` for a packet without a label.
   * @param destination Where it goes. A frozen one that comes again and again is looked up only once.
   * @param data What is sent; copied, as far as it is remembered.
   * @param tag What it can be told apart by beside, an integer; 0 for nothing. @default {0}
   * @throws {ArgumentError} if the destination is no IP address.
   */
  register(label: unknown, destination: SocketAddress, data: Uint8Array, tag = 0): void {
    if (destination.family === "unix") throw new ArgumentError("destination", "must be an IP address");
    if (this.size === this.#limit) this.#forget();
    else if (this.#next === this.#capacity) this.#grow();
    const packet = this.#next++;
    const slot = packet % this.#limit;
    const length = Math.min(data.length, REMEMBERED_BYTES);
    this.#copy(data, length, slot * REMEMBERED_BYTES);
    this.#labels[slot] = label;
    this.#lengths[slot] = data.length;
    this.#tags[slot] = tag;
    const root = this.#destinations[slot] = this.#destinationOf(destination);
    const end = this.#ends[slot] = addPacket(root, this, packet, length, label);
    this.#previous[slot] = end.last;
    end.last = packet;
    end.count++;
  }

  /** The packet that an error is about. */
  match(quote: Quote): Match {
    if (quote.destination.family === "unix") return NO_MATCH;
    const ports = this.#hosts.get(this.#addressOf(quote.destination));
    if (ports === undefined) return NO_MATCH;
    const search = new Search(this, this.#quoted(quote));
    const root = ports.get(quote.destination.port);
    if (quote.isPortUnknown) search.visitTrees(ports.values());
    else if (root !== undefined) search.visitTrees([root]);
    return search.result();
  }

  /** Where a packet's payload begins. */
  offsetOf(packet: number): number {
    return packet % this.#limit * REMEMBERED_BYTES;
  }

  /** A packet's label. */
  labelOf(packet: number): unknown {
    return this.#labels[packet % this.#limit];
  }

  /** How many bytes a packet's payload has, remembered or not. */
  lengthOf(packet: number): number {
    return this.#lengths[packet % this.#limit];
  }

  /** A packet's tag. */
  tagOf(packet: number): number {
    return this.#tags[packet % this.#limit];
  }

  /** The packet before, with the same beginning; older than the oldest if there is none. */
  previousOf(packet: number): number {
    return this.#previous[packet % this.#limit];
  }

  #copy(data: Uint8Array, length: number, start: number): void {
    // Small ones are faster without the view that `set` needs.
    if (length === data.length && length > 16) this.bytes.set(data, start);
    else if (length > 32) this.bytes.set(data.subarray(0, length), start);
    else for (let i = 0; i < length; i++) this.bytes[start + i] = data[i];
    const checksum = this.#checksumOffset;
    if (checksum < 0) return;
    for (let i = checksum; i < Math.min(checksum + 2, length); i++) this.bytes[start + i] = 0;
  }

  /** The quotation as it would be remembered. */
  #quoted(quote: Quote): Quote {
    const checksum = this.#checksumOffset;
    if (checksum < 0 || quote.data.length <= checksum) return quote;
    const data = quote.data.slice();
    data.fill(0, checksum, checksum + 2);
    return { ...quote, data };
  }

  /** Until the limit is reached nothing is forgotten, so that what there is lies at the beginning. */
  #grow(): void {
    this.#capacity = Math.min(this.#limit, Math.max(64, this.#capacity * 2));
    const bytes = new Uint8Array(this.#capacity * REMEMBERED_BYTES);
    bytes.set(this.bytes);
    this.bytes = bytes;
  }

  #forget(): void {
    const slot = this.oldest++ % this.#limit;
    const end = this.#ends[slot]!;
    const root = this.#destinations[slot]!;
    this.#labels[slot] = this.#ends[slot] = this.#destinations[slot] = undefined;
    if (--end.count > 0) return;
    prune(end, this.bytes, slot * REMEMBERED_BYTES);
    if (root.count > 0 || (root.children?.size ?? 0) > 0) return;
    const ports = this.#hosts.get(root.address)!;
    ports.delete(root.port);
    if (ports.size === 0) this.#hosts.delete(root.address);
    if (this.#lastDestination === root) this.#lastAddress = this.#lastDestination = undefined;
  }

  #destinationOf(destination: InetAddress | Inet6Address): Destination {
    if (destination === this.#lastAddress) return this.#lastDestination!;
    const address = this.#addressOf(destination);
    let ports = this.#hosts.get(address);
    if (ports === undefined) this.#hosts.set(address, ports = new Map());
    let root = ports.get(destination.port);
    if (root === undefined) ports.set(destination.port, root = new Destination(address, destination.port));
    if (Object.isFrozen(destination)) {
      this.#lastAddress = destination;
      this.#lastDestination = root;
    }
    return root;
  }

  /** One text for each address; an IPv4-mapped one is the IPv4 address. Scopes are not told apart. */
  #addressOf(destination: InetAddress | Inet6Address): string {
    if (destination.family === "inet") return destination.address;
    let address = this.#canonical.get(destination.address);
    if (address === undefined) {
      const bytes = parseIPv6(destination.address);
      address = bytes === undefined ? destination.address : formatIPv6(bytes).replace(/^::ffff:(?=.*\.)/, "");
      if (this.#canonical.size >= CANONICAL_FORMS) this.#canonical.clear();
      this.#canonical.set(destination.address, address);
    }
    return address;
  }
}

/** The packets that a quotation can be of. */
class Search {
  readonly #labels: Labels;
  readonly #quote: Quote;
  /** How many bytes of the quotation are more than padding, if it is any. */
  readonly #significant: number;
  /** Whether what is below a node has to be looked at packet by packet. */
  readonly #isPicky: boolean;
  readonly #found: number[] = [];
  /** How many bytes of the quotation are payload; -1 before there is a packet, `undefined` if they disagree. */
  #length: number | undefined = -1;
  #left = LOOKED_AT;
  /** Packets were not looked at, and they may have other labels. */
  #isOpen = false;
  readonly #passing = (node: PayloadNode): void => {
    if (node.depth >= this.#significant) this.#visitEnding(node);
  };

  constructor(labels: Labels, quote: Quote) {
    this.#labels = labels;
    this.#quote = quote;
    const { data, isWhole = false, longerThan = -1, tag = 0 } = quote;
    let significant = data.length;
    while (significant > 0 && data[significant - 1] === 0) significant--;
    this.#significant = significant;
    this.#isPicky = data.length > REMEMBERED_BYTES || isWhole || longerThan >= 0 || tag !== 0;
  }

  visitTrees(roots: Iterable<PayloadNode>): void {
    const { data } = this.#quote;
    const quoted = Math.min(data.length, REMEMBERED_BYTES);
    for (const root of roots) {
      if (this.#isSpent()) return;
      const node = findPayloads(root, this.#labels, data, quoted, this.#passing);
      if (node !== undefined) this.#visit(node);
    }
  }

  result(): Match {
    if (this.#found.length === 0) return NO_MATCH;
    // Of packets that carry one label only the newest has been looked at for certain, so that is what gives the order.
    const labels = new Set(this.#found.sort((a, b) => b - a).map((packet) => this.#labels.labelOf(packet)));
    const length = this.#left < 0 ? undefined : this.#length;
    if (labels.size === 1 && !this.#isOpen) {
      const [label] = labels;
      return { label, candidates: NO_CANDIDATES, length };
    }
    labels.delete(undefined);
    return { label: undefined, candidates: [...labels].reverse(), length };
  }

  /** Everything at and below a node, which is as deep as the quotation or deeper. */
  #visit(node: PayloadNode): void {
    // What lies deeper goes on behind the end.
    if (this.#quote.isWhole && node.depth > this.#quote.data.length) return;
    const isUniform = node.isUniform(this.#labels.oldest);
    if (isUniform && !this.#isPicky) {
      if (this.#mayLook()) this.#add(node.newest, this.#quote.data.length);
      return;
    }
    const foundBefore = this.#found.length;
    const wasOpen = this.#isOpen;
    if (node.count > 0) this.#visitEnding(node);
    if (node.children !== undefined) {
      for (const child of node.children.values()) {
        if (this.#isSpent()) break;
        this.#visit(child);
      }
    }
    // Those that were not looked at carry the label of the one that fits.
    if (isUniform && this.#found.length > foundBefore) this.#isOpen = wasOpen;
  }

  /** The packets whose remembered payload ends at a node. */
  #visitEnding(node: PayloadNode): void {
    const { oldest } = this.#labels;
    for (let packet = node.last; packet >= oldest && this.#mayLook(); packet = this.#labels.previousOf(packet)) {
      if (this.#fits(packet)) this.#add(packet, Math.min(this.#labels.lengthOf(packet), this.#quote.data.length));
    }
  }

  /** Counts the packets that are looked at. */
  #mayLook(): boolean {
    if (--this.#left >= 0) return true;
    this.#isOpen = true;
    return false;
  }

  /** Whether what comes next can't be looked at any more. */
  #isSpent(): boolean {
    if (this.#left >= 0) return false;
    this.#isOpen = true;
    return true;
  }

  #fits(packet: number): boolean {
    const { data, isWhole, longerThan = -1, tag = 0 } = this.#quote;
    const length = this.#labels.lengthOf(packet);
    const itsTag = this.#labels.tagOf(packet);
    if (isWhole && length > data.length) return false;
    return length >= this.#significant && length > longerThan && (tag === 0 || itsTag === 0 || itsTag === tag);
  }

  #add(packet: number, length: number): void {
    this.#found.push(packet);
    if (this.#length === -1) this.#length = length;
    else if (this.#length !== length) this.#length = undefined;
  }
}

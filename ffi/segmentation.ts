/**
 * UDP segmentation offload: several datagrams that the kernel cuts out of one message, and such a message cut up again,
 * `UDP_SEGMENT` and `UDP_GRO` in udp(7).
 *
 * It knows what the kernel takes and tells. It needs to know nothing of queues: {@linkcode SendBatch} gathers, and
 * {@linkcode ReceiveQueue} splits.
 *
 * @module
 */

import { readInt32, writeInt32 } from "./bytes.ts";
import { CMSGHDR, CMSGHDR_SIZE, controlSpace, findControlMessage } from "./cmsg.ts";
import { IPPROTO_UDP, UDP_GRO, UDP_SEGMENT } from "./constants.ts";
import { ERRNO } from "./errno.ts";
import { getsockopt, setsockopt } from "./syscalls.ts";

/** The most segments that every kernel with UDP_SEGMENT takes in one message: UDP_MAX_SEGMENTS of Linux 4.18. */
export const MAX_SEGMENTS = 64;
/** The most bytes in one message: the largest UDP payload in an IPv4 packet. */
export const MAX_SEGMENTED_BYTES = 65507;
/** The most bytes that arrive in one coalesced message. */
export const MAX_COALESCED_BYTES = 65535;
/** What the `UDP_SEGMENT` control message takes behind others. */
export const SEGMENT_CONTROL_BYTES: number = controlSpace(2);
/**
 * Room for what else the kernel reports in front of `UDP_GRO`, which must not be cut off: timestamps, marks and counters,
 * socket(7).
 */
export const COALESCED_CONTROL_BYTES = 256;

/** Every IPv4 path takes a packet of this many bytes whole, RFC 791; whoever refuses a segment in it refuses all. */
const SMALLEST_MTU = 576;
/** More than what stands in front of a datagram: IPv6 header, UDP header, extension headers. */
const HEADER_BYTES = 128;

const SEGMENT_CONTROL = new Uint8Array(SEGMENT_CONTROL_BYTES);
writeInt32(SEGMENT_CONTROL, CMSGHDR.cmsg_len, CMSGHDR_SIZE + 2);
writeInt32(SEGMENT_CONTROL, CMSGHDR.cmsg_level, IPPROTO_UDP);
writeInt32(SEGMENT_CONTROL, CMSGHDR.cmsg_type, UDP_SEGMENT);

const scratch = new Uint8Array(4);

/** Which messages of one socket are worth gathering. */
export class Segmentation {
  /** The largest segment that the kernel has not refused, in bytes; 0 when it takes none. */
  largest: number = MAX_SEGMENTED_BYTES;

  /** Nothing is gathered any more, whatever the kernel takes. */
  #isStopped = false;
  /** The last refusal, and what was thought before. */
  #errno = 0;
  #before = 0;

  /**
   * Whether a socket knows it at all: a kernel that doesn't would ignore the control message, and send one datagram.
   *
   * @param fd Any socket.
   */
  static isKnownTo(fd: number): boolean {
    try {
      getsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, scratch);
      return true;
    } catch {
      return false;
    }
  }

  /**
   * Learns that the kernel refused messages that were gathered.
   *
   * @param errno What it said.
   * @param segmentBytes The size of the segments.
   * @returns True when they are to be sent one by one, which tells whether anything is wrong with themselves.
   */
  refused(errno: number, segmentBytes: number): boolean {
    // A segment that exceeds the path's MTU is EINVAL, in newer kernels EMSGSIZE: alone it may still be fragmented. A path
    // through IPsec is EIO.
    if (errno !== ERRNO.EINVAL && errno !== ERRNO.EMSGSIZE && errno !== ERRNO.EIO) return false;
    const isHopeless = errno === ERRNO.EIO || segmentBytes <= SMALLEST_MTU - HEADER_BYTES;
    this.#before = this.largest;
    this.#errno = errno;
    this.largest = isHopeless ? 0 : Math.min(this.largest, segmentBytes - 1);
    return true;
  }

  /** Learns that the kernel refused a message alone: if it did the same before, that was not for being gathered. */
  refusedAlone(errno: number): void {
    if (errno === this.#errno && !this.#isStopped) this.largest = this.#before;
    this.#errno = 0;
  }

  /** Has each message sent by itself from now on. */
  stop(): void {
    this.#isStopped = true;
    this.largest = 0;
  }
}

/**
 * Writes the control message that has the kernel cut a message.
 *
 * @param target Where to write; zeros between the message's own control messages and `offset`.
 * @param offset Where it begins, a multiple of 8.
 * @param segmentBytes The size of each segment; the last may be shorter.
 */
export function writeSegmentControl(target: Uint8Array, offset: number, segmentBytes: number): void {
  target.set(SEGMENT_CONTROL, offset);
  target[offset + CMSGHDR_SIZE] = segmentBytes;
  target[offset + CMSGHDR_SIZE + 1] = segmentBytes >> 8;
}

/** Whether somebody cuts messages with these control messages already. */
export function hasSegmentControl(control: Uint8Array): boolean {
  return findControlMessage(control, IPPROTO_UDP, UDP_SEGMENT) !== undefined;
}

/**
 * Has the kernel coalesce what arrives.
 *
 * @param fd Any socket.
 * @returns False when it can't.
 */
export function coalesce(fd: number): boolean {
  try {
    setsockopt(fd, IPPROTO_UDP, UDP_GRO, 1);
    return true;
  } catch {
    return false;
  }
}

/** The size of the datagrams in a message that was received; 0 when it is one datagram. */
export function coalescedSize(control: Uint8Array): number {
  const size = findControlMessage(control, IPPROTO_UDP, UDP_GRO);
  return size === undefined || size.length < 4 ? 0 : Math.max(0, readInt32(size, 0));
}

/** A copy of control messages without the one that tells the size of coalesced datagrams. */
export function withoutCoalescedSize(control: Uint8Array): Uint8Array {
  const size = findControlMessage(control, IPPROTO_UDP, UDP_GRO);
  if (size === undefined) return control.slice();
  const start = size.byteOffset - control.byteOffset - CMSGHDR_SIZE;
  const end = Math.min(start + controlSpace(size.length), control.length);
  const copy = new Uint8Array(control.length - (end - start));
  copy.set(control.subarray(0, start));
  copy.set(control.subarray(end), start);
  return copy;
}

/**
 * The control messages of one SCTP message: what goes out with it, and what comes in with it; RFC 6458, section 5.3.
 *
 * This is the hot path of the kernel stack: no BigInt, no view per field, one object for a received message.
 *
 * @module
 */

import { ArgumentError } from "../../common/errors.ts";
import { IPPROTO_SCTP } from "../../ffi/constants.ts";
import { parseIPv4Into, parseIPv6Into } from "../../ffi/ip.ts";
import type {
  SctpEndpointSendOptions,
  SctpMessage,
  SctpNextInfo,
  SctpPartialReliability,
  SctpSendInfo,
  SctpTransportAddress,
} from "../message.ts";
import { requireUint16, requireUint32 } from "./arguments.ts";
import {
  readInt32,
  readNetworkUint32,
  readUint16,
  readUint32,
  writeNetworkUint32,
  writeUint16,
  writeUint32,
} from "./bytes.ts";
import {
  SCTP_ABORT,
  SCTP_ADDR_OVER,
  SCTP_AUTHINFO,
  SCTP_DSTADDRV4,
  SCTP_DSTADDRV6,
  SCTP_EOF,
  SCTP_INIT,
  SCTP_NOTIFICATION,
  SCTP_NXTINFO,
  SCTP_PR_SCTP_NONE,
  SCTP_PRINFO,
  SCTP_RCVINFO,
  SCTP_SACK_IMMEDIATELY,
  SCTP_SENDALL,
  SCTP_SNDINFO,
  SCTP_SNDRCV,
  SCTP_UNORDERED,
} from "./constants.ts";
import { encodeInitMsgInto } from "./initmsg.ts";
import { SCTP_LAYOUT } from "./layout.ts";
import { partialReliabilityPolicy } from "./partial_reliability.ts";

/** `sizeof(struct cmsghdr)`, and where its fields are: `cmsg_len` (8 bytes), `cmsg_level`, `cmsg_type`; cmsg(3). */
const CMSG_HEADER_SIZE = 16;
const CMSG_LEVEL = 8;
const CMSG_TYPE = 12;

const SNDINFO = SCTP_LAYOUT.sctp_sndinfo;
const PRINFO = SCTP_LAYOUT.sctp_prinfo;
const AUTHINFO = SCTP_LAYOUT.sctp_authinfo;
const INITMSG = SCTP_LAYOUT.sctp_initmsg;
const IN_ADDR_SIZE = 4;
const IN6_ADDR_SIZE = 16;

const RCVINFO_SIZE = SCTP_LAYOUT.sctp_rcvinfo.size;
const RCVINFO = SCTP_LAYOUT.sctp_rcvinfo.fields;
const SNDRCV_SIZE = SCTP_LAYOUT.sctp_sndrcvinfo.size;
const SNDRCV = SCTP_LAYOUT.sctp_sndrcvinfo.fields;
const NXTINFO_SIZE = SCTP_LAYOUT.sctp_nxtinfo.size;
const NXTINFO = SCTP_LAYOUT.sctp_nxtinfo.fields;

/**
 * The defaults of a socket or association, by which a send fills in what its options leave out.
 *
 * The kernel fills in its own only where a message has no SCTP_SNDINFO at all, and then lets the value of a default PR-SCTP
 * policy act without the policy. So they are kept here as well, and go out with each message.
 */
export interface SendDefaults {
  /** What SCTP_DEFAULT_SNDINFO was set to. */
  readonly sendInfo?: SctpSendInfo;
  /** What SCTP_DEFAULT_PRINFO was set to; `null` or left out is fully reliable. */
  readonly partialReliability?: SctpPartialReliability | null;
}

const NO_DEFAULTS: SendDefaults = {};
const NO_SEND_INFO: SctpSendInfo = {};
const NO_ADDRESSES: readonly SctpTransportAddress[] = [];

/**
 * The control messages of one send.
 *
 * `to` and `addressOverride` themselves travel as the message's name (`msg_name`), `signal` and `timeout` not at all.
 *
 * @param options The options of the send.
 * @param associationId The association, 0 where the address says it all or the socket is one-to-one.
 * @param defaults What fills in for what is left out.
 * @param furtherAddresses The peer's addresses after the first, for an association that the send sets up.
 * @throws {ArgumentError} An option is out of range, or two of them exclude each other.
 */
export function encodeSendControl(
  options: SctpEndpointSendOptions,
  associationId: number,
  defaults: SendDefaults = NO_DEFAULTS,
  furtherAddresses: readonly SctpTransportAddress[] = NO_ADDRESSES,
): Uint8Array<ArrayBuffer> {
  const policy = options.partialReliability === undefined ? defaults.partialReliability : options.partialReliability;
  // Said also where the message is to be reliable, lest the value of the kernel's own default act as a lifetime.
  const hasPolicy = Boolean(policy || defaults.partialReliability);
  const control = new Uint8Array(sendControlSize(options, hasPolicy, furtherAddresses));
  let end = putSendInfo(control, options, associationId, defaults.sendInfo ?? NO_SEND_INFO);
  if (hasPolicy) end = putPartialReliability(control, end, policy ?? null);
  if (options.authKeyId !== undefined) {
    const at = putHeader(control, end, SCTP_AUTHINFO, AUTHINFO.size);
    writeUint16(control, at + AUTHINFO.fields.auth_keynumber, requireUint16(options.authKeyId, "options.authKeyId"));
    end += space(AUTHINFO.size);
  }
  if (options.initmsg !== undefined) {
    encodeInitMsgInto(options.initmsg, "options.initmsg", control, putHeader(control, end, SCTP_INIT, INITMSG.size));
    end += space(INITMSG.size);
  }
  for (const address of furtherAddresses) end = putAddress(control, end, address);
  return control;
}

function sendControlSize(
  options: SctpEndpointSendOptions,
  hasPolicy: boolean,
  furtherAddresses: readonly SctpTransportAddress[],
): number {
  let size = space(SNDINFO.size);
  if (hasPolicy) size += space(PRINFO.size);
  if (options.authKeyId !== undefined) size += space(AUTHINFO.size);
  if (options.initmsg !== undefined) size += space(INITMSG.size);
  for (const { family } of furtherAddresses) size += space(family === "inet" ? IN_ADDR_SIZE : IN6_ADDR_SIZE);
  return size;
}

function putSendInfo(
  target: Uint8Array,
  options: SctpEndpointSendOptions,
  associationId: number,
  defaults: SctpSendInfo,
): number {
  const streamId = requireUint16(options.streamId ?? defaults.streamId ?? 0, "options.streamId");
  const ppid = requireUint32(options.ppid ?? defaults.ppid ?? 0, "options.ppid");
  const context = requireUint32(options.context ?? defaults.context ?? 0, "options.context");
  let flags = 0;
  if (options.unordered ?? defaults.unordered) flags |= SCTP_UNORDERED;
  if (options.sackImmediately ?? defaults.sackImmediately) flags |= SCTP_SACK_IMMEDIATELY;
  if (options.addressOverride !== undefined) flags |= SCTP_ADDR_OVER;
  if (options.eof) flags |= SCTP_EOF;
  if (options.abort) flags |= SCTP_ABORT;
  if (options.sendAll) flags |= SCTP_SENDALL;
  if (options.eof && options.abort) {
    throw new ArgumentError("options.eof", "an association ends either gracefully or by `abort`, not both");
  }
  const at = putHeader(target, 0, SCTP_SNDINFO, SNDINFO.size);
  writeUint16(target, at + SNDINFO.fields.snd_sid, streamId);
  writeUint16(target, at + SNDINFO.fields.snd_flags, flags);
  writeNetworkUint32(target, at + SNDINFO.fields.snd_ppid, ppid);
  writeUint32(target, at + SNDINFO.fields.snd_context, context);
  writeUint32(target, at + SNDINFO.fields.snd_assoc_id, associationId);
  return space(SNDINFO.size);
}

function putPartialReliability(target: Uint8Array, offset: number, policy: SctpPartialReliability | null): number {
  const at = putHeader(target, offset, SCTP_PRINFO, PRINFO.size);
  const code = policy === null ? SCTP_PR_SCTP_NONE : partialReliabilityPolicy(policy, "options.partialReliability");
  writeUint32(target, at + PRINFO.fields.pr_policy, code);
  writeUint32(target, at + PRINFO.fields.pr_value, policy === null ? 0 : policy.value);
  return offset + space(PRINFO.size);
}

/** The kernel takes the port from the first address, and the scope from the socket. */
function putAddress(target: Uint8Array, offset: number, address: SctpTransportAddress): number {
  const isInet = address.family === "inet";
  const size = isInet ? IN_ADDR_SIZE : IN6_ADDR_SIZE;
  const at = putHeader(target, offset, isInet ? SCTP_DSTADDRV4 : SCTP_DSTADDRV6, size);
  const understood = isInet ? parseIPv4Into(address.address, target, at) : parseIPv6Into(address.address, target, at);
  if (!understood) throw new ArgumentError("options.to", `${JSON.stringify(address.address)} is not an IP address`);
  return offset + space(size);
}

/** Writes a control message's header, and tells where its data begins. */
function putHeader(target: Uint8Array, offset: number, type: number, size: number): number {
  writeUint32(target, offset, CMSG_HEADER_SIZE + size);
  writeUint32(target, offset + CMSG_LEVEL, IPPROTO_SCTP);
  writeUint32(target, offset + CMSG_TYPE, type);
  return offset + CMSG_HEADER_SIZE;
}

/**
 * Makes a message of what one `recvmsg` brought.
 *
 * @param control The control bytes as received; whatever they claim, nothing outside them is read.
 * @param data The message's bytes, or the piece of them that was read.
 * @param from The peer's address.
 * @returns The message, or `undefined` if the control bytes have no SCTP_RCVINFO and no SCTP_SNDRCV.
 */
export function decodeMessage(
  control: Uint8Array,
  data: Uint8Array,
  from: SctpTransportAddress,
): SctpMessage | undefined {
  let message: SctpMessage | undefined;
  let next: SctpNextInfo | undefined;
  let offset = 0;
  while (offset + CMSG_HEADER_SIZE <= control.length) {
    const length = readUint32(control, offset);
    if (length < CMSG_HEADER_SIZE || length > control.length - offset || readUint32(control, offset + 4) !== 0) break;
    if (readInt32(control, offset + CMSG_LEVEL) === IPPROTO_SCTP) {
      const at = offset + CMSG_HEADER_SIZE;
      const size = length - CMSG_HEADER_SIZE;
      switch (readInt32(control, offset + CMSG_TYPE)) {
        case SCTP_RCVINFO:
          if (size >= RCVINFO_SIZE) message = fromRcvInfo(control, at, data, from);
          break;
        case SCTP_SNDRCV:
          if (size >= SNDRCV_SIZE && message === undefined) message = fromSndRcvInfo(control, at, data, from);
          break;
        case SCTP_NXTINFO:
          if (size >= NXTINFO_SIZE) next = nextInfo(control, at);
          break;
      }
    }
    offset += align(length);
  }
  if (message !== undefined) message.next = next;
  return message;
}

function fromRcvInfo(control: Uint8Array, at: number, data: Uint8Array, from: SctpTransportAddress): SctpMessage {
  const flags = readUint16(control, at + RCVINFO.rcv_flags);
  return {
    type: "message",
    data,
    streamId: readUint16(control, at + RCVINFO.rcv_sid),
    ssn: readUint16(control, at + RCVINFO.rcv_ssn),
    ppid: readNetworkUint32(control, at + RCVINFO.rcv_ppid),
    tsn: readUint32(control, at + RCVINFO.rcv_tsn),
    cumTsn: readUint32(control, at + RCVINFO.rcv_cumtsn),
    context: readUint32(control, at + RCVINFO.rcv_context),
    unordered: (flags & SCTP_UNORDERED) !== 0,
    flags,
    associationId: readInt32(control, at + RCVINFO.rcv_assoc_id),
    from,
    next: undefined,
  };
}

function fromSndRcvInfo(control: Uint8Array, at: number, data: Uint8Array, from: SctpTransportAddress): SctpMessage {
  const flags = readUint16(control, at + SNDRCV.sinfo_flags);
  return {
    type: "message",
    data,
    streamId: readUint16(control, at + SNDRCV.sinfo_stream),
    ssn: readUint16(control, at + SNDRCV.sinfo_ssn),
    ppid: readNetworkUint32(control, at + SNDRCV.sinfo_ppid),
    tsn: readUint32(control, at + SNDRCV.sinfo_tsn),
    cumTsn: readUint32(control, at + SNDRCV.sinfo_cumtsn),
    context: readUint32(control, at + SNDRCV.sinfo_context),
    unordered: (flags & SCTP_UNORDERED) !== 0,
    flags,
    associationId: readInt32(control, at + SNDRCV.sinfo_assoc_id),
    from,
    next: undefined,
  };
}

function nextInfo(control: Uint8Array, at: number): SctpNextInfo {
  const flags = readUint16(control, at + NXTINFO.nxt_flags);
  return {
    streamId: readUint16(control, at + NXTINFO.nxt_sid),
    ppid: readNetworkUint32(control, at + NXTINFO.nxt_ppid),
    length: readUint32(control, at + NXTINFO.nxt_length),
    unordered: (flags & SCTP_UNORDERED) !== 0,
    associationId: readInt32(control, at + NXTINFO.nxt_assoc_id),
    isNotification: (flags & SCTP_NOTIFICATION) !== 0,
    // RFC 6458's flag SCTP_COMPLETE does not exist on Linux.
    complete: undefined,
  };
}

/** CMSG_SPACE: header, data, and padding up to the next header. */
function space(dataSize: number): number {
  return CMSG_HEADER_SIZE + align(dataSize);
}

/** CMSG_ALIGN, to the size of a long. */
function align(size: number): number {
  return (size + 7) & ~7;
}

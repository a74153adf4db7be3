/**
 * Options about streams: resetting and adding them (RFC 6525), and in what order they are served (RFC 8260).
 *
 * @module
 */

import { ArgumentError, UnsupportedError } from "../../../common/errors.ts";
import type { SctpStreamsToReset } from "../../option_map.ts";
import type { SctpStreamResetOptions, SctpStreamScheduler } from "../../options.ts";
import { requireName, requireUint16 } from "../arguments.ts";
import { readUint16, writeUint16, writeUint32 } from "../bytes.ts";
import {
  SCTP_ADD_STREAMS,
  SCTP_ENABLE_CHANGE_ASSOC_REQ,
  SCTP_ENABLE_RESET_ASSOC_REQ,
  SCTP_ENABLE_RESET_STREAM_REQ,
  SCTP_ENABLE_STREAM_RESET,
  SCTP_RESET_ASSOC,
  SCTP_RESET_STREAMS,
  SCTP_SS_FCFS,
  SCTP_SS_PRIO,
  SCTP_SS_RR,
  SCTP_STREAM_RESET_INCOMING,
  SCTP_STREAM_RESET_OUTGOING,
  SCTP_STREAM_SCHEDULER,
  SCTP_STREAM_SCHEDULER_VALUE,
} from "../constants.ts";
import { SCTP_LAYOUT } from "../layout.ts";
import {
  getAssociationValue,
  getOption,
  hasCode,
  type OptionSocket,
  setAssociationValue,
  setOption,
} from "./socket.ts";

/** SCTP_SS_FC and SCTP_SS_WFQ came with Linux 6.4, and are missing in older headers. */
const SCHEDULERS: Readonly<Record<SctpStreamScheduler, number>> = {
  "fcfs": SCTP_SS_FCFS,
  "priority": SCTP_SS_PRIO,
  "round-robin": SCTP_SS_RR,
  "fair-capacity": 3,
  "weighted-fair-queueing": 4,
};

const NEEDS_SCHEDULERS = "Linux 4.15 or later";

/** SCTP_ENABLE_STREAM_RESET. */
export function getStreamReset(socket: OptionSocket, associationId: number): Required<SctpStreamResetOptions> {
  const flags = getAssociationValue(socket, SCTP_ENABLE_STREAM_RESET, associationId);
  return {
    streams: (flags & SCTP_ENABLE_RESET_STREAM_REQ) !== 0,
    association: (flags & SCTP_ENABLE_RESET_ASSOC_REQ) !== 0,
    addStreams: (flags & SCTP_ENABLE_CHANGE_ASSOC_REQ) !== 0,
  };
}

/** SCTP_ENABLE_STREAM_RESET; what is left out is off. */
export function setStreamReset(socket: OptionSocket, associationId: number, given: SctpStreamResetOptions): void {
  let flags = 0;
  if (given.streams) flags |= SCTP_ENABLE_RESET_STREAM_REQ;
  if (given.association) flags |= SCTP_ENABLE_RESET_ASSOC_REQ;
  if (given.addStreams) flags |= SCTP_ENABLE_CHANGE_ASSOC_REQ;
  setAssociationValue(socket, SCTP_ENABLE_STREAM_RESET, associationId, flags);
}

/**
 * SCTP_RESET_STREAMS; the outcome arrives as a `"stream-reset"` notification.
 *
 * @throws {ArgumentError} A stream is out of range, or no direction is given.
 * @throws {SystemError} ENOPROTOOPT or EPERM if resets are not enabled on both ends, EAGAIN while data is on its way.
 */
export function resetStreams(socket: OptionSocket, associationId: number, given: SctpStreamsToReset): void {
  const { size, fields } = SCTP_LAYOUT.sctp_reset_streams;
  const streamIds = given.streamIds ?? [];
  const flags = (given.outgoing ? SCTP_STREAM_RESET_OUTGOING : 0) | (given.incoming ? SCTP_STREAM_RESET_INCOMING : 0);
  if (flags === 0) throw new ArgumentError("outgoing", "must be true, or `incoming`, or both: a direction is needed");
  requireUint16(streamIds.length, "streamIds.length");
  const value = new Uint8Array(size + 2 * streamIds.length);
  writeUint32(value, fields.srs_assoc_id, associationId);
  writeUint16(value, fields.srs_flags, flags);
  writeUint16(value, fields.srs_number_streams, streamIds.length);
  streamIds.forEach((streamId, index) =>
    writeUint16(value, fields.srs_stream_list + 2 * index, requireUint16(streamId, `streamIds[${index}]`))
  );
  reconfigure(socket, SCTP_RESET_STREAMS, value);
}

/** SCTP_RESET_ASSOC: resets all streams and the TSNs; the outcome arrives as an `"association-reset"` notification. */
export function resetAssociation(socket: OptionSocket, associationId: number): void {
  const value = new Uint8Array(4);
  writeUint32(value, 0, associationId);
  reconfigure(socket, SCTP_RESET_ASSOC, value);
}

/**
 * SCTP_ADD_STREAMS; the outcome arrives as a `"stream-change"` notification.
 *
 * @throws {ArgumentError} A number is out of range, or both are 0.
 */
export function addStreams(socket: OptionSocket, associationId: number, inbound: number, outbound: number): void {
  const { size, fields } = SCTP_LAYOUT.sctp_add_streams;
  const value = new Uint8Array(size);
  writeUint32(value, fields.sas_assoc_id, associationId);
  writeUint16(value, fields.sas_instrms, requireUint16(inbound, "inbound"));
  writeUint16(value, fields.sas_outstrms, requireUint16(outbound, "outbound"));
  if (inbound === 0 && outbound === 0) {
    throw new ArgumentError("outbound", "must be at least 1 where `inbound` is 0: there would be nothing to add");
  }
  reconfigure(socket, SCTP_ADD_STREAMS, value);
}

/** Linux answers ENOPROTOOPT, which else means an unknown option, where it is not enabled here or at the peer. */
function reconfigure(socket: OptionSocket, name: number, value: Uint8Array): void {
  try {
    setOption(socket, name, value);
  } catch (error) {
    const refusal = error instanceof UnsupportedError ? error.cause : error;
    if (!hasCode(refusal, "ENOPROTOOPT") && !hasCode(refusal, "EPERM")) throw error;
    throw new UnsupportedError(
      "reconfiguration is not enabled on both ends: create the sockets with `streamReset`, and with " +
        "`reconfigSupported: true` or the sysctl net.sctp.reconf_enable=1",
      { cause: refusal },
    );
  }
}

/** SCTP_STREAM_SCHEDULER. @throws {UnsupportedError} It is one that a later kernel invented. */
export function getStreamScheduler(socket: OptionSocket, associationId: number): SctpStreamScheduler {
  const code = getAssociationValue(socket, SCTP_STREAM_SCHEDULER, associationId, NEEDS_SCHEDULERS);
  for (const [name, known] of Object.entries(SCHEDULERS)) {
    if (known === code) return name as SctpStreamScheduler;
  }
  throw new UnsupportedError(`streamScheduler: the kernel uses scheduler ${code}, which has no name here`);
}

/**
 * SCTP_STREAM_SCHEDULER.
 *
 * @throws {ArgumentError} The name is unknown.
 * @throws {UnsupportedError} The kernel does not have it.
 */
export function setStreamScheduler(socket: OptionSocket, associationId: number, name: SctpStreamScheduler): void {
  const code = requireName(name, "streamScheduler", SCHEDULERS);
  try {
    setAssociationValue(socket, SCTP_STREAM_SCHEDULER, associationId, code, NEEDS_SCHEDULERS);
  } catch (error) {
    if (!hasCode(error, "EINVAL") || code <= SCTP_SS_RR) throw error;
    throw new UnsupportedError(`streamScheduler: the kernel does not have "${name}"; it needs Linux 6.4 or later`, {
      cause: error,
    });
  }
}

/** SCTP_STREAM_SCHEDULER_VALUE: a stream's priority or weight. */
export function getStreamValue(socket: OptionSocket, associationId: number, streamId: number): number {
  const { fields } = SCTP_LAYOUT.sctp_stream_value;
  const value = streamValue(associationId, streamId, 0);
  getOption(socket, SCTP_STREAM_SCHEDULER_VALUE, value, NEEDS_SCHEDULERS);
  return readUint16(value, fields.stream_value);
}

/** SCTP_STREAM_SCHEDULER_VALUE. @throws {ArgumentError} The stream or the value is out of range. */
export function setStreamValue(socket: OptionSocket, associationId: number, streamId: number, given: number): void {
  setOption(socket, SCTP_STREAM_SCHEDULER_VALUE, streamValue(associationId, streamId, given), NEEDS_SCHEDULERS);
}

function streamValue(associationId: number, streamId: number, given: number): Uint8Array {
  const { size, fields } = SCTP_LAYOUT.sctp_stream_value;
  const value = new Uint8Array(size);
  writeUint32(value, fields.assoc_id, associationId);
  writeUint16(value, fields.stream_id, requireUint16(streamId, "streamId"));
  writeUint16(value, fields.stream_value, requireUint16(given, "value"));
  return value;
}

/**
 * What the kernel's refusal of a message means.
 *
 * @module
 */

import {
  ArgumentError,
  BufferFullError,
  ClosedError,
  MessageTooLargeError,
  NoPeerError,
  SystemError,
} from "../../common/errors.ts";
import { ERRNO } from "../../ffi/mod.ts";
import type { SctpEndpointSendOptions } from "../message.ts";
import type { OptionSocket } from "./option/socket.ts";
import { getStatus } from "./option/status.ts";
import { readOption } from "./option/table.ts";
import type { SocketOrigin } from "./send_requests.ts";

/** The error for an association that there is not, or not any more. */
export function noSuchAssociation(associationId: number, cause: unknown): NoPeerError {
  return new NoPeerError(
    `there is no association ${associationId}, or not any more: \`associations()\` lists those that there are`,
    { cause },
  );
}

/**
 * The error that says what was wrong with a message or its destination.
 *
 * @param error What the message socket said.
 * @param socket Asked for what the error depends on.
 */
export function explainSendError(
  error: unknown,
  data: Uint8Array,
  options: SctpEndpointSendOptions,
  socket: OptionSocket,
  origin: SocketOrigin,
): unknown {
  if (error instanceof MessageTooLargeError) return tooLarge(data, socket, error);
  if (error instanceof ClosedError) {
    return new ClosedError("send: the socket was closed while the message waited for room; open a new one", {
      cause: error,
    });
  }
  if (error instanceof BufferFullError) {
    return new BufferFullError(
      "send: as many messages wait for room as `sendQueueLength` allows; await each send, or raise it",
      { cause: error },
    );
  }
  if (!(error instanceof SystemError)) return error;
  const { associationId } = options;
  switch (error.errno) {
    case ERRNO.EPIPE:
    case ERRNO.ESRCH:
      if (origin !== "one-to-many") return error;
      if (associationId !== undefined) return noSuchAssociation(associationId, error);
      return new NoPeerError("the peer refused the association that was to carry the message", { cause: error });
    case ERRNO.EINVAL:
      return wrongStream(options, socket, origin, error) ?? error;
    default:
      return error;
  }
}

function tooLarge(data: Uint8Array, socket: OptionSocket, cause: MessageTooLargeError): MessageTooLargeError {
  const limit = readOption(socket, "sendBufferSize", 0);
  return new MessageTooLargeError(
    data.length > limit
      ? `send: ${data.length} bytes exceed the send buffer, which takes ${limit}; raise \`sendBufferSize\`, and the ` +
        "sysctl net.core.wmem_max where it is the limit"
      : `send: ${data.length} bytes exceed one packet, and \`disableFragments\` is on; send less, or turn it off`,
    { cause },
  );
}

/** The kernel says no more than EINVAL for a stream that there is not. */
function wrongStream(
  options: SctpEndpointSendOptions,
  socket: OptionSocket,
  origin: SocketOrigin,
  cause: SystemError,
): ArgumentError | undefined {
  const { streamId = 0, associationId = 0 } = options;
  let outboundStreams: number;
  try {
    outboundStreams = origin === "one-to-many" && associationId === 0
      ? readOption(socket, "initmsg", 0).numOstreams
      : getStatus(socket, associationId).outboundStreams;
  } catch {
    return undefined;
  }
  if (streamId < outboundStreams) return undefined;
  return new ArgumentError(
    "options.streamId",
    `must be below ${outboundStreams}, the number of outbound streams, not ${streamId}; ` +
      "ask for more by `initmsg.numOstreams`, or by `options.addStreams`",
    { cause },
  );
}

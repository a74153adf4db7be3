/** Pieces of messages, as the kernel hands them over. @module */

import type { SctpMessage } from "../../sctp/message.ts";

/** A piece of a message on association 1, with such metadata. */
export function piece(text: string, metadata: Partial<SctpMessage> = {}): SctpMessage {
  return {
    type: "message",
    data: new TextEncoder().encode(text),
    streamId: 0,
    ssn: 0,
    ppid: 0,
    tsn: 0,
    cumTsn: 0,
    context: 0,
    unordered: false,
    flags: 0,
    associationId: 1,
    from: { family: "inet", address: "127.0.0.1", port: 5000 },
    next: undefined,
    ...metadata,
  };
}

/**
 * Which stream of an association carries a message.
 *
 * Conversations spread over the streams by their id: the last 32 bits of a header of REQ, REP, SURVEYOR and RESPONDENT, of
 * which the lower 24 are used. Large messages have streams of their own, and few of them: so a small one never waits for a
 * large one of another conversation, and a receiver that puts interleaved messages together knows how many large ones
 * there can be at a time.
 *
 *     0         all other patterns, whose messages stay in order, and the greeting
 *     1 to 7    messages of more than 65,536 bytes, header and body
 *     8 to 63   the others
 *
 * @module
 */

/** Streams that are asked for, each way. */
export const STREAMS = 64;
/** Those of large messages: 1 to 7. */
const LARGE_STREAMS = 7;
/** The largest message that is not large, in bytes. */
const MAX_SMALL_BYTES = 65536;
/** Patterns whose messages are conversations, told apart by their id: REQ, REP, SURVEYOR, RESPONDENT. */
const CONVERSATIONS: ReadonlySet<number> = new Set([48, 49, 98, 99]);

/** Whether the messages of a pattern are conversations. */
export function hasConversations(protocol: number): boolean {
  return CONVERSATIONS.has(protocol);
}

/**
 * The stream of a message of a conversation.
 *
 * @param header The pattern's header.
 * @param length The bytes of header and body.
 * @param streams How many streams there are: less than were asked for, if the peer takes no more.
 */
export function streamOf(header: Uint8Array, length: number, streams: number): number {
  if (streams < 2 || header.length < 4) return 0;
  const at = header.length - 4;
  const id = header[at + 1] << 16 | header[at + 2] << 8 | header[at + 3];
  const others = streams - 1;
  if (length > MAX_SMALL_BYTES) return 1 + id % Math.min(LARGE_STREAMS, others);
  return others > LARGE_STREAMS ? 1 + LARGE_STREAMS + id % (others - LARGE_STREAMS) : 1 + id % others;
}

/** What all messages that are under way at once can come to, if each stream has one, in bytes. */
export function mostIncompleteBytes(maxMessageBytes: number): number {
  const small = STREAMS - 1 - LARGE_STREAMS;
  return (1 + LARGE_STREAMS) * maxMessageBytes + small * Math.min(MAX_SMALL_BYTES, maxMessageBytes);
}

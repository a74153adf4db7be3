/**
 * The header of requests, surveys and their answers: the way back, and the id; sp-request-reply-01 and sp-surveyor-01.
 *
 * It is a stack of 32-bit words, big endian. Each device on the way pushes the id of the pipe that a request came by, with
 * the top bit clear; the last word is the id of the request, with the top bit set. A reply carries the same stack, and each
 * device pops the word that it pushed.
 *
 * @module
 */

/** The size of one word, in bytes. */
export const WORD = 4;
/** The bit that the last word has, in its first byte. */
const LAST = 0x80;

/** What {@linkcode backtraceLength} returns for a message that ends before its header does. */
export const MALFORMED = -1;
/** What {@linkcode backtraceLength} returns for a header of more words than allowed. */
export const TOO_MANY_HOPS = -2;

/**
 * The most words that the header of an answer may have. It comes back on the way of a request, which hop limits kept
 * shorter by far: nanomsg's reach 255.
 */
export const MAX_ANSWER_WORDS = 256;

/**
 * How many bytes the header at the beginning of a message has.
 *
 * As in nng, the number of words is looked at first: what has too many is none of the peer's faults, and is no reason to
 * close its pipe.
 *
 * @returns The length, {@linkcode MALFORMED} or {@linkcode TOO_MANY_HOPS}.
 */
export function backtraceLength(bytes: Uint8Array, maxWords: number): number {
  for (let at = 0, words = 1; words <= maxWords; at += WORD, words++) {
    if (at + WORD > bytes.length) return MALFORMED;
    if ((bytes[at] & LAST) !== 0) return at + WORD;
  }
  return TOO_MANY_HOPS;
}

/** Reads the word at an offset, from 0 to 0xffffffff. */
export function readWord(bytes: Uint8Array, at = 0): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}

/** Writes a word. */
export function writeWord(bytes: Uint8Array, word: number, at = 0): void {
  bytes[at] = word >>> 24;
  bytes[at + 1] = word >>> 16;
  bytes[at + 2] = word >>> 8;
  bytes[at + 3] = word;
}

/** A header with a word pushed in front of what a message begins with. */
export function pushWord(word: number, bytes: Uint8Array, length: number): Uint8Array {
  const header = new Uint8Array(WORD + length);
  writeWord(header, word);
  for (let at = 0; at < length; at++) header[WORD + at] = bytes[at];
  return header;
}

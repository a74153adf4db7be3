/**
 * Words of the command line as the bytes that they were given as.
 *
 * A word need not be UTF-8: `--data "$(printf '\377')"` is one byte for nngcat. Runtimes hand over U+FFFD in its place, so the
 * bytes are looked up. A byte text has one character, U+0000 to U+00FF, for each byte.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { Buffer } from "node:buffer";

/** What stands where bytes were no UTF-8. */
const REPLACEMENT = "\ufffd";

/** The words as byte texts; `readCommandLine` gives the kernel's record of them, each ended by a NUL (proc_pid_cmdline(5)). */
export function byteTexts(
  words: readonly string[],
  readCommandLine: () => Uint8Array = () => readFileSync("/proc/self/cmdline"),
): string[] {
  const encoded = words.map((word) => Buffer.from(word, "utf8").toString("latin1"));
  if (!words.some((word) => word.includes(REPLACEMENT))) return encoded;
  const given = lastWords(words.length, readCommandLine);
  // What doesn't read as the words at hand is somebody else's: the command was called with words of its own.
  const isSame = given.length === words.length && given.every((word, index) => decode(word) === words[index]);
  return isSame ? given : encoded;
}

function lastWords(count: number, readCommandLine: () => Uint8Array): string[] {
  try {
    return Buffer.from(readCommandLine()).toString("latin1").split("\0").slice(0, -1).slice(-count);
  } catch {
    // Nowhere but on Linux, and not without the permission to read.
    return [];
  }
}

/** The bytes of a byte text. */
export function bytesOf(byteText: string): Uint8Array {
  return new Uint8Array(Buffer.from(byteText, "latin1"));
}

/** What a byte text reads in UTF-8. */
export function decode(byteText: string): string {
  return Buffer.from(byteText, "latin1").toString("utf8");
}

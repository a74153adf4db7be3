/** The bytes of messages, as people and programs write and read them. @module */

import { UsageError } from "./usage_error.ts";

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** How many bytes of a message are shown to people; `--json` has them all. */
const SHOWN_BYTES = 512;

/**
 * The bytes that a text stands for: its UTF-8, or, where it is hexadecimal, its digits.
 *
 * @throws {UsageError} It should be hexadecimal, and isn't.
 */
export function readPayload(text: string, isHex: boolean): Uint8Array {
  if (!isHex) return encoder.encode(text);
  const digits = text.replace(/[\s:]/g, "");
  if (digits.length % 2 !== 0 || !/^[\da-f]*$/i.test(digits)) {
    throw new UsageError(`"${text}" is not hexadecimal: write two digits for each byte, as in 00ff or 00:ff`);
  }
  return Uint8Array.from(digits.match(/../g) ?? [], (byte) => parseInt(byte, 16));
}

/** The bytes as a field of a JSON object: `data` if they are UTF-8, `dataHex` if not, or if that is wanted. */
export function payloadFields(bytes: Uint8Array, isHex: boolean): { data: string } | { dataHex: string } {
  const text = isHex ? undefined : utf8(bytes);
  return text === undefined ? { dataHex: hex(bytes) } : { data: text };
}

/** The bytes for a terminal: in quotes if they are UTF-8, with nothing in them that a terminal would obey. */
export function payloadText(bytes: Uint8Array, isHex: boolean): string {
  const text = isHex ? undefined : utf8(bytes);
  if (text === undefined) return abridged(hex(bytes), SHOWN_BYTES * 2, bytes.length);
  return abridged(`"${printable(text)}"`, SHOWN_BYTES, bytes.length);
}

/** The text without control characters: they are written as escapes, so that a peer can't take over the terminal. */
export function printable(text: string): string {
  return text.replace(/[\\"]|\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}/gu, (character) => {
    switch (character) {
      case "\n":
        return "\\n";
      case "\t":
        return "\\t";
      case "\r":
        return "\\r";
      case "\\":
      case '"':
        return `\\${character}`;
      default:
        return `\\u{${character.codePointAt(0)!.toString(16)}}`;
    }
  });
}

/** Two digits for each byte. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    return undefined;
  }
}

function abridged(text: string, shown: number, length: number): string {
  return text.length <= shown ? text : `${text.slice(0, shown)}… (${length} bytes in all)`;
}

/** How a message looks on standard output, byte for byte as nngcat prints it. @module */

/** The formats: `no` prints nothing, and is the default. */
export const FORMATS = ["no", "ascii", "hex", "msgpack", "quoted", "raw"] as const;

/** A format. */
export type Format = (typeof FORMATS)[number];

const NEWLINE = 0x0a;
const QUOTE = 0x22;
const DOT = 0x2e;
const BACKSLASH = 0x5c;
const LETTER_X = 0x78;

/** The digits of hexadecimal numbers. */
const DIGITS = new TextEncoder().encode("0123456789abcdef");

/** What C writes as a backslash and a letter, and nngcat too. */
const ESCAPES: ReadonlyMap<number, number> = new Map(
  Object.entries({ "\n": "n", "\r": "r", "\t": "t", '"': '"', "\\": "\\" })
    .map(([character, letter]) => [character.charCodeAt(0), letter.charCodeAt(0)]),
);

/** The bytes to print for a message, in pieces. */
export function formatMessage(body: Uint8Array, format: Format): Uint8Array[] {
  switch (format) {
    case "no":
      return [];
    case "raw":
      return [body];
    case "ascii":
      return [body.map((byte) => isPrintable(byte) ? byte : DOT)];
    case "quoted":
      return [quoted(body, quotedByte)];
    case "hex":
      return [quoted(body, hexByte)];
    case "msgpack":
      return [msgpackHeader(body.length), body];
  }
}

/** isprint(3) in the C locale. */
function isPrintable(byte: number): boolean {
  return byte >= 0x20 && byte < 0x7f;
}

/** Writes a byte, and gives the place behind it. */
type ByteWriter = (byte: number, to: Uint8Array, at: number) => number;

const hexByte: ByteWriter = (byte, to, at) => {
  to[at] = BACKSLASH;
  to[at + 1] = LETTER_X;
  to[at + 2] = DIGITS[byte >> 4];
  to[at + 3] = DIGITS[byte & 15];
  return at + 4;
};

const quotedByte: ByteWriter = (byte, to, at) => {
  const letter = ESCAPES.get(byte);
  if (letter !== undefined) {
    to[at] = BACKSLASH;
    to[at + 1] = letter;
    return at + 2;
  }
  if (!isPrintable(byte)) return hexByte(byte, to, at);
  to[at] = byte;
  return at + 1;
};

/** A line with the bytes in quotes; each takes four at most. */
function quoted(body: Uint8Array, write: ByteWriter): Uint8Array {
  const line = new Uint8Array(body.length * 4 + 3);
  line[0] = QUOTE;
  let at = 1;
  for (const byte of body) at = write(byte, line, at);
  line[at] = QUOTE;
  line[at + 1] = NEWLINE;
  return line.subarray(0, at + 2);
}

/** What stands before the bytes of a MessagePack "bin": its kind, and its length in 8, 16 or 32 bits. */
function msgpackHeader(length: number): Uint8Array {
  if (length < 0x100) return Uint8Array.of(0xc4, length);
  if (length < 0x10000) return Uint8Array.of(0xc5, length >> 8, length);
  return Uint8Array.of(0xc6, length >> 24, length >> 16, length >> 8, length);
}

/**
 * Socket addresses and the C structs that carry them: `sockaddr_in`, `sockaddr_in6` (ip(7), ipv6(7)) and `sockaddr_un`
 * (unix(7)).
 *
 * @module
 */

import { AddressError, ArgumentError } from "../common/errors.ts";
import { readInt32, writeInt32 } from "./bytes.ts";
import { AF_INET, AF_INET6, AF_UNIX } from "./constants.ts";
import { formatIPv4, formatIPv6, parseIPv4Into, parseIPv6Into } from "./ip.ts";

/** An IPv4 address and port: `struct sockaddr_in`, ip(7). */
export interface InetAddress {
  /** Says which kind of address this is. */
  readonly family: "inet";
  /** The address in dotted decimal, for instance `"192.0.2.1"`. */
  readonly address: string;
  /** The port, 0 to 65535; when binding, 0 lets the kernel choose. */
  readonly port: number;
}

/** An IPv6 address and port: `struct sockaddr_in6`, ipv6(7). */
export interface Inet6Address {
  /** Says which kind of address this is. */
  readonly family: "inet6";
  /** The address in a form of RFC 4291, without zone, for instance `"2001:db8::1"`. */
  readonly address: string;
  /** The port, 0 to 65535; when binding, 0 lets the kernel choose. */
  readonly port: number;
  /** Traffic class and flow label as one 32-bit number; left out by decoders where it is 0. @default {0} */
  readonly flowInfo?: number;
  /** The index of a link-local address's interface; left out by decoders where it is 0. @default {0} */
  readonly scopeId?: number;
}

/** A unix socket named by a file: `struct sockaddr_un`, unix(7). */
export interface UnixPathAddress {
  /** Says which kind of address this is. */
  readonly family: "unix";
  /** The path, 1 to 107 bytes of UTF-8 without NUL. */
  readonly path: string;
}

/** A unix socket named outside the file system, unix(7); Linux only. */
export interface UnixAbstractAddress {
  /** Says which kind of address this is. */
  readonly family: "unix";
  /** The name without its leading NUL, up to 107 bytes; text means its UTF-8. Decoders give bytes if it is no text. */
  readonly abstract: string | Uint8Array;
}

/** A unix socket without a name, such as either end of a socketpair(2); when binding, the kernel chooses a name. */
export interface UnixUnnamedAddress {
  /** Says which kind of address this is. */
  readonly family: "unix";
  /** Always true. */
  readonly unnamed: true;
}

/** The address of a unix socket: a path, an abstract name, or none. */
export type UnixAddress = UnixPathAddress | UnixAbstractAddress | UnixUnnamedAddress;

/** Any address that a socket can have here; `family` and, for unix sockets, the field that is there tell them apart. */
export type SocketAddress = InetAddress | Inet6Address | UnixAddress;

/** Bytes of `struct sockaddr_storage`, which has room for every kind of address. */
export const SOCKADDR_STORAGE_SIZE = 128;
/** Bytes of `struct sockaddr_in`. */
export const SOCKADDR_IN_SIZE = 16;
/** Bytes of `struct sockaddr_in6`. */
export const SOCKADDR_IN6_SIZE = 28;
/** Bytes of `struct sockaddr_un`. */
export const SOCKADDR_UN_SIZE = 110;

/** Offsets in `struct sockaddr_in`, ip(7). */
export const SOCKADDR_IN: { readonly sin_family: 0; readonly sin_port: 2; readonly sin_addr: 4 } = {
  sin_family: 0,
  sin_port: 2,
  sin_addr: 4,
};
/** Offsets in `struct sockaddr_in6`, ipv6(7). */
export const SOCKADDR_IN6: {
  readonly sin6_family: 0;
  readonly sin6_port: 2;
  readonly sin6_flowinfo: 4;
  readonly sin6_addr: 8;
  readonly sin6_scope_id: 24;
} = { sin6_family: 0, sin6_port: 2, sin6_flowinfo: 4, sin6_addr: 8, sin6_scope_id: 24 };
/** Offsets in `struct sockaddr_un`, unix(7). */
export const SOCKADDR_UN: { readonly sun_family: 0; readonly sun_path: 2 } = { sun_family: 0, sun_path: 2 };

/** 108 bytes of sun_path, less the NUL that ends a path or begins an abstract name. */
const UNIX_NAME_LONGEST = 107;

const textEncoder = new TextEncoder();
const textDecoder = new TextDecoder("utf-8", { ignoreBOM: true });
const strictTextDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const scratch = new Uint8Array(SOCKADDR_STORAGE_SIZE);

/**
 * The bytes of the C struct for an address, exactly as many as the kernel wants in `addrlen`.
 *
 * @param address The address.
 * @returns A new array: 16 bytes for IPv4, 28 for IPv6, 2 to 110 for unix sockets.
 * @throws {AddressError} if the IP address or the unix name is malformed or too long.
 * @throws {ArgumentError} if the family is unknown, or port, flow information or scope are out of range.
 *
 * @example
 * ```ts
 * import { encodeSockaddr } from "@sockeye/sockeye/ffi";
 * import assert from "node:assert/strict";
 *
 * const bytes = encodeSockaddr({ family: "inet", address: "192.0.2.33", port: 3868 });
 * assert.deepEqual([...bytes.subarray(0, 8)], [2, 0, 0x0f, 0x1c, 192, 0, 2, 33]);
 * assert.equal(bytes.length, 16);
 * ```
 */
export function encodeSockaddr(address: SocketAddress): Uint8Array<ArrayBuffer> {
  return scratch.slice(0, encodeSockaddrInto(address, scratch));
}

/**
 * Writes the C struct for an address into memory that the caller has, without allocating for IP addresses.
 *
 * When it throws, bytes of the target may have changed.
 *
 * @param address The address.
 * @param target Where to write; {@linkcode SOCKADDR_STORAGE_SIZE} bytes are enough for every address.
 * @param offset Where in `target` to begin. @default {0}
 * @returns How many bytes were written, as the kernel wants it in `addrlen`.
 * @throws {AddressError} if the IP address or the unix name is malformed or too long.
 * @throws {ArgumentError} if the family is unknown, a number is out of range, or `target` is too small.
 *
 * @example
 * ```ts
 * import { decodeSockaddr, encodeSockaddrInto } from "@sockeye/sockeye/ffi";
 * import assert from "node:assert/strict";
 *
 * const arena = new Uint8Array(256);
 * const length = encodeSockaddrInto({ family: "unix", path: "/run/clock" }, arena, 128);
 * assert.equal(length, 13);
 * assert.deepEqual(decodeSockaddr(arena, 128, length), { family: "unix", path: "/run/clock" });
 * ```
 */
export function encodeSockaddrInto(address: SocketAddress, target: Uint8Array, offset = 0): number {
  switch (address.family) {
    case "inet":
      return encodeInet(address, target, offset);
    case "inet6":
      return encodeInet6(address, target, offset);
    case "unix":
      return encodeUnix(address, target, offset);
    default:
      throw new ArgumentError(
        "address.family",
        `must be "inet", "inet6" or "unix", not ${JSON.stringify((address as { family: unknown }).family)}`,
      );
  }
}

function encodeInet(address: InetAddress, target: Uint8Array, offset: number): number {
  requireRoom(target, offset, SOCKADDR_IN_SIZE);
  requirePort(address.port);
  if (!parseIPv4Into(address.address, target, offset + SOCKADDR_IN.sin_addr)) {
    throw new AddressError(`${quoted(address.address)} is not an IPv4 address: write it like 192.0.2.1`);
  }
  writeFamily(target, offset, AF_INET);
  target[offset + SOCKADDR_IN.sin_port] = address.port >>> 8;
  target[offset + SOCKADDR_IN.sin_port + 1] = address.port;
  target.fill(0, offset + 8, offset + SOCKADDR_IN_SIZE);
  return SOCKADDR_IN_SIZE;
}

function encodeInet6(address: Inet6Address, target: Uint8Array, offset: number): number {
  requireRoom(target, offset, SOCKADDR_IN6_SIZE);
  requirePort(address.port);
  const flowInfo = address.flowInfo ?? 0;
  const scopeId = address.scopeId ?? 0;
  requireUint32("address.flowInfo", flowInfo);
  requireUint32("address.scopeId", scopeId);
  if (!parseIPv6Into(address.address, target, offset + SOCKADDR_IN6.sin6_addr)) {
    throw new AddressError(
      `${quoted(address.address)} is not an IPv6 address: write it like 2001:db8::1, and a zone as \`scopeId\``,
    );
  }
  writeFamily(target, offset, AF_INET6);
  target[offset + SOCKADDR_IN6.sin6_port] = address.port >>> 8;
  target[offset + SOCKADDR_IN6.sin6_port + 1] = address.port;
  target[offset + SOCKADDR_IN6.sin6_flowinfo] = flowInfo >>> 24;
  target[offset + SOCKADDR_IN6.sin6_flowinfo + 1] = flowInfo >>> 16;
  target[offset + SOCKADDR_IN6.sin6_flowinfo + 2] = flowInfo >>> 8;
  target[offset + SOCKADDR_IN6.sin6_flowinfo + 3] = flowInfo;
  writeInt32(target, offset + SOCKADDR_IN6.sin6_scope_id, scopeId);
  return SOCKADDR_IN6_SIZE;
}

function encodeUnix(address: UnixAddress, target: Uint8Array, offset: number): number {
  if ("path" in address) {
    const name = textEncoder.encode(address.path);
    if (name.length === 0 || name.length > UNIX_NAME_LONGEST || name.includes(0)) {
      throw new AddressError(
        `unix path ${quoted(address.path)} has ${name.length} bytes: 1 to ${UNIX_NAME_LONGEST} without NUL are allowed`,
      );
    }
    const length = SOCKADDR_UN.sun_path + name.length + 1;
    requireRoom(target, offset, length);
    target.set(name, offset + SOCKADDR_UN.sun_path);
    target[offset + length - 1] = 0;
    writeFamily(target, offset, AF_UNIX);
    return length;
  }
  if ("abstract" in address) {
    const name = typeof address.abstract === "string" ? textEncoder.encode(address.abstract) : address.abstract;
    if (name.length > UNIX_NAME_LONGEST) {
      throw new AddressError(`abstract unix name has ${name.length} bytes: up to ${UNIX_NAME_LONGEST} are allowed`);
    }
    const length = SOCKADDR_UN.sun_path + 1 + name.length;
    requireRoom(target, offset, length);
    target[offset + SOCKADDR_UN.sun_path] = 0;
    target.set(name, offset + SOCKADDR_UN.sun_path + 1);
    writeFamily(target, offset, AF_UNIX);
    return length;
  }
  if (!address.unnamed) {
    throw new ArgumentError("address", "a unix address must have `path`, `abstract` or `unnamed: true`");
  }
  requireRoom(target, offset, SOCKADDR_UN.sun_path);
  writeFamily(target, offset, AF_UNIX);
  return SOCKADDR_UN.sun_path;
}

/** sa_family is in host order, which is little endian on every platform that has a table here. */
function writeFamily(target: Uint8Array, offset: number, family: number): void {
  target[offset] = family;
  target[offset + 1] = 0;
}

function requireRoom(target: Uint8Array, offset: number, length: number): void {
  if (!(Number.isInteger(offset) && offset >= 0 && offset + length <= target.length)) {
    throw new ArgumentError(
      "target",
      `must have ${length} bytes from offset ${offset} on for this address, has ${target.length} in all`,
    );
  }
}

function requirePort(port: number): void {
  if (!(Number.isInteger(port) && port >= 0 && port <= 65535)) {
    throw new ArgumentError("address.port", `must be an integer from 0 to 65535, not ${port}`);
  }
}

function requireUint32(argument: string, value: number): void {
  if (!(Number.isInteger(value) && value >= 0 && value <= 0xffffffff)) {
    throw new ArgumentError(argument, `must be an integer from 0 to 4294967295, not ${value}`);
  }
}

/** Enough of a text to recognise it by, however long it is. */
function quoted(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text);
}

/**
 * The address in a C struct, as the kernel hands it out.
 *
 * Takes any bytes: it never throws and reads nothing outside the given part. A unix path that is not UTF-8 comes with
 * replacement characters (U+FFFD); an abstract name that is not UTF-8 comes as bytes.
 *
 * @param bytes Holds the struct.
 * @param offset Where in `bytes` it begins. @default {0}
 * @param length The kernel's `addrlen`; needed for unix sockets, where it tells how long the name is. The default is
 * everything from `offset` on.
 * @returns The address, or `undefined` where there is none: `AF_UNSPEC`, a family unknown here, or too few bytes.
 *
 * @example
 * ```ts
 * import { decodeSockaddr } from "@sockeye/sockeye/ffi";
 * import assert from "node:assert/strict";
 *
 * const bytes = new Uint8Array([2, 0, 0x0f, 0x1c, 192, 0, 2, 33, 0, 0, 0, 0, 0, 0, 0, 0]);
 * assert.deepEqual(decodeSockaddr(bytes), { family: "inet", address: "192.0.2.33", port: 3868 });
 * assert.equal(decodeSockaddr(new Uint8Array(16)), undefined);
 * ```
 */
export function decodeSockaddr(
  bytes: Uint8Array,
  offset = 0,
  length: number = bytes.length - offset,
): SocketAddress | undefined {
  if (!(Number.isInteger(offset) && offset >= 0)) return undefined;
  const available = Math.min(length, bytes.length - offset);
  if (!(available >= 2)) return undefined;
  switch (bytes[offset] | bytes[offset + 1] << 8) {
    case AF_INET:
      return available >= SOCKADDR_IN.sin_addr + 4 ? decodeInet(bytes, offset) : undefined;
    case AF_INET6:
      return available >= SOCKADDR_IN6.sin6_addr + 16 ? decodeInet6(bytes, offset, available) : undefined;
    case AF_UNIX:
      return decodeUnix(bytes.subarray(offset + SOCKADDR_UN.sun_path, offset + Math.min(available, SOCKADDR_UN_SIZE)));
    default:
      return undefined;
  }
}

function decodeInet(bytes: Uint8Array, offset: number): InetAddress {
  return {
    family: "inet",
    address: formatIPv4(bytes, offset + SOCKADDR_IN.sin_addr),
    port: bytes[offset + SOCKADDR_IN.sin_port] << 8 | bytes[offset + SOCKADDR_IN.sin_port + 1],
  };
}

function decodeInet6(bytes: Uint8Array, offset: number, available: number): Inet6Address {
  const address = formatIPv6(bytes, offset + SOCKADDR_IN6.sin6_addr);
  const port = bytes[offset + SOCKADDR_IN6.sin6_port] << 8 | bytes[offset + SOCKADDR_IN6.sin6_port + 1];
  const flow = offset + SOCKADDR_IN6.sin6_flowinfo;
  const flowInfo = (bytes[flow] << 24 | bytes[flow + 1] << 16 | bytes[flow + 2] << 8 | bytes[flow + 3]) >>> 0;
  // RFC 2133 had the struct without sin6_scope_id, and the kernel still takes those 24 bytes.
  const scopeId = available < SOCKADDR_IN6_SIZE ? 0 : readInt32(bytes, offset + SOCKADDR_IN6.sin6_scope_id) >>> 0;
  if (flowInfo === 0) {
    return scopeId === 0 ? { family: "inet6", address, port } : { family: "inet6", address, port, scopeId };
  }
  return scopeId === 0
    ? { family: "inet6", address, port, flowInfo }
    : { family: "inet6", address, port, flowInfo, scopeId };
}

function decodeUnix(name: Uint8Array): UnixAddress {
  if (name.length === 0) return { family: "unix", unnamed: true };
  if (name[0] === 0) return { family: "unix", abstract: textOrBytes(name.subarray(1)) };
  // unix(7), BUGS: a path that fills sun_path has no NUL at its end.
  const end = name.indexOf(0);
  return { family: "unix", path: textDecoder.decode(end < 0 ? name : name.subarray(0, end)) };
}

/** A copy, for the caller owns the address but not the bytes that it was decoded from. */
function textOrBytes(name: Uint8Array): string | Uint8Array {
  try {
    return strictTextDecoder.decode(name);
  } catch {
    return name.slice();
  }
}

/**
 * An address as people write it: `127.0.0.1:80`, `[fe80::1%2]:80`, `/run/clock`, `@name` for an abstract name.
 *
 * Control characters and bytes that are not text come as `\xNN`, so that the result fits one line of a log.
 *
 * @param address The address.
 * @returns One line of text.
 *
 * @example
 * ```ts
 * import { formatSocketAddress } from "@sockeye/sockeye/ffi";
 * import assert from "node:assert/strict";
 *
 * assert.equal(formatSocketAddress({ family: "inet6", address: "fe80::1", port: 80, scopeId: 2 }), "[fe80::1%2]:80");
 * assert.equal(formatSocketAddress({ family: "unix", abstract: "clock" }), "@clock");
 * ```
 */
export function formatSocketAddress(address: SocketAddress): string {
  switch (address.family) {
    case "inet":
      return `${address.address}:${address.port}`;
    case "inet6":
      return `[${address.address}${address.scopeId ? `%${address.scopeId}` : ""}]:${address.port}`;
    case "unix":
      if ("path" in address) return escapeControls(address.path);
      if ("abstract" in address) return `@${formatName(address.abstract)}`;
      return "(unnamed)";
  }
}

function formatName(name: string | Uint8Array): string {
  const text = typeof name === "string" ? name : textOrBytes(name);
  if (typeof text === "string") return escapeControls(text);
  return Array.from(text, (byte) => byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : escapeByte(byte)).join("");
}

function escapeControls(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\x00-\x1f\x7f]/g, (character) => escapeByte(character.charCodeAt(0)));
}

function escapeByte(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, "0")}`;
}

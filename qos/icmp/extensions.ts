/**
 * What routers add to ICMP errors behind the quoted packet: the extension structure of RFC 4884, with MPLS label stacks
 * (RFC 4950) and interface information (RFC 5837).
 *
 * @module
 */

import { ArgumentError } from "../../common/errors.ts";
import { formatIPv4, formatIPv6, parseIPv4, parseIPv6 } from "../../ffi/ip.ts";
import { internetChecksum } from "../checksum.ts";
import { readUint16, readUint32, writeUint16, writeUint32 } from "../network_order.ts";

/** One entry of an MPLS label stack, RFC 3032 section 2.1. */
export interface MplsLabel {
  /** The label, 0 to 1,048,575. */
  readonly label: number;
  /** The traffic class, formerly the experimental bits, 0 to 7. */
  readonly trafficClass: number;
  /** Whether it is the bottom of the stack. */
  readonly isBottom: boolean;
  /** The time to live in the entry, 0 to 255. */
  readonly ttl: number;
}

/** The MPLS label stack with which a router received the packet, RFC 4950. */
export interface MplsExtension {
  /** Says which kind of extension this is. */
  readonly kind: "mpls";
  /** Always 1. */
  readonly classNumber: number;
  /** Always 1. */
  readonly classType: number;
  /** The entries, the outermost first. */
  readonly labels: readonly MplsLabel[];
}

/** What an interface has to do with the packet, RFC 5837 section 4.1. */
export type InterfaceRole = "incoming" | "incoming-sub-ip" | "outgoing" | "next-hop";

/** An interface of the router, RFC 5837. */
export interface InterfaceExtension {
  /** Says which kind of extension this is. */
  readonly kind: "interface";
  /** Always 2. */
  readonly classNumber: number;
  /** The role, and which of the fields are there. */
  readonly classType: number;
  /** What the interface has to do with the packet. */
  readonly role: InterfaceRole;
  /** The router's own index of it. */
  readonly ifIndex?: number;
  /** An address of it; for the role `"next-hop"` that of the next router. */
  readonly address?: string;
  /** The router's own name of it. */
  readonly name?: string;
  /** Its MTU in bytes. */
  readonly mtu?: number;
}

/** An extension that has no codec here, or whose content isn't what its class demands. */
export interface UnknownExtension {
  /** Says which kind of extension this is. */
  readonly kind: "unknown";
  /** The class, IANA's registry "ICMP Extension Object Classes". */
  readonly classNumber: number;
  /** The type within the class. */
  readonly classType: number;
  /** The content, without the header. */
  readonly data: Uint8Array;
}

/** An extension of an ICMP error; `kind` tells which. */
export type IcmpExtension = MplsExtension | InterfaceExtension | UnknownExtension;

/** The extension header, RFC 4884 section 7. */
const HEADER_SIZE = 4;
const VERSION = 2;
/** The header of each object, RFC 4884 section 8. */
const OBJECT_HEADER_SIZE = 4;
const MPLS_CLASS = 1;
const MPLS_INCOMING_STACK = 1;
const INTERFACE_CLASS = 2;
const ROLES: readonly InterfaceRole[] = ["incoming", "incoming-sub-ip", "outgoing", "next-hop"];

/** Which fields an interface information object has: bits of its type, RFC 5837 section 4.1. */
const HAS_INDEX = 0x08;
const HAS_ADDRESS = 0x04;
const HAS_NAME = 0x02;
const HAS_MTU = 0x01;
const AFI_IPV4 = 1;
const AFI_IPV6 = 2;
/** The name with its length byte, RFC 5837 section 4.3. */
const NAME_MAX = 64;

/** Where routers that know no length attribute put the extensions: RFC 4884 section 5.1. */
export const NON_COMPLIANT_OFFSET = 128;

const textDecoder = new TextDecoder("utf-8", { ignoreBOM: true });
const textEncoder = new TextEncoder();

/**
 * The extensions in an RFC 4884 extension structure.
 *
 * The version must be 2, the checksum right or 0 (none was computed), and the objects must fill the structure exactly.
 * Takes any bytes: it never throws and reads nothing outside them.
 *
 * @param structure The structure, from its version to the end of the ICMP message.
 * @returns The extensions in order, owning their memory, or `undefined` if this is no such structure.
 *
 * @example
 * ```ts
 * import { decodeIcmpExtensions, encodeIcmpExtensions } from "@sockeye/sockeye/qos";
 * import assert from "node:assert/strict";
 *
 * const labels = [{ label: 24001, trafficClass: 0, isBottom: true, ttl: 1 }];
 * const structure = encodeIcmpExtensions([{ kind: "mpls", classNumber: 1, classType: 1, labels }]);
 * const extensions = decodeIcmpExtensions(structure);
 * assert(extensions?.[0].kind === "mpls");
 * assert.deepEqual(extensions[0].labels, labels);
 * ```
 */
export function decodeIcmpExtensions(structure: Uint8Array): readonly IcmpExtension[] | undefined {
  if (structure.length < HEADER_SIZE || structure[0] >> 4 !== VERSION) return undefined;
  if (readUint16(structure, 2) !== 0 && internetChecksum(structure) !== 0) return undefined;
  const extensions: IcmpExtension[] = [];
  let offset = HEADER_SIZE;
  while (offset < structure.length) {
    if (structure.length - offset < OBJECT_HEADER_SIZE) return undefined;
    const length = readUint16(structure, offset);
    if (length < OBJECT_HEADER_SIZE || length > structure.length - offset) return undefined;
    const data = structure.slice(offset + OBJECT_HEADER_SIZE, offset + length);
    extensions.push(decodeObject(structure[offset + 2], structure[offset + 3], data));
    offset += length;
  }
  return extensions;
}

function decodeObject(classNumber: number, classType: number, data: Uint8Array): IcmpExtension {
  let known: IcmpExtension | undefined;
  if (classNumber === MPLS_CLASS && classType === MPLS_INCOMING_STACK) known = decodeMpls(data);
  else if (classNumber === INTERFACE_CLASS) known = decodeInterface(classType, data);
  return known ?? { kind: "unknown", classNumber, classType, data };
}

function decodeMpls(data: Uint8Array): MplsExtension | undefined {
  if (data.length === 0 || data.length % 4 !== 0) return undefined;
  const labels: MplsLabel[] = [];
  for (let offset = 0; offset < data.length; offset += 4) {
    const entry = readUint32(data, offset);
    labels.push({
      label: entry >>> 12,
      trafficClass: entry >>> 9 & 7,
      isBottom: (entry & 0x100) !== 0,
      ttl: entry & 0xff,
    });
  }
  return { kind: "mpls", classNumber: MPLS_CLASS, classType: MPLS_INCOMING_STACK, labels };
}

/** RFC 5837 section 4: the fields come in the order of their bits. */
function decodeInterface(classType: number, data: Uint8Array): InterfaceExtension | undefined {
  const fields: { ifIndex?: number; address?: string; name?: string; mtu?: number } = {};
  let offset = 0;
  if (classType & HAS_INDEX) {
    if (data.length < offset + 4) return undefined;
    fields.ifIndex = readUint32(data, offset);
    offset += 4;
  }
  if (classType & HAS_ADDRESS) {
    const size = addressSize(data, offset);
    if (size === 0 || data.length < offset + 4 + size) return undefined;
    fields.address = size === 4 ? formatIPv4(data, offset + 4) : formatIPv6(data, offset + 4);
    offset += 4 + size;
  }
  if (classType & HAS_NAME) {
    const size = data[offset] ?? 0;
    if (size < 1 || size > NAME_MAX || data.length < offset + size) return undefined;
    fields.name = textUntilNul(data.subarray(offset + 1, offset + size));
    offset += size;
  }
  if (classType & HAS_MTU) {
    if (data.length < offset + 4) return undefined;
    fields.mtu = readUint32(data, offset);
    offset += 4;
  }
  if (offset !== data.length) return undefined;
  return { kind: "interface", classNumber: INTERFACE_CLASS, classType, role: ROLES[classType >> 6], ...fields };
}

/** Bytes of the address that begins with an address family number; 0 where there is none. */
function addressSize(data: Uint8Array, offset: number): number {
  if (data.length < offset + 4) return 0;
  const family = readUint16(data, offset);
  return family === AFI_IPV4 ? 4 : family === AFI_IPV6 ? 16 : 0;
}

function textUntilNul(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return textDecoder.decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** The packet that an ICMP error quotes, apart from what is behind it. */
export interface QuotedPacket {
  /** The quoted packet, possibly cut off, and by RFC 4884 possibly padded with zeros; a view. */
  readonly original: Uint8Array;
  /** The extensions; none where there are none. */
  readonly extensions: readonly IcmpExtension[];
}

const NO_EXTENSIONS: readonly IcmpExtension[] = Object.freeze([]);

/**
 * Parts the packet that an ICMP error quotes from the extensions behind it.
 *
 * Without a length attribute, extensions are looked for at byte 128 of the quoted packet, where routers older than
 * RFC 4884 put them (its section 5.1); they are taken for such if they decode. Takes any bytes: it never throws.
 *
 * @param quoted Everything behind the ICMP header; or what the error queue returns as payload.
 * @param length The quoted packet's bytes by the message's length attribute, or by `extensionsOffset` of the error queue;
 * 0 where there is none. @default {0}
 * @param removed Bytes of the quoted packet that are no longer in front, as the error queue takes the headers off.
 * @default {0}
 * @returns The two parts. Where there are no sound extensions, all of `quoted` is the packet.
 *
 * @example
 * ```ts
 * import { encodeIcmpExtensions, splitQuotedPacket } from "@sockeye/sockeye/qos";
 * import assert from "node:assert/strict";
 *
 * const quoted = new Uint8Array(128 + 16);
 * const labels = [{ label: 16, trafficClass: 0, isBottom: false, ttl: 1 }, { label: 17, trafficClass: 0, isBottom: true, ttl: 1 }];
 * quoted.set(encodeIcmpExtensions([{ kind: "mpls", classNumber: 1, classType: 1, labels }]), 128);
 * const { original, extensions } = splitQuotedPacket(quoted);
 * assert.equal(original.length, 128);
 * assert.equal(extensions.length, 1);
 * ```
 */
export function splitQuotedPacket(quoted: Uint8Array, length = 0, removed = 0): QuotedPacket {
  const offset = length > 0 ? length : NON_COMPLIANT_OFFSET - removed;
  // Four bytes of header alone prove nothing: zeros and a 2 are common in payloads.
  if (offset >= 0 && quoted.length >= offset + HEADER_SIZE + OBJECT_HEADER_SIZE) {
    const extensions = decodeIcmpExtensions(quoted.subarray(offset));
    if (extensions !== undefined) return { original: quoted.subarray(0, offset), extensions };
  }
  return {
    original: length > 0 && length < quoted.length ? quoted.subarray(0, length) : quoted,
    extensions: NO_EXTENSIONS,
  };
}

/**
 * The bytes of an RFC 4884 extension structure, checksum included.
 *
 * The type of an interface object follows from its fields; its `classType` is not looked at.
 *
 * @param extensions The extensions, in order.
 * @returns A new array.
 * @throws {ArgumentError} if a field is out of range, an address malformed or a name longer than 63 bytes.
 *
 * @example
 * ```ts
 * import { encodeIcmpExtensions } from "@sockeye/sockeye/qos";
 * import assert from "node:assert/strict";
 *
 * const labels = [{ label: 24001, trafficClass: 0, isBottom: true, ttl: 1 }];
 * const bytes = encodeIcmpExtensions([{ kind: "mpls", classNumber: 1, classType: 1, labels }]);
 * assert.deepEqual([...bytes.subarray(4)], [0, 8, 1, 1, 0x05, 0xdc, 0x11, 0x01]);
 * ```
 */
export function encodeIcmpExtensions(extensions: readonly IcmpExtension[]): Uint8Array<ArrayBuffer> {
  const objects = extensions.map((extension, index) => encodeObject(extension, `extensions[${index}]`));
  const structure = new Uint8Array(objects.reduce((sum, object) => sum + object.length, HEADER_SIZE));
  structure[0] = VERSION << 4;
  let offset = HEADER_SIZE;
  for (const object of objects) {
    structure.set(object, offset);
    offset += object.length;
  }
  writeUint16(structure, 2, internetChecksum(structure));
  return structure;
}

function encodeObject(extension: IcmpExtension, argument: string): Uint8Array {
  const { classNumber, classType, data } = objectOf(extension, argument);
  requireRange(`${argument}.classNumber`, classNumber, 255);
  requireRange(`${argument}.classType`, classType, 255);
  requireRange(`${argument}.data.length`, data.length, 0xffff - OBJECT_HEADER_SIZE);
  const object = new Uint8Array(OBJECT_HEADER_SIZE + data.length);
  writeUint16(object, 0, object.length);
  object[2] = classNumber;
  object[3] = classType;
  object.set(data, OBJECT_HEADER_SIZE);
  return object;
}

function objectOf(
  extension: IcmpExtension,
  argument: string,
): { classNumber: number; classType: number; data: Uint8Array } {
  switch (extension.kind) {
    case "mpls":
      return { classNumber: MPLS_CLASS, classType: MPLS_INCOMING_STACK, data: encodeMpls(extension.labels, argument) };
    case "interface":
      return encodeInterface(extension, argument);
    case "unknown":
      return extension;
  }
  throw new ArgumentError(`${argument}.kind`, `must be "mpls", "interface" or "unknown"`);
}

function encodeMpls(labels: readonly MplsLabel[], argument: string): Uint8Array {
  const data = new Uint8Array(labels.length * 4);
  for (const [index, { label, trafficClass, isBottom, ttl }] of labels.entries()) {
    requireRange(`${argument}.labels[${index}].label`, label, 0xfffff);
    requireRange(`${argument}.labels[${index}].trafficClass`, trafficClass, 7);
    requireRange(`${argument}.labels[${index}].ttl`, ttl, 255);
    writeUint32(data, index * 4, label << 12 | trafficClass << 9 | (isBottom ? 0x100 : 0) | ttl);
  }
  return data;
}

function encodeInterface(extension: InterfaceExtension, argument: string) {
  const { role, ifIndex, address, name, mtu } = extension;
  const roleNumber = ROLES.indexOf(role);
  if (roleNumber < 0) throw new ArgumentError(`${argument}.role`, `must be one of ${ROLES.join(", ")}, got ${role}`);
  let classType = roleNumber << 6;
  const data: number[] = [];
  if (ifIndex !== undefined) {
    classType |= HAS_INDEX;
    data.push(...uint32(ifIndex, `${argument}.ifIndex`));
  }
  if (address !== undefined) {
    classType |= HAS_ADDRESS;
    data.push(...encodeAddress(address, `${argument}.address`));
  }
  if (name !== undefined) {
    classType |= HAS_NAME;
    data.push(...encodeName(name, `${argument}.name`));
  }
  if (mtu !== undefined) {
    classType |= HAS_MTU;
    data.push(...uint32(mtu, `${argument}.mtu`));
  }
  return { classNumber: INTERFACE_CLASS, classType, data: Uint8Array.from(data) };
}

function uint32(value: number, argument: string): Uint8Array {
  requireRange(argument, value, 0xffffffff);
  const bytes = new Uint8Array(4);
  writeUint32(bytes, 0, value);
  return bytes;
}

function encodeAddress(address: string, argument: string): number[] {
  const inet = parseIPv4(address);
  if (inet !== undefined) return [0, AFI_IPV4, 0, 0, ...inet];
  const inet6 = parseIPv6(address);
  if (inet6 !== undefined) return [0, AFI_IPV6, 0, 0, ...inet6];
  throw new ArgumentError(argument, `must be a numeric IP address, got ${JSON.stringify(address)}`);
}

/** The length byte, the name, and zeros up to a multiple of four. */
function encodeName(name: string, argument: string): Uint8Array {
  const text = textEncoder.encode(name);
  if (text.length >= NAME_MAX || text.includes(0)) {
    throw new ArgumentError(argument, `must be at most ${NAME_MAX - 1} bytes without NUL, got ${text.length}`);
  }
  const bytes = new Uint8Array(Math.ceil((1 + text.length) / 4) * 4);
  bytes[0] = bytes.length;
  bytes.set(text, 1);
  return bytes;
}

function requireRange(argument: string, value: number, max: number): void {
  if (Number.isInteger(value) && value >= 0 && value <= max) return;
  throw new ArgumentError(argument, `must be an integer from 0 to ${max}, got ${String(value)}`);
}

/**
 * Reads what tcpdump writes into files: pcap, draft-ietf-opsawg-pcap.
 *
 * It knows of the headers under IP only as much as it takes to find the IP packet: Ethernet, and the two headers that
 * Linux invents for captures of all interfaces ("cooked").
 *
 * @module
 */

/** A packet of a capture. */
export interface CapturedPacket {
  /** When it was captured, in milliseconds since the epoch, with fractions. */
  timestamp: number;
  /** The EtherType of what it carries: 0x0800 for IPv4, 0x86dd for IPv6. */
  etherType: number;
  /** What it carries, from the IP header on; not padded to what Ethernet wants at least. */
  data: Uint8Array;
  /** Whether the capture holds less of it than there was. */
  isTruncated: boolean;
}

/** The bytes are no capture, or one of an unknown kind. */
export class PcapError extends Error {
  /** @param message What is wrong. */
  constructor(message: string) {
    super(`pcap: ${message}`);
    this.name = "PcapError";
  }
}

/** Where in the header of each link type the EtherType is, and how long the header is. */
const LINK_TYPES: Readonly<Record<number, { name: string; etherType: number; length: number }>> = {
  1: { name: "Ethernet", etherType: 12, length: 14 },
  113: { name: "Linux cooked, version 1", etherType: 14, length: 16 },
  276: { name: "Linux cooked, version 2", etherType: 0, length: 20 },
};

const FILE_HEADER = 24;
const RECORD_HEADER = 16;
/** The first four bytes, and how many parts of a second the timestamps count. */
const MAGIC: Readonly<Record<number, number>> = { 0xa1b2c3d4: 1e6, 0xa1b23c4d: 1e9 };

/** Reads a capture piece by piece, as it grows. */
export class PcapReader {
  #bytes: Uint8Array = new Uint8Array();
  #format: { littleEndian: boolean; ticks: number; link: (typeof LINK_TYPES)[number] } | undefined;

  /**
   * Takes the next piece of the file.
   *
   * @returns The packets that are complete with it.
   * @throws {PcapError} When the file is no pcap file, or of a link type that isn't known here.
   */
  read(piece: Uint8Array): CapturedPacket[] {
    this.#bytes = concatenated(this.#bytes, piece);
    let offset = 0;
    if (this.#format === undefined) {
      if (this.#bytes.length < FILE_HEADER) return [];
      this.#format = readFileHeader(viewOf(this.#bytes));
      offset = FILE_HEADER;
    }
    const packets: CapturedPacket[] = [];
    const view = viewOf(this.#bytes);
    const { littleEndian, ticks, link } = this.#format;
    while (this.#bytes.length >= offset + RECORD_HEADER) {
      const start = offset + RECORD_HEADER;
      const end = start + view.getUint32(offset + 8, littleEndian);
      if (this.#bytes.length < end) break;
      const seconds = view.getUint32(offset, littleEndian);
      if (end - start >= link.length) {
        packets.push({
          timestamp: (seconds + view.getUint32(offset + 4, littleEndian) / ticks) * 1000,
          etherType: view.getUint16(start + link.etherType),
          data: this.#bytes.slice(start + link.length, end),
          isTruncated: end - start < view.getUint32(offset + 12, littleEndian),
        });
      }
      offset = end;
    }
    this.#bytes = this.#bytes.subarray(offset);
    return packets;
  }

  /** How many bytes wait for the rest of their packet; 0 at the end of a complete file. */
  get pendingBytes(): number {
    return this.#bytes.length;
  }
}

/**
 * Reads a complete capture.
 *
 * @throws {PcapError} When the bytes are no pcap file, or of a link type that isn't known here, or end within a packet.
 */
export function readPcap(bytes: Uint8Array): CapturedPacket[] {
  const reader = new PcapReader();
  const packets = reader.read(bytes);
  if (reader.pendingBytes > 0 || bytes.length < FILE_HEADER) throw new PcapError("the file ends in the middle");
  return packets;
}

function readFileHeader(view: DataView): { littleEndian: boolean; ticks: number; link: (typeof LINK_TYPES)[number] } {
  const littleEndian = view.getUint32(0, true) in MAGIC;
  const ticks = MAGIC[view.getUint32(0, littleEndian)];
  if (ticks === undefined) throw new PcapError("the first bytes are not those of a pcap file");
  // The upper bits say whether frames end with a checksum; those of veth links don't.
  const type = view.getUint32(20, littleEndian) & 0xffff;
  const link = LINK_TYPES[type];
  if (link === undefined) {
    const known = Object.values(LINK_TYPES).map(({ name }) => name).join("; ");
    throw new PcapError(`link type ${type} is none of those known: ${known}`);
  }
  return { littleEndian, ticks, link };
}

function concatenated(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

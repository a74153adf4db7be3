/**
 * An SCTP peer made by hand, packet by packet, in UDP datagrams (RFC 6951): it does what no sane stack would.
 *
 * It needs the kernel to listen for such datagrams: the sysctl `net.sctp.udp_port`.
 *
 * @module
 */

import { createSocket, type Socket } from "node:dgram";

/** Chunk types of RFC 9260 section 3.2. */
export const CHUNK = {
  data: 0,
  init: 1,
  initAck: 2,
  abort: 6,
  error: 9,
  cookieEcho: 10,
  cookieAck: 11,
} as const;

/** The state cookie among the parameters of INIT ACK, RFC 9260 section 3.3.3.1. */
const STATE_COOKIE = 7;
const COMMON_HEADER = 12;
const INIT_LENGTH = 20;

const CRC32C_TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? value >>> 1 ^ 0x82f63b78 : value >>> 1;
  return value;
});

function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC32C_TABLE[(crc ^ byte) & 0xff] ^ crc >>> 8;
  return ~crc >>> 0;
}

/** A chunk with its value, padded to 4 bytes. */
export function chunk(type: number, flags: number, value: Uint8Array): Uint8Array {
  const length = 4 + value.length;
  const out = new Uint8Array(Math.ceil(length / 4) * 4);
  const view = new DataView(out.buffer);
  view.setUint8(0, type);
  view.setUint8(1, flags);
  view.setUint16(2, length);
  out.set(value, 4);
  return out;
}

/** An error cause, RFC 9260 section 3.3.10. */
export function cause(code: number, data: Uint8Array): Uint8Array {
  const out = new Uint8Array(4 + data.length);
  const view = new DataView(out.buffer);
  view.setUint16(0, code);
  view.setUint16(2, out.length);
  out.set(data, 4);
  return out;
}

interface ReceivedChunk {
  type: number;
  value: Uint8Array;
}

/** One association of the handmade peer. */
export class HandmadePeer implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #localPort: number;
  readonly #remotePort: number;
  readonly #encapsulationPort: number;
  readonly #received: ReceivedChunk[] = [];
  #wake: () => void = () => {};
  #remoteTag = 0;
  #tag = 0x1000;
  #tsn = 1;

  private constructor(socket: Socket, localPort: number, remotePort: number, encapsulationPort: number) {
    this.#socket = socket;
    this.#localPort = localPort;
    this.#remotePort = remotePort;
    this.#encapsulationPort = encapsulationPort;
    socket.on("message", (packet) => this.#take(packet));
  }

  /** Sets up an association with whoever listens on 127.0.0.1 at this SCTP port. */
  static async associate(remotePort: number, encapsulationPort: number, localPort = 7777): Promise<HandmadePeer> {
    const socket = createSocket("udp4");
    await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
    const peer = new HandmadePeer(socket, localPort, remotePort, encapsulationPort);
    await peer.setUp();
    return peer;
  }

  /** Sets the association up, or, if there is one, restarts it (RFC 9260 section 5.2). */
  async setUp(): Promise<void> {
    this.#tag++;
    this.#tsn = 1;
    const init = new Uint8Array(INIT_LENGTH - 4);
    const view = new DataView(init.buffer);
    view.setUint32(0, this.#tag);
    view.setUint32(4, 65_536);
    view.setUint16(8, 10);
    view.setUint16(10, 10);
    view.setUint32(12, this.#tsn);
    this.#remoteTag = 0;
    this.send(chunk(CHUNK.init, 0, init));
    const { value } = await this.next(CHUNK.initAck);
    this.#remoteTag = new DataView(value.buffer, value.byteOffset).getUint32(0);
    this.send(chunk(CHUNK.cookieEcho, 0, parameter(value.subarray(INIT_LENGTH - 4), STATE_COOKIE)));
    await this.next(CHUNK.cookieAck);
  }

  /** Sends chunks in one packet. */
  send(...chunks: Uint8Array[]): void {
    const packet = new Uint8Array(COMMON_HEADER + chunks.reduce((sum, { length }) => sum + length, 0));
    const view = new DataView(packet.buffer);
    view.setUint16(0, this.#localPort);
    view.setUint16(2, this.#remotePort);
    view.setUint32(4, this.#remoteTag);
    let offset = COMMON_HEADER;
    for (const bytes of chunks) {
      packet.set(bytes, offset);
      offset += bytes.length;
    }
    view.setUint32(8, crc32c(packet), true);
    this.#socket.send(packet, this.#encapsulationPort, "127.0.0.1");
  }

  /** Sends a piece of a message on a stream: bit 1 of `flags` begins it, bit 0 ends it (RFC 9260 section 3.3.1). */
  sendData(data: Uint8Array, flags: number, streamId = 0, ssn = 0, ppid = 0): void {
    const value = new Uint8Array(12 + data.length);
    const view = new DataView(value.buffer);
    view.setUint32(0, this.#tsn++);
    view.setUint16(4, streamId);
    view.setUint16(6, ssn);
    view.setUint32(8, ppid);
    value.set(data, 12);
    this.send(chunk(CHUNK.data, flags, value));
  }

  /** The next chunk of this type; others are passed over. */
  async next(type: number): Promise<ReceivedChunk> {
    for (;;) {
      for (let next = this.#received.shift(); next !== undefined; next = this.#received.shift()) {
        if (next.type === type) return next;
      }
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.close(resolve));
  }

  #take(packet: Uint8Array): void {
    const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
    for (let offset = COMMON_HEADER; offset + 4 <= packet.length;) {
      const length = view.getUint16(offset + 2);
      if (length < 4) break;
      this.#received.push({ type: view.getUint8(offset), value: packet.slice(offset + 4, offset + length) });
      offset += Math.ceil(length / 4) * 4;
    }
    this.#wake();
  }
}

function parameter(parameters: Uint8Array, type: number): Uint8Array {
  const view = new DataView(parameters.buffer, parameters.byteOffset, parameters.byteLength);
  for (let offset = 0; offset + 4 <= parameters.length;) {
    const length = view.getUint16(offset + 2);
    if (view.getUint16(offset) === type) return parameters.slice(offset + 4, offset + length);
    offset += Math.ceil(length / 4) * 4;
  }
  throw new Error(`INIT ACK has no parameter ${type}`);
}

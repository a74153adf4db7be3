/** What tests of sockets have in common: where to connect to, what to send, and how to read all of it. @module */

import { type MessageSocket, type SocketAddress, StreamListener, StreamSocket } from "@sockeye/sockeye/ffi";
import { randomUUID } from "node:crypto";

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (data: Uint8Array): string => new TextDecoder().decode(data);
export const LOOPBACK: SocketAddress = { family: "inet", address: "127.0.0.1", port: 0 };
export const abstract = (): SocketAddress => ({ family: "unix", abstract: randomUUID() });
/** Long enough for any machine, short enough to fail before the test's own limit. */
export const SOON = { timeout: 30_000 };

/** Bytes of which none is like its neighbours, so that a gap or a swap shows. */
export function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8) * 13 + (i >> 16) * 31) & 0xff);
}

/** Both ends of a connection. */
export async function connected(
  address: SocketAddress = LOOPBACK,
): Promise<[client: StreamSocket, server: StreamSocket]> {
  await using listener = StreamListener.listen(address);
  const accepted = listener.accept(SOON);
  const client = await StreamSocket.connect(listener.localAddress(), SOON);
  return [client, await accepted];
}

/** Everything up to the end of the stream. */
export async function readAll(socket: StreamSocket): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const buffer = new Uint8Array(65536);
  for (let length; (length = await socket.read(buffer, SOON)) !== null;) chunks.push(buffer.slice(0, length));
  return joined(chunks);
}

/** Several pieces as one. */
export function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

/** Fills a stream's way to its peer, and says how many bytes that took. */
export function fill(socket: StreamSocket): number {
  const chunk = new Uint8Array(65536);
  let total = 0;
  for (let written; (written = socket.tryWrite(chunk)) > 0;) total += written;
  return total;
}

/** Fills a message socket's way to its peer, and says how many messages that took. */
export function fillWithMessages(socket: MessageSocket, message: Uint8Array): number {
  let count = 0;
  while (socket.trySend(message)) count++;
  return count;
}

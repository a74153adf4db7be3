/** Transports under test, and peers of theirs that are written by hand. @module */

import type { SockeyeError } from "@sockeye/sockeye/ffi";
import { StreamSocket } from "@sockeye/sockeye/ffi";
import { mkdtempSync, rmSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { PULL, PUSH } from "../../../sp/protocol/protocols.ts";
import { ipc } from "../../../sp/transport/ipc.ts";
import {
  encodeGreeting,
  GREETING_BYTES,
  IPC_FRAMES,
  TCP_FRAMES,
  writeFrameHeader,
} from "../../../sp/transport/stream/frame_format.ts";
import { tcp } from "../../../sp/transport/tcp.ts";
import type {
  Connection,
  Dialing,
  Greeting,
  Listening,
  Transport,
  TransportOptions,
} from "../../../sp/transport/transport.ts";
import { parseSpUrl } from "../../../sp/transport/url.ts";
import { NONE, OPTIONS } from "./parties.ts";

/** A carrier to test: fresh URLs to listen at. */
export interface Carrier {
  readonly name: string;
  readonly transport: Transport;
  readonly isIpc: boolean;
  url(): string;
  skip?: string;
}

const hasIpv6 = Object.values(networkInterfaces()).flat().some((address) => address?.address === "::1");
let names = 0;

/** A folder that is removed when the test is over. */
export async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "sp-"));
  try {
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function freshName(): string {
  return `sp-${Date.now().toString(36)}-${Math.floor(Math.random() * 1e9).toString(36)}-${names++}`;
}

export const CARRIERS: Carrier[] = [
  { name: "ipc", transport: ipc, isIpc: true, url: () => `ipc://${join(tmpdir(), freshName())}` },
  { name: "ipc abstract", transport: ipc, isIpc: true, url: () => `ipc://@${freshName()}` },
  { name: "tcp", transport: tcp, isIpc: false, url: () => "tcp://127.0.0.1:0" },
  {
    name: "tcp6",
    transport: tcp,
    isIpc: false,
    url: () => "tcp6://[::1]:0",
    ...(hasIpv6 ? {} : { skip: "no IPv6" }),
  },
];

/** Values that come one after the other, and those who wait for them. */
export class Arrivals<T> {
  readonly #values: T[] = [];
  readonly #waiting: ((value: T) => void)[] = [];

  get size(): number {
    return this.#values.length;
  }

  add(value: T): void {
    const resolve = this.#waiting.shift();
    if (resolve === undefined) this.#values.push(value);
    else resolve(value);
  }

  next(): Promise<T> {
    if (this.#values.length > 0) return Promise.resolve(this.#values.shift()!);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  take(): T[] {
    return this.#values.splice(0);
  }
}

/** A connection, and all that it tells. */
export class Witness {
  readonly connection: Connection;
  readonly messages = new Arrivals<Uint8Array>();
  readonly writable = new Arrivals<void>();
  readonly closed: Promise<SockeyeError | undefined>;
  isClosed = false;
  onMessage: (bytes: Uint8Array) => void = (bytes) => this.messages.add(bytes);

  constructor(connection: Connection, isStarted = true) {
    this.connection = connection;
    this.closed = new Promise((resolve) => {
      if (!isStarted) return;
      connection.start({
        message: (bytes) => this.onMessage(bytes),
        writable: () => this.writable.add(),
        closed: (error) => {
          this.isClosed = true;
          resolve(error);
        },
      });
    });
  }

  send(text: string | Uint8Array): boolean {
    return this.connection.send(NONE, typeof text === "string" ? new TextEncoder().encode(text) : text);
  }

  async text(): Promise<string> {
    return new TextDecoder().decode(await this.messages.next());
  }
}

/** A listener, and all that it tells. */
export class Host {
  readonly listening: Listening;
  readonly accepted = new Arrivals<Connection>();
  readonly failed = new Arrivals<SockeyeError>();

  constructor(transport: Transport, url: string, options: Partial<TransportOptions> = {}, greeting: Greeting = PULL) {
    this.listening = transport.listen(parseSpUrl(url), greeting, { ...OPTIONS, ...options }, {
      accepted: (connection) => this.accepted.add(connection),
      failed: (error) => this.failed.add(error),
    });
  }

  get url(): string {
    return this.listening.url;
  }

  async witness(): Promise<Witness> {
    return new Witness(await this.accepted.next());
  }

  close(): void {
    this.listening.close();
  }
}

/** Connects; rejects with what went wrong. */
export function dial(
  transport: Transport,
  url: string,
  options: Partial<TransportOptions> = {},
  greeting: Greeting = PUSH,
): Promise<Connection> & { dialing: Dialing } {
  let dialing!: Dialing;
  const connected = new Promise<Connection>((connected, failed) => {
    dialing = transport.dial(parseSpUrl(url), greeting, { ...OPTIONS, ...options }, { connected, failed });
  });
  return Object.assign(connected, { dialing });
}

/** A connection from end to end. */
export async function joined(
  carrier: Carrier,
  options: Partial<TransportOptions> = {},
): Promise<{ host: Host; sender: Witness; receiver: Witness }> {
  const host = new Host(carrier.transport, carrier.url(), options);
  const sender = new Witness(await dial(carrier.transport, host.url, options));
  return { host, sender, receiver: await host.witness() };
}

/** A peer that says what it is told to say. */
export async function rawPeer(url: string): Promise<StreamSocket> {
  const { scheme, rest } = parseSpUrl(url);
  if (scheme === "ipc") {
    return await StreamSocket.connect(
      rest.startsWith("@") ? { family: "unix", abstract: rest.slice(1) } : { family: "unix", path: rest },
    );
  }
  const at = rest.lastIndexOf(":");
  const port = Number(rest.slice(at + 1));
  const host = rest.slice(0, at);
  return await StreamSocket.connect(
    host.startsWith("[")
      ? { family: "inet6", address: host.slice(1, -1), port }
      : { family: "inet", address: host, port },
  );
}

/** A peer that has greeted, and been greeted. */
export async function greetedPeer(url: string, protocol = 80): Promise<StreamSocket> {
  const peer = await rawPeer(url);
  await peer.write(encodeGreeting(protocol));
  await readExactly(peer, GREETING_BYTES);
  return peer;
}

export async function readExactly(peer: StreamSocket, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const count = await peer.read(bytes.subarray(at));
    if (count === null) throw new Error(`the stream ended after ${at} bytes`);
    at += count;
  }
  return bytes;
}

/** Reads to the end of the stream, also where that is a reset. */
export async function readToEnd(peer: StreamSocket): Promise<number> {
  const buffer = new Uint8Array(65536);
  let total = 0;
  try {
    for (let count; (count = await peer.read(buffer)) !== null;) total += count;
  } catch (error) {
    if ((error as SockeyeError).code !== "ECONNRESET") throw error;
  }
  return total;
}

/** A frame by hand: the length that it says, and the bytes that come. */
export function frame({ isIpc }: Pick<Carrier, "isIpc">, length: number, body: Uint8Array = NONE): Uint8Array {
  const format = isIpc ? IPC_FRAMES : TCP_FRAMES;
  const bytes = new Uint8Array(format.headerBytes + body.length);
  writeFrameHeader(format, bytes, 0, length);
  bytes.set(body, format.headerBytes);
  return bytes;
}

/** Sends until the connection takes no more; gives the number of messages that it took. */
export function fill(sender: Witness, message: Uint8Array): number {
  for (let count = 0;; count++) if (!sender.send(message)) return count;
}

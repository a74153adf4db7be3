/**
 * Listening with a socket of the runtime.
 *
 * @module
 */

import { chmodSync, lstatSync, unlinkSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { SocketAddress } from "../../../ffi/sockaddr.ts";
import { Admission } from "../places.ts";
import type { Listening, ListeningEvents } from "../transport.ts";
import type { Endpoint } from "./carrier.ts";
import { checkNetOptions, netAddress, netError, netTarget } from "./net_errors.ts";
import { NetHandshake } from "./net_handshake.ts";

/** A listener, which accepts until it is closed. */
export class NetListening implements Listening {
  /** Resolves when it listens; rejects with what went wrong. */
  readonly ready: Promise<void>;
  readonly #endpoint: Endpoint;
  readonly #events: ListeningEvents;
  readonly #path: string | undefined;
  readonly #admission: Admission;
  #server: Server | undefined;
  #url: string;
  #inode: number | undefined;
  #isClosed = false;

  /**
   * Begins to listen.
   *
   * @throws {UnsupportedError} If the options have `allowPeer`.
   */
  constructor(endpoint: Endpoint, events: ListeningEvents) {
    const { address, carrier, options } = endpoint;
    this.#endpoint = endpoint;
    this.#events = events;
    this.#admission = new Admission(options.maxPipes, this, events);
    this.#url = carrier.urlOf(address);
    this.#path = "path" in address ? address.path : undefined;
    checkNetOptions(options, this.#url);
    this.ready = this.#open().catch((error) => {
      throw netError(error, this.#url);
    });
  }

  get url(): string {
    return this.#url;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#admission.cancel();
    this.#removeFile();
    this.#server?.close();
  }

  async #open(): Promise<void> {
    checkPermissions(this.#endpoint.address);
    try {
      this.#server = await listening(this.#endpoint);
    } catch (error) {
      if (this.#path === undefined || (error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
      if (!await isStale(this.#path)) throw error;
      unlinkSync(this.#path);
      this.#server = await listening(this.#endpoint);
    }
    if (this.#path !== undefined) this.#inode = lstatSync(this.#path).ino;
    const bound = this.#server.address();
    const isTcp = bound !== null && typeof bound === "object";
    const address = isTcp ? netAddress(bound.address, bound.port, bound.family) : this.#endpoint.address;
    this.#url = this.#endpoint.carrier.urlOf(address as SocketAddress);
    this.#server.on("connection", (socket) => this.#admit(socket));
    this.#server.on("error", (error) => this.#events.failed(netError(error, this.#url)));
    if (!this.#isClosed) return;
    this.#removeFile();
    this.#server.close();
  }

  #admit(socket: Socket): void {
    const isAdmitted = !this.#isClosed &&
      this.#admission.admit((told, onGone) => new NetHandshake(socket, this.#endpoint, told, onGone));
    if (!isAdmitted) socket.destroy();
  }

  /** Some runtimes remove the file themselves, and some don't; another program's file stays. */
  #removeFile(): void {
    if (this.#path === undefined || this.#inode === undefined) return;
    try {
      if (lstatSync(this.#path).ino === this.#inode) unlinkSync(this.#path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
}

/** A permission of Deno's, and the part of Deno that is asked for it. */
type Permission = { name: "net"; host: string } | { name: "read" | "write"; path: string };
interface WithPermissions {
  readonly Deno?: { readonly permissions: { requestSync(permission: Permission): { state: string } } };
}

/**
 * Asks for the permissions that listening takes on Deno. node:net misses the one for a port in a later turn, where
 * nobody can catch it, and those for a path when the path is bound.
 *
 * @throws {Error} One is not given; in the words of Deno.
 */
function checkPermissions(address: SocketAddress): void {
  const { Deno } = globalThis as WithPermissions;
  if (Deno === undefined) return;
  for (const permission of permissionsFor(address)) {
    if (Deno.permissions.requestSync(permission).state === "granted") continue;
    const { name } = permission;
    const what = permission.name === "net" ? permission.host : permission.path;
    throw new Error(`Requires ${name} access to "${what}", run again with the --allow-${name} flag`);
  }
}

function permissionsFor(address: SocketAddress): Permission[] {
  if (address.family === "unix") {
    if (!("path" in address)) return [];
    const { path } = address;
    return [{ name: "read", path }, { name: "write", path }];
  }
  const host = address.family === "inet6" ? `[${address.address}]` : address.address;
  return [{ name: "net", host: `${host}:${address.port}` }];
}

function listening({ address, options, ipv6Only }: Endpoint): Promise<Server> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.once("listening", () => {
      server.off("error", reject);
      resolve(server);
    });
    const isDual = address.family === "inet6" && address.address === "::" && !ipv6Only;
    server.listen({ ...netTarget(address), ipv6Only: !isDual, backlog: 4096 });
    // The path is bound by now, and nobody has connected: that takes a turn of the event loop.
    if (options.mode !== undefined && "path" in address && server.listening) chmodSync(address.path, options.mode);
  });
}

/** Whether a path is a socket that nobody listens on. */
function isStale(path: string): Promise<boolean> {
  if (!lstatSync(path).isSocket()) return Promise.resolve(false);
  return new Promise((resolve) => {
    const probe = connect({ path });
    probe.once("connect", () => {
      probe.destroy();
      resolve(false);
    });
    probe.once("error", (error: NodeJS.ErrnoException) => resolve(error.code === "ECONNREFUSED"));
  });
}

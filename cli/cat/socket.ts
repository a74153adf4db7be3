/** The socket that a command line of nngcat asks for. @module */

import { AddressError, SockeyeError } from "@sockeye/sockeye";
import { type Pull, type Push, type SpSocket, Sub } from "@sockeye/sockeye/sp";
import { setTimeout } from "node:timers/promises";
import type { CatSocket } from "./exchange.ts";
import { CatFailure } from "./failure.ts";
import { PATTERNS } from "./patterns.ts";
import type { End, Settings } from "./settings.ts";
import { strerror } from "./strerror.ts";

/** The socket, not yet anywhere. */
export function openSocket({ pattern, topics, maxReceiveSize }: Settings): SpSocket {
  const socket = PATTERNS[pattern]({ maxReceiveSize });
  if (socket instanceof Sub) { for (const topic of topics) socket.subscribe(topic); }
  return socket;
}

/** What the patterns can do between them; the settings see to it that only what there is gets called. */
type Calls = Pick<Push, "send"> & Pick<Pull, "receive">;

/** The socket as an exchange wants it. */
export function asCatSocket(socket: SpSocket): CatSocket {
  const calls = socket as unknown as Calls;
  return {
    send: (data, timeout) => calls.send(data, { timeout }),
    receive: async (timeout) => (await calls.receive({ timeout })).body,
  };
}

/**
 * Listens or dials.
 *
 * @param background Whether whoever is dialed may come later, and his host be known later.
 * @param signal Ends what goes on in the background.
 * @returns Where, for people.
 * @throws {CatFailure} That can't be done.
 */
export async function attach(
  socket: SpSocket,
  { role, url }: End,
  background: boolean,
  signal: AbortSignal,
): Promise<string> {
  const address = ours(role, url);
  try {
    if (role === "listen") return shown(url, address, (await socket.listen(address)).url);
    await dial(socket, address, background);
  } catch (error) {
    const mayComeLater = role === "dial" && background && error instanceof AddressError && HOST_PORT.test(url);
    if (!mayComeLater) throw new CatFailure(complaint(role, url, error));
    void dialLater(socket, address, signal);
  }
  return url;
}

function dial(socket: SpSocket, address: string, background: boolean): Promise<unknown> {
  return socket.dial(address, { wait: !background, retry: false });
}

/** How long after one try to look a host up the next one follows, in milliseconds. */
const LOOKUP_MS = 500;

async function dialLater(socket: SpSocket, address: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await setTimeout(LOOKUP_MS, undefined, { signal }).catch(() => {});
    if (!signal.aborted && await dial(socket, address, true).then(() => true, () => false)) return;
  }
}

/** The URL with the schemes that nng has names of its own for, and without what it can do without. */
function ours(role: End["role"], url: string): string {
  const address = url.replace(/^[a-z\d+.-]+(?=:\/\/)/i, (scheme) => scheme.toLowerCase())
    .replace(/^unix:\/\//, "ipc://").replace(/^abstract:\/\//, "ipc://@");
  return role === "listen" && /^tcp[46]?:\/\/(?:[^:[\]/?]+|\[[^\]]*\])$/.test(address) ? `${address}:0` : address;
}

/** Where one listens: as it was given, but with the port that was got. Whatever nng has not is shown as we show it. */
function shown(url: string, address: string, actual: string): string {
  if (address.startsWith("tcp")) return address.replace("://*:", "://:").replace(/:0+$/, PORT.exec(actual)![0]);
  return NNG_SCHEMES.test(url) ? url : actual;
}

const NNG_SCHEMES = /^(?:inproc|ipc|unix|abstract):\/\//i;
const SCHEMES = /^(?:inproc|ipc|unix|abstract|tcp[46]?):\/\//i;
const OWN_SCHEMES = /^(?:udp[46]?|unixgram|ip|sctp):\/\//i;
const PORT = /:\d+$/;
/** A host and a port of some name: what they are is found out when they are dialed. */
const HOST_AND_PORT = /^tcp[46]?:\/\/(?:\[[^\]]*\]|(?!\*:)[^:[\]/?]+):[^:/?]+$/i;
/** The same with a port that is one. */
const HOST_PORT = /^(?:tcp|udp)[46]?:\/\/[^:[\]/?*]+:\d{1,5}$/i;
/** What lacks a bracket, or a port behind its colon. */
const UNFINISHED = /:\/\/(?:\[[^\]]*|.*:)$/;

/** nngcat tells an address that makes no sense from one that can't be had. */
function complaint(role: End["role"], url: string, error: unknown): string {
  // What nng has not, it has no words for; ours say what to do.
  if (OWN_SCHEMES.test(url) && error instanceof SockeyeError) return `Unable to ${role} on ${url}: ${error.message}`;
  const isMalformed = error instanceof AddressError && !(role === "dial" && HOST_AND_PORT.test(url));
  if (isMalformed) return `Unable to create ${NOUNS[role]} for ${url}: ${malformation(url)}`;
  // Nobody listens where there is no file, nor on a port that is none.
  const isNobody = role === "dial" && ((error as { code?: string }).code === "ENOENT" || /:0+$/.test(url));
  return `Unable to ${role} on ${url}: ${isNobody ? "Connection refused" : strerror(error)}`;
}

const NOUNS = { dial: "dialer", listen: "listener" } as const;

function malformation(url: string): string {
  if (!url.includes("://") || UNFINISHED.test(url) && SCHEMES.test(url)) return "Invalid argument";
  if (SCHEMES.test(url)) return "Address invalid";
  return /^(?:tls\+tcp[46]?|wss?[46]?|zt):/i.test(url)
    ? "Not supported: there is no TLS, WebSocket or ZeroTier here"
    : "Not supported";
}

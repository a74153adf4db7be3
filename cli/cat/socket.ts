/** The socket that a command line of nngcat asks for. @module */

import { AddressError } from "@sockeye/sockeye";
import {
  Bus,
  Pair,
  Pub,
  Pull,
  Push,
  Rep,
  Req,
  Respondent,
  type SocketOptions,
  type SpSocket,
  Sub,
  Surveyor,
} from "@sockeye/sockeye/sp";
import type { CatSocket } from "./exchange.ts";
import { CatFailure } from "./failure.ts";
import type { End, PatternName, Settings } from "./settings.ts";
import { strerror } from "./strerror.ts";

/** The socket, not yet anywhere. */
export function openSocket({ pattern, topics, maxReceiveSize }: Settings): SpSocket {
  const socket = OPENERS[pattern]({ maxReceiveSize });
  if (socket instanceof Sub) { for (const topic of topics) socket.subscribe(topic); }
  return socket;
}

const OPENERS: Readonly<Record<PatternName, (options: SocketOptions) => SpSocket>> = {
  req: (options) => new Req(options),
  rep: (options) => new Rep(options),
  pub: (options) => new Pub(options),
  sub: (options) => new Sub(options),
  push: (options) => new Push(options),
  pull: (options) => new Pull(options),
  surveyor: (options) => new Surveyor(options),
  respondent: (options) => new Respondent(options),
  bus: (options) => new Bus(options),
  pair0: (options) => new Pair({ ...options, version: 0 }),
  pair1: (options) => new Pair({ ...options, version: 1 }),
};

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
 * @returns Where, for people.
 * @throws {CatFailure} That can't be done.
 */
export async function attach(socket: SpSocket, { role, url }: End, background: boolean): Promise<string> {
  try {
    if (role === "listen") return (await socket.listen(ours(url))).url;
    return (await socket.dial(ours(url), { wait: !background, retry: false })).url;
  } catch (error) {
    throw new CatFailure(complaint(role, url, error));
  }
}

/** The URL with the schemes that nng has names of its own for. */
function ours(url: string): string {
  return url.replace(/^unix:\/\//, "ipc://").replace(/^abstract:\/\//, "ipc://@");
}

const SCHEMES = /^(?:inproc|ipc|unix|abstract|tcp[46]?|udp[46]?|unixgram|ip|sctp):\/\//;
/** What is well-formed, so that an error about it comes from looking the name up. */
const HOST_PORT = /^[a-z\d]+:\/\/[^:[\]/]+:\d+$/;

/** nngcat tells an address that makes no sense from one that can't be had. */
function complaint(role: End["role"], url: string, error: unknown): string {
  const isMalformed = error instanceof AddressError &&
    !(SCHEMES.test(url) && HOST_PORT.test(url) && portOf(url) < 65536);
  if (isMalformed) return `Unable to create ${NOUNS[role]} for ${url}: ${malformation(url)}`;
  // A file that is missing is one that nobody listens on.
  const isNobody = role === "dial" && (error as { code?: string }).code === "ENOENT";
  return `Unable to ${role} on ${url}: ${isNobody ? "Connection refused" : strerror(error)}`;
}

const NOUNS = { dial: "dialer", listen: "listener" } as const;

function malformation(url: string): string {
  if (!url.includes("://")) return "Invalid argument";
  return SCHEMES.test(url) ? "Address invalid" : "Not supported";
}

function portOf(url: string): number {
  return Number(url.slice(url.lastIndexOf(":") + 1));
}

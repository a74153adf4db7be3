/**
 * Path MTU discovery: the search joined to a socket and timers.
 *
 * @module
 */

import type { Inet6Address, InetAddress } from "../../ffi/sockaddr.ts";
import { checkPacketOptions } from "../packet_options.ts";
import { alignClocks, monotonicNow } from "../trace/clock.ts";
import { findDestination, tooLargeToLeave } from "../trace/destination.ts";
import { packetPart } from "../trace/options.ts";
import { openIcmpProber } from "../trace/probes/icmp.ts";
import type { Prober } from "../trace/probes/prober.ts";
import { openUdpProber } from "../trace/probes/udp.ts";
import type { ProbeAnswer } from "../trace/schedule.ts";
import { Wakeup } from "../trace/wakeup.ts";
import { checkedPathMtuOptions, type PathMtuOptions, type PathMtuSettings, sizesFor } from "./options.ts";
import type { PathMtu } from "./result.ts";
import { PathMtuSearch, type SizeAnswer } from "./search.ts";

/** The TTL that hosts give to their packets, RFC 1700; on IPv6 the hop limit. */
const TTL = 64;
/** How soon a send is tried again where the kernel's buffer is full, in milliseconds. */
const FULL_RETRY_MS = 1;

/** What an answer to a probe means for the search. A packet whose TTL runs out goes round in circles. */
const MEANING: Readonly<Record<ProbeAnswer["meaning"], SizeAnswer["meaning"]>> = {
  destination: "arrived",
  "too-big": "too-big",
  unreachable: "unreachable",
  transit: "unreachable",
};

/**
 * Finds the size of the largest packet that reaches a host unfragmented.
 *
 * Probes must not be fragmented, and begin as large as the local link allows. Where a router says what fits (RFC 1191, RFC
 * 8201), that is tried next. Where large packets vanish without a word while small ones arrive, which is called a black hole,
 * the size is found by trying (RFC 4821, RFC 8899). What the kernel remembers of the path is ignored.
 *
 * UDP probes, the default, need no privilege.
 *
 * @param host A name or a numeric address.
 * @param options How to go about it.
 * @throws {ArgumentError} When an option is out of range, or the host no text or empty.
 * @throws {AddressError} When the host can't be found.
 * @throws {MessageTooLargeError} When not even packets of the size `min` can leave this machine.
 * @throws {UnsupportedError} When the method needs a privilege that is missing; UDP needs none.
 * @throws {SystemError} As in send(2), for instance `ENETUNREACH` without a route.
 *
 * @example
 * ```ts
 * import { pathMtu } from "@sockeye/sockeye/qos";
 * import assert from "node:assert/strict";
 *
 * const { mtu, reached, blackHole } = await pathMtu("127.0.0.1");
 * assert.equal(mtu, 65535);
 * assert.equal(reached, true);
 * assert.equal(blackHole, undefined);
 * ```
 */
export async function pathMtu(host: string, options: PathMtuOptions = {}): Promise<PathMtu> {
  const settings = checkedPathMtuOptions(options);
  const { method, family, port, signal } = settings;
  const packet = { ...packetPart(settings), dontFragment: "probe" as const };
  const destination = await findDestination(host, port, { family, signal });
  checkPacketOptions(packet, destination.family);
  const search = new PathMtuSearch({
    ...settings,
    ...sizesFor(settings, destination.family),
    family: destination.family,
  });
  alignClocks();

  const open = method === "udp" ? openUdpProber : openIcmpProber;
  // One flow, so that all probes take one way.
  const prober = open({ destination, port, isStable: true, packet });
  try {
    await carryOut(search, prober, settings);
  } finally {
    prober.close();
  }
  return resultOf(host, destination, search);
}

async function carryOut(search: PathMtuSearch, prober: Prober, { signal, onStep }: PathMtuSettings): Promise<void> {
  let told = 0;
  const wakeup = new Wakeup(signal);
  prober.listen(() => wakeup.wake());
  try {
    for (;;) {
      signal?.throwIfAborted();
      const isFull = exchange(search, prober);
      for (; told < search.steps.length; told++) onStep?.(search.steps[told]);
      if (search.isDone) return;
      const now = monotonicNow();
      await wakeup.wait(isFull ? FULL_RETRY_MS : (search.wakeAt() ?? now) - now);
    }
  } finally {
    wakeup.close();
  }
}

/** Reads what has arrived, and sends as many probes as may leave now; whether the kernel takes no more. */
function exchange(search: PathMtuSearch, prober: Prober): boolean {
  for (;;) {
    const now = takeWhatArrived(search, prober);
    const request = search.next(now);
    if (request === undefined) {
      // Everything that is there has been read.
      search.expire(now);
      return false;
    }
    const outcome = prober.send({ ...request, ttl: TTL, probe: 0 });
    if (outcome === "full") return true;
    if (typeof outcome === "number") search.sent(request, outcome);
    else if (!search.refused(request, outcome.mtu)) throw tooLargeToLeave(request.size, outcome.mtu, outcome.error);
  }
}

/** Takes note of every answer that is there; when the look for them began. */
function takeWhatArrived(search: PathMtuSearch, prober: Prober): number {
  const began = monotonicNow();
  for (let answer = prober.take(); answer !== undefined; answer = prober.take()) {
    search.answer({ ...answer, meaning: MEANING[answer.meaning] }, monotonicNow());
  }
  return began;
}

function resultOf(hostname: string, { address, family }: InetAddress | Inet6Address, search: PathMtuSearch): PathMtu {
  const { mtu, reached, steps, blackHoleAt } = search;
  const blackHole = blackHoleAt === undefined ? undefined : { arrived: mtu, lost: blackHoleAt };
  return { hostname, address, family, mtu, reached, steps, blackHole };
}

/** A path in the lines of traceroute(8), each as soon as it is settled. @module */

import type { TraceEvent, TraceTarget } from "@sockeye/sockeye/qos";
import { extensionTexts } from "../packets/extensions.ts";
import { printable } from "../payload.ts";
import { type Hop, isSettled, Path } from "./path.ts";

/** What the lines show. */
export interface LinesOptions {
  /** The first TTL. */
  readonly firstTtl: number;
  /** How many probes a hop gets. */
  readonly queries: number;
  /** Whether to show addresses only. */
  readonly isNumeric: boolean;
  /** Whether to show ICMP extensions. */
  readonly showsExtensions: boolean;
}

/** Turns events into lines. */
export class PathLines {
  readonly #options: LinesOptions;
  readonly #path = new Path();
  #nextTtl: number;

  constructor(options: LinesOptions) {
    this.#options = options;
    this.#nextTtl = options.firstTtl;
  }

  /** The lines that an event makes ready, in order. */
  apply(event: TraceEvent): string[] {
    this.#path.apply(event);
    if (event.type === "target") return [headline(event)];
    const lines = [];
    for (let hop = this.#path.hopAt(this.#nextTtl); this.#isReady(hop, event); hop = this.#path.hopAt(this.#nextTtl)) {
      lines.push(hopLine(hop, this.#path, this.#options));
      this.#nextTtl++;
    }
    return lines;
  }

  #isReady(hop: Hop | undefined, event: TraceEvent): hop is Hop {
    // At the end everything is ready: nothing more comes.
    if (hop === undefined || event.type === "summary") return hop !== undefined;
    return isSettled(hop, this.#options.queries) &&
      (this.#options.isNumeric ||
        hop.probes.every((probe) => probe.state !== "answered" || this.#path.isNameKnown(probe.router)));
  }
}

/** What stands above the hops. */
export function headline({ hostname, address, maxTtl, size }: TraceTarget): string {
  return `traceroute to ${shown(hostname)} (${shown(address)}), ${maxTtl} hops max, ${size} byte packets`;
}

/** One hop, as traceroute prints it: a router where it changes, and each probe's round trip. */
function hopLine({ ttl, probes, mtu }: Hop, path: Path, options: LinesOptions): string {
  let line = String(ttl).padStart(2) + " ";
  let router: string | undefined;
  let isMtuTold = mtu === undefined;
  for (const probe of probes) {
    if (probe?.state !== "answered") {
      line += " *";
      continue;
    }
    if (probe.router !== router) {
      router = probe.router;
      line += ` ${routerText(router, path, options)}`;
      if (options.showsExtensions) line += extensionTexts(probe.extensions).map((text) => ` <${text}>`).join("");
    }
    line += `  ${probe.rtt.toFixed(3)} ms`;
    if (probe.note !== "") line += ` ${probe.note}`;
    if (!isMtuTold) line += ` F=${mtu}`;
    isMtuTold = true;
  }
  return isMtuTold ? line : `${line} F=${mtu}`;
}

function routerText(address: string, path: Path, { isNumeric }: LinesOptions): string {
  return isNumeric ? shown(address) : `${shown(path.nameOf(address) ?? address)} (${shown(address)})`;
}

/** A name that somebody else has chosen, with nothing in it that a terminal would obey, and no width but one. */
export function shown(name: string): string {
  return printable(name).replace(/[^\x21-\x7e]/gu, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}

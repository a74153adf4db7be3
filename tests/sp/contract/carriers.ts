/**
 * The transports, each with fresh addresses, so that one suite runs over all of them.
 *
 * @module
 */

import { mkdtempSync, rmSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { isSctpAvailable } from "@sockeye/sockeye/sctp";
import { test, type TestOptions } from "../../support/harness.ts";

/** One way to carry messages. */
export interface Carrier {
  /** What tests call it. */
  readonly name: string;
  /** A URL to listen on that nobody uses; the listener tells the real one. */
  url(): string;
  /**
   * The largest message, where one is a packet. Such carriers may also lose messages: a peer that has to keep up must have
   * read before more is sent.
   */
  readonly maxMessageBytes?: number;
  /** Whether peers tell each other how much they take, so that what is too large is never sent. */
  readonly tellsSizes?: boolean;
  /** Why it can't be tested here, if it can't. */
  readonly skip?: string;
  /** Whether this machine is one that has it; elsewhere nothing is missing. @default {true} */
  readonly where?: boolean;
}

let folder: string | undefined;
let count = 0;

function path(): string {
  if (folder === undefined) {
    const made = mkdtempSync(join(tmpdir(), "sockeye-sp-"));
    folder = made;
    const remove = () => rmSync(made, { recursive: true, force: true });
    // `deno test` ends without the event that Node and Bun have.
    if ("Deno" in globalThis) globalThis.addEventListener("unload", remove);
    else process.on("exit", remove);
  }
  return join(folder, `${++count}`);
}

const noIpv6 = Object.values(networkInterfaces()).flat().some((address) => address?.family === "IPv6")
  ? undefined
  : "this machine has no IPv6";

const notRoot = process.getuid?.() === 0 ? undefined : "raw sockets take CAP_NET_RAW: run it as root";

/** All of them. */
export const CARRIERS: readonly Carrier[] = [
  { name: "inproc", url: () => `inproc://contract-${++count}` },
  { name: "ipc", url: () => `ipc://${path()}` },
  { name: "ipc, abstract", url: () => `ipc://@sockeye-contract-${process.pid}-${++count}` },
  { name: "unixgram", url: () => `unixgram://${path()}`, tellsSizes: true },
  {
    name: "unixgram, abstract",
    url: () => `unixgram://@sockeye-contract-${process.pid}-${++count}`,
    tellsSizes: true,
  },
  { name: "tcp", url: () => "tcp://127.0.0.1:0" },
  { name: "tcp6", url: () => "tcp6://[::1]:0", ...(noIpv6 && { skip: noIpv6 }) },
  { name: "udp4", url: () => "udp4://127.0.0.1:0", maxMessageBytes: 65_000, tellsSizes: true },
  {
    name: "udp6",
    url: () => "udp6://[::1]:0",
    maxMessageBytes: 65_000,
    tellsSizes: true,
    ...(noIpv6 && { skip: noIpv6 }),
  },
  {
    name: "ip",
    url: () => "ip://127.0.0.1:0",
    maxMessageBytes: 65_000,
    tellsSizes: true,
    ...(notRoot && { skip: notRoot }),
  },
  { name: "sctp", url: () => "sctp://127.0.0.1:0", where: isSctpAvailable() },
];

let wanted: string | undefined;

/** Has the suite run over one carrier alone; called before the suite is imported. */
export function runOverOnly(name: string): void {
  wanted = name;
}

/** How a test is run over carriers. */
export interface OverOptions extends TestOptions {
  /** Which carriers the claim is about. @default all */
  only?: (carrier: Carrier) => boolean;
}

/** Registers a test for each carrier. */
export function overEach(
  claim: string,
  prove: (carrier: Carrier) => void | Promise<void>,
  { only = () => true, ...options }: OverOptions = {},
): void {
  for (const carrier of CARRIERS) {
    if (wanted !== undefined && carrier.name !== wanted || !only(carrier)) continue;
    test(`${carrier.name}: ${claim}`, () => prove(carrier), {
      ...options,
      skip: carrier.skip ?? options.skip,
      where: carrier.where ?? options.where,
    });
  }
}

/** Long enough for anything that is to happen at all, in milliseconds. */
export const SOON = { timeout: 20_000 } as const;

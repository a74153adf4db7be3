/**
 * Addresses that no other cell has.
 *
 * @module
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What a cell runs over. */
export type Carrier = "ipc" | "tcp";

/** Below the ports that the kernel gives to whoever connects, so that nobody takes one between the look and the use. */
const FIRST_PORT = 20_000;
const PORTS = 12_000;

let folder: string | undefined;
let places = 0;
let nextPort = Deno.pid * 127 % PORTS;

/** A path in a folder of this run. */
export function freshPath(): string {
  folder ??= mkdtempSync(join(tmpdir(), "sockeye-sp-"));
  return join(folder, String(places++));
}

/** An address at which nobody listens. */
export function freshUrl(carrier: Carrier): string {
  return carrier === "ipc" ? `ipc://${freshPath()}` : `tcp://127.0.0.1:${freshPort()}`;
}

/** Removes what is left of all paths. */
export function removePaths(): void {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
}

function freshPort(): number {
  for (let tries = 0; tries < PORTS; tries++) {
    const port = FIRST_PORT + nextPort++ % PORTS;
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new Error("no port is free");
}

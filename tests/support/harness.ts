/**
 * One way to write a test for every runtime: `Deno.test` with its sanitizers on Deno, `node:test` on Node and Bun.
 *
 * It owns the registration of tests and nothing else; assertions come from `node:assert/strict`.
 *
 * @module
 */

import { Reactor } from "@sockeye/sockeye/ffi";
import process from "node:process";
import { test as nodeTest } from "node:test";

/** How a test is run. */
export interface TestOptions {
  /** Why the test can't run here. Any non-empty string skips it, and the reason is reported with its name. */
  skip?: string | undefined | false;
  /**
   * Whether this machine is one that the claim is about; elsewhere there is no such test. For claims that exclude each
   * other ("with kernel SCTP …", "without …"): unlike after a skip nothing is missing, since the file runs on both.
   *
   * @default {true}
   */
  where?: boolean;
  /**
   * How long the test may take, in milliseconds.
   *
   * @default {180000}
   */
  timeoutMs?: number;
}

/** The program that runs the tests: "deno", "bun" or "node". */
export const runtime: "deno" | "bun" | "node" = "Deno" in globalThis
  ? "deno"
  : process.versions.bun !== undefined
  ? "bun"
  : "node";

let reactor: Reactor | undefined;
try {
  // libc and the reactor are opened once and stay: opened here, they are no test's leak.
  reactor = Reactor.current();
} catch {
  // Where there is no libc, the tests that need it say so themselves.
}

/** Only what hangs takes so long, on the slowest machine. */
const DEFAULT_TIMEOUT_MS = 180_000;

/**
 * Registers a test. On Deno a test that leaves an operation or a resource open fails.
 *
 * @example A claim, and the arrangement that proves it
 * ```ts ignore
 * test("a reply after close is refused", async () => {
 *   await assert.rejects(reply(), ClosedError);
 * });
 * ```
 */
export function test(name: string, fn: () => void | Promise<void>, options: TestOptions = {}): void {
  const { skip, where = true, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  if (!where) return;
  const fullName = skip ? `${name} (skipped: ${skip})` : name;
  if (runtime === "deno") {
    Deno.test({
      name: fullName,
      fn: async () => {
        await fn();
        // The thread that waited for the test's sockets comes back a moment after the last of them is closed.
        await reactor?.idle();
      },
      ignore: Boolean(skip),
      sanitizeOps: true,
      sanitizeResources: true,
      sanitizeExit: true,
      timeout: timeoutMs,
    });
  } else {
    nodeTest(fullName, { skip: Boolean(skip), timeout: timeoutMs }, async () => await fn());
  }
}

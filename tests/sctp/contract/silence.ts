/**
 * A network in which nobody answers: its packets leave by the loopback interface, and are dropped on their way in.
 *
 * @module
 */

import { spawnSync } from "node:child_process";

/** A network that can be there for a while. */
export interface SilentNetwork {
  /** A peer in it. */
  readonly url: string;
  /** Routes to it until disposed. */
  begin(): Disposable;
}

/** TEST-NET-1 of RFC 5737, which nobody has, and the address from which we send there. */
const NETWORK = "192.0.2.0/24";
const SOURCE = "192.0.2.2";

function ip(...args: string[]): boolean {
  return spawnSync("ip", args, { stdio: "ignore" }).status === 0;
}

function add(): boolean {
  return ip("address", "add", `${SOURCE}/32`, "dev", "lo") && ip("route", "add", NETWORK, "dev", "lo", "src", SOURCE);
}

function remove(): void {
  ip("route", "del", NETWORK, "dev", "lo");
  ip("address", "del", `${SOURCE}/32`, "dev", "lo");
}

/** The network, or `undefined` where this process may not route to it. */
export function silentNetwork(): SilentNetwork | undefined {
  const isAllowed = add();
  remove();
  if (!isAllowed) return undefined;
  return {
    url: "sctp://192.0.2.1:5000",
    begin() {
      add();
      return { [Symbol.dispose]: remove };
    },
  };
}

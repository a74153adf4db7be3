/**
 * Whether this machine's own kernel has SCTP.
 *
 * It must not lean on the code under test, so it asks /proc, modprobe and programs that others wrote.
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";

/** What the sctp module puts into /proc when it is loaded or built in. */
const PROC_SCTP = "/proc/net/sctp";

/** socket(AF_INET, SOCK_SEQPACKET, IPPROTO_SCTP): makes the kernel load the module, also for an unprivileged user. */
const OPEN_SOCKET = "socket(my $socket, 2, 5, 132) or exit 1";

/** Whether SCTP sockets can be had from this kernel. Loads its module where that is possible. */
export function kernelHasSctp(): boolean {
  if (process.platform !== "linux") return false;
  if (existsSync(PROC_SCTP)) return true;
  if (process.getuid?.() === 0) spawnSync("modprobe", ["-q", "sctp"], { stdio: "ignore" });
  if (existsSync(PROC_SCTP)) return true;
  return spawnSync("perl", ["-e", OPEN_SOCKET], { stdio: "ignore" }).status === 0;
}

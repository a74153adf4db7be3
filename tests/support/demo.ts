/**
 * `deno task demo`: traces a route through a network of its own (examples/qos_demo.ts), asks and publishes by the
 * Scalability Protocols (examples/sp_demo.ts), then exchanges SCTP messages where kernel SCTP is (examples/sctp_demo.ts). It
 * says where each part runs, if not here.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { createChain } from "../qos/network/chain.ts";
import { netnsUnavailable } from "./netns/topology.ts";
import { ensurePackages } from "./peers.ts";
import { RigError, startInRig } from "./rig/rig.ts";

type Kill = (signal: NodeJS.Signals) => unknown;

const INTERRUPTED = 130;

/** Ends the part that is running. */
let kill: Kill = () => {};
let isInterrupted = false;

function example(name: string): string {
  return fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));
}

/** Runs a command to its end, and gives its exit status. */
async function run(command: readonly string[]): Promise<number> {
  const child = spawn(command[0], command.slice(1), { stdio: "inherit" });
  kill = (signal) => child.kill(signal);
  const [code] = await once(child, "close");
  return code ?? INTERRUPTED;
}

/** Where root may make namespaces, a network with routers; elsewhere this machine has to do. */
async function showPacketControl(): Promise<number> {
  const command = [process.execPath, "run", "--no-check", "-A", example("qos_demo.ts")];
  ensurePackages(["iproute2"]);
  if (netnsUnavailable() !== undefined) {
    console.log("── Per-packet control, on this machine (as root on Linux: through a network of routers)");
    return await run(command);
  }
  console.log(
    "── Per-packet control, through nine network namespaces: routers, one of them silent, and two small links",
  );
  await using chain = await createChain();
  return await run(chain.net.within("source", [...command, chain.truth.inet.destination]));
}

async function showScalabilityProtocols(): Promise<number> {
  console.log("── Scalability Protocols");
  return await run([process.execPath, "run", "--no-check", "-A", example("sp_demo.ts")]);
}

async function showSctp(args: readonly string[]): Promise<number> {
  console.log("── SCTP");
  try {
    const started = startInRig({
      command: "deno",
      args: ["run", "--no-check", "-A", example("sctp_demo.ts"), ...args],
    });
    if (started.kernel === "guest") {
      console.log("This machine's kernel has no SCTP: the demo runs on a Linux that runs as a process, in a moment.");
    }
    kill = (signal) => started.kill(signal);
    return (await started.result).code;
  } catch (error) {
    if (!(error instanceof RigError)) throw error;
    console.error(`This part needs a kernel with SCTP. ${error.message}`);
    return 1;
  }
}

async function main(args: readonly string[]): Promise<number> {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      isInterrupted = true;
      kill(signal);
    });
  }
  for (const show of [showPacketControl, showScalabilityProtocols, () => showSctp(args)]) {
    const code = await show();
    if (isInterrupted) return 0;
    if (code !== 0) return code;
  }
  return 0;
}

// Signal listeners would keep the program waiting for signals.
process.exit(await main(process.argv.slice(2)));

/**
 * `deno task demo`: runs examples/sctp_demo.ts where kernel SCTP is, and says where that was, if not here.
 *
 * @module
 */

import process from "node:process";
import { fileURLToPath } from "node:url";
import { RigError, startInRig } from "./rig/rig.ts";

const DEMO = fileURLToPath(new URL("../../examples/sctp_demo.ts", import.meta.url));

async function main(args: string[]): Promise<number> {
  try {
    const run = startInRig({ command: "deno", args: ["run", "--no-check", "-A", DEMO, ...args] });
    if (run.kernel === "guest") {
      console.log("This machine's kernel has no SCTP: the demo runs on a Linux that runs as a process, in a moment.");
    }
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => run.kill(signal));
    return (await run.result).code;
  } catch (error) {
    if (!(error instanceof RigError)) throw error;
    console.error(`The demo needs a kernel with SCTP. ${error.message}`);
    return 1;
  }
}

// Signal listeners would keep the program waiting for signals.
process.exit(await main(process.argv.slice(2)));

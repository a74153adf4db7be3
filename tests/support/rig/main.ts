/**
 * `deno task rig`: runs a command where kernel SCTP exists.
 *
 * @module
 */

import process from "node:process";
import { parseArgs } from "node:util";
import { DEFAULT_TIMEOUT_MS, RigError, startInRig } from "./rig.ts";

const HELP =
  `Runs a command where kernel SCTP exists: on this machine's kernel if it has SCTP, else under user-mode-linux,
a kernel that runs as a process and sees the same files.

Usage: deno task rig [--time-limit SECONDS] [--memory MIB] [--guest] -- COMMAND [ARGUMENT…]

  --time-limit SECONDS   then everything is killed (default ${DEFAULT_TIMEOUT_MS / 1000})
  --memory MIB           the guest's memory (default 2048)
  --guest                use the guest even where this machine's kernel has SCTP
  --help                 show this help

Arguments, environment, working directory, standard streams, SIGINT, SIGTERM and the exit status pass through.

Examples:
  deno task rig -- checksctp
  deno task rig -- deno test -A --no-check tests/sctp/contract
  deno task rig -- bash -c 'ip netns add a; ip netns exec a ip link'

Exit status: the command's; 2 usage, 124 time limit, 125 the rig failed, 127 no such command.`;

const USAGE = 2;
const RIG_FAILED = 125;

/** What a shell counts where SIGPIPE ended a program: nobody reads the output any more. */
const BROKEN_PIPE = 141;

/** Ctrl-C, kill(1), and a terminal that closes. */
const FORWARDED = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

async function main(args: string[]): Promise<number> {
  const request = readArguments(args);
  if (typeof request === "number") return request;
  try {
    const run = startInRig({
      ...request,
      // Only what was piped or redirected: a terminal's input belongs to whoever types.
      stdin: process.stdin.isTTY ? "null" : process.stdin,
    });
    for (const signal of FORWARDED) process.on(signal, () => run.kill(signal));
    const { code, timedOut } = await run.result;
    if (timedOut) {
      console.error(`rig: ${request.command} took longer than ${request.timeoutMs / 1000} s and was killed`);
    }
    return code;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EPIPE") return BROKEN_PIPE;
    if (!(error instanceof RigError)) throw error;
    console.error(`rig: ${error.message}`);
    return RIG_FAILED;
  }
}

function readArguments(args: string[]) {
  const { ours, command } = split(args);
  let values;
  try {
    values = parseArgs({
      args: ours,
      options: {
        "time-limit": { type: "string", default: String(DEFAULT_TIMEOUT_MS / 1000) },
        memory: { type: "string", default: "2048" },
        guest: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    return usage((error as Error).message);
  }
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const timeoutMs = Number(values["time-limit"]) * 1000;
  const memoryMiB = Number(values.memory);
  if (!(timeoutMs > 0)) return usage(`--time-limit ${values["time-limit"]} is not a number of seconds`);
  if (!(Number.isInteger(memoryMiB) && memoryMiB > 0)) return usage(`--memory ${values.memory} is not a number of MiB`);
  if (command.length === 0) return usage("no command is given");
  const kernel: "guest" | "any" = values.guest ? "guest" : "any";
  return { command: command[0], args: command.slice(1), timeoutMs, memoryMiB, kernel };
}

function usage(complaint: string): number {
  console.error(`rig: ${complaint}; see deno task rig --help`);
  return USAGE;
}

/** Our options end at the first `--`, or at the first argument that neither is one nor belongs to one. */
function split(args: string[]): { ours: string[]; command: string[] } {
  let at = 0;
  while (at < args.length && args[at].startsWith("-") && args[at] !== "--") {
    at += args[at] === "--time-limit" || args[at] === "--memory" ? 2 : 1;
  }
  return { ours: args.slice(0, at), command: args.slice(args[at] === "--" ? at + 1 : at) };
}

// Standard input may never end, and must not keep the program.
process.exit(await main(process.argv.slice(2)));

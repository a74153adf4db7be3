/**
 * Who is measured with the Scalability Protocols: ours, libnng by a program in C, zeromq.js on Node.
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Peer } from "./peer.ts";
import { inC, onDeno, onNode, output, version } from "./programs.ts";
import type { Settings } from "./settings.ts";

/** Where zeromq.js is installed: outside of everything that is published. */
const ZEROMQ_FOLDER = fileURLToPath(new URL("../.build/bench/zeromq", import.meta.url));
const ZEROMQ = "zeromq@^6";
/** Where there is no registry npm tries again for minutes, and nobody should wait for that. */
const INSTALL_LIMIT_MS = 30_000;

/** A library that speaks for itself. */
export type Library = "nng" | "zeromq" | "ours";

/** How a library's program is started; nothing where it can't be had. */
export type Libraries = Readonly<{ ours: readonly string[]; nng?: readonly string[]; zeromq?: readonly string[] }>;

/** How libraries are called in tables. */
export const LIBRARY_TITLES: Readonly<Record<Library, string>> = { nng: "nng", zeromq: "zeromq.js", ours: "ours" };

/** Finds out who is there, and has them built. */
export function libraries({ log }: Settings): Libraries {
  const nng = nngProgram();
  const zeromq = zeromqProgram();
  if (nng === undefined) log("nng: left out, for there is no C compiler or no <nng/nng.h> (libnng-dev)");
  if (zeromq === undefined) log("zeromq.js: left out, for npm can't install it, or there is no Node");
  return { ours: onDeno("our_sp.ts", "--v8-flags=--expose-gc"), nng, zeromq };
}

function nngProgram(): string[] | undefined {
  const hasHeader = output(["sh", "-c", "echo '#include <nng/nng.h>' | gcc -E -"]) !== undefined;
  return hasHeader ? inC("sp_nng", ["-lnng"]) : undefined;
}

function zeromqProgram(): string[] | undefined {
  if (version("node") === undefined) return undefined;
  const load = ["node", "-e", `require("node:module").createRequire(${JSON.stringify(`${ZEROMQ_FOLDER}/`)})("zeromq")`];
  if (output(load) === undefined) {
    Deno.mkdirSync(ZEROMQ_FOLDER, { recursive: true });
    Deno.writeTextFileSync(`${ZEROMQ_FOLDER}/package.json`, '{ "private": true }\n');
    const install = ["install", "--silent", "--prefix", ZEROMQ_FOLDER, ZEROMQ];
    spawnSync("npm", install, { stdio: "ignore", timeout: INSTALL_LIMIT_MS, killSignal: "SIGKILL" });
    if (output(load) === undefined) return undefined;
  }
  return onNode("zeromq_sp.mjs");
}

/** What a role is told; see peers/our_sp.ts. */
export interface Task {
  url: string;
  /** @default {1} */
  count?: number;
  /** @default {64} */
  size?: number;
  isSync?: boolean;
  /** @default {0} */
  ms?: number;
}

/** Starts a program in a role. */
export function inRole(program: readonly string[], role: string, task: Task): Peer {
  const { url, count = 1, size = 64, isSync = false, ms = 0 } = task;
  return new Peer([...program, role, url, String(count), String(size), isSync ? "sync" : "async", String(ms)]);
}

/**
 * Programs of ours in a namespace.
 *
 * @module
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { Topology } from "../../support/netns/topology.ts";

/** After so many seconds a program is killed, so that none outlives its test. */
const LIMIT_S = 150;

/** setpriv(1): without any of root's privileges, although as root, who owns the files that are read. */
const UNPRIVILEGED = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"];

/**
 * Runs a program of the folder `programs` to its end.
 *
 * @param net Where.
 * @param namespace Where there.
 * @param name The name of its file.
 * @param argument Its argument, handed over as JSON.
 * @param isPrivileged Whether it may do what root may, such as raw sockets.
 * @returns What it printed, which is JSON too.
 */
export async function runProgram<Result>(
  net: Topology,
  namespace: string,
  name: string,
  argument: unknown,
  isPrivileged = true,
): Promise<Result> {
  const path = fileURLToPath(new URL(`./programs/${name}`, import.meta.url));
  const prefix = ["timeout", "-s", "KILL", String(LIMIT_S), ...isPrivileged ? [] : UNPRIVILEGED];
  const command = [...prefix, Deno.execPath(), "run", "-A", "--no-check", path, JSON.stringify(argument)];
  const { code, stdout, stderr } = await net.exec(namespace, command);
  assert.equal(code, 0, `${name} failed or took more than ${LIMIT_S} seconds: ${stderr}`);
  return JSON.parse(stdout);
}

/**
 * A module that runs in a process of its own, to show what only shows there: when it ends, what it is allowed, what it
 * leaves behind.
 *
 * @module
 */

import { fileURLToPath } from "node:url";

/** The module under test, for Workers that import it too. */
export const FFI: string = new URL("../../ffi/mod.ts", import.meta.url).href;
const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** How a process ended, and what it said. */
export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a module of its own, with `ffi` imported, and waits for its end. */
export async function run(
  source: string,
  { flags = ["-A"], ulimit = "", v8Flags = [] as string[] } = {},
): Promise<Outcome> {
  const module = `import * as ffi from ${JSON.stringify(FFI)};\n${source}`;
  const denoArgs = ["run", "--quiet", "--no-check", ...v8Flags, ...flags, "-"];
  const shell = `${ulimit && `ulimit ${ulimit}; `}exec "$0" "$@"`;
  const child = new Deno.Command("sh", {
    args: ["-c", shell, Deno.execPath(), ...denoArgs],
    cwd: ROOT,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(module));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

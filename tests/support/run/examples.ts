/**
 * Runs every program in examples/ without arguments: each has to end by itself, with status 0.
 *
 * @module
 */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { add, noCounts, oneFailed, onePassed, printFailures, summaryLine } from "./counts.ts";
import { runLogged } from "./process.ts";
import { REPORTS, ROOT } from "./paths.ts";

const LIMIT_MS = 60_000;

let counts = noCounts();
for (const name of readdirSync(join(ROOT, "examples")).filter((name) => name.endsWith(".ts")).sort()) {
  const log = join(REPORTS, "examples", `${name}.log`);
  const command = [Deno.execPath(), "run", "--no-check", "-A", join("examples", name)];
  const { code, timedOut } = await runLogged(command, { log, limitMs: LIMIT_MS, cwd: ROOT });
  const passed = code === 0 && !timedOut;
  console.log(`${passed ? "ok    " : "FAILED"} examples/${name}`);
  const how = timedOut ? `did not end within ${LIMIT_MS / 1_000} s` : `ended with status ${code}`;
  counts = add(counts, passed ? onePassed() : oneFailed(`examples/${name} ${how}`, readFileSync(log, "utf8")));
}
printFailures(counts);
console.log(summaryLine(counts));
process.exitCode = counts.failed > 0 ? 1 : 0;

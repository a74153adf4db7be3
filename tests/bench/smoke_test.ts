/** Benchmarks are never asserted, but they have to run. */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { version } from "../../bench/programs.ts";
import { test } from "../support/harness.ts";

const MAIN = fileURLToPath(new URL("../../bench/main.ts", import.meta.url));
const NO_COMPILER = version("gcc") === undefined && "there is no C compiler";

async function bench(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-check", "-A", MAIN, ...args],
    env: { NO_COLOR: "1" },
  }).output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

for (
  const [name, heading, rows] of [
    ["one-way", "## One way across two processes", 12],
    ["round-trip", "## There and back across two processes", 6],
    ["memory", "## Memory", 3],
  ] as const
) {
  test(`the benchmark ${name} prints its tables`, async () => {
    const { code, stdout, stderr } = await bench("--quick", "--only", name);

    assert.equal(code, 0, stderr);
    assert(stdout.includes(heading), stdout);
    assert(
      stdout.split("\n").filter((line) => /^\| (64 B|1 KiB|60 KiB|heap|outside|resident)/.test(line)).length >= rows,
    );
    assert(!/NaN|undefined|Infinity/.test(stdout), stdout);
  }, { skip: name !== "memory" && NO_COMPILER });
}

test("an unknown benchmark is refused, and the help is pointed to", async () => {
  const { code, stderr } = await bench("--only", "nothing");

  assert.equal(code, 2);
  assert(stderr.includes("--help"), stderr);
});

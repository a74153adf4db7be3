/** Benchmarks are never asserted, but they have to run. */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { version } from "../../bench/programs.ts";
import { test } from "../support/harness.ts";
import { netnsUnavailable } from "../support/netns/topology.ts";

const MAIN = fileURLToPath(new URL("../../bench/main.ts", import.meta.url));
const NO_COMPILER = version("gcc") === undefined && "there is no C compiler";

/** Why those can't run here that need something else than a compiler. */
const OBSTACLES: Readonly<Record<string, string | false>> = {
  memory: false,
  trace: netnsUnavailable() ?? (version("traceroute") === undefined && "there is no traceroute"),
};

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
    ["udp-batches", "## UDP in batches", 6],
    ["packet-options", "## Options of single packets", 30],
    ["trace", "## A trace beside traceroute", 2],
    ["memory", "## Memory", 3],
    ["sp-push", "## SP: PUSH to PULL across two processes", 4],
    ["sp-req", "## SP: REQ and REP across two processes", 4],
    ["sp-pub", "## SP: PUB to many subscribers", 2],
    ["sp-inproc", "## SP: PUSH to PULL within a process", 2],
    ["sp-idle", "## SP: idle pipes", 2],
  ] as const
) {
  test(`the benchmark ${name} prints its tables`, async () => {
    const { code, stdout, stderr } = await bench("--quick", "--only", name);

    assert.equal(code, 0, stderr);
    assert(stdout.includes(heading), stdout);
    assert(
      stdout.split("\n").filter((line) =>
        /^\| (64 B|1 KiB|60 KiB|none|ttl|dscp|all answer|the third|heap|outside|resident|1 |100 |10 |20 |ours )/.test(
          line,
        )
      )
        .length >= rows,
    );
    assert(!/NaN|undefined|Infinity/.test(stdout), stdout);
  }, { skip: OBSTACLES[name] ?? NO_COMPILER });
}

test("an unknown benchmark is refused, and the help is pointed to", async () => {
  const { code, stderr } = await bench("--only", "nothing");

  assert.equal(code, 2);
  assert(stderr.includes("--help"), stderr);
});

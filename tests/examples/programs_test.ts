import { deepEqual } from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "../support/harness.ts";
import { expectOutput, PROGRAMS, SCTP_PROGRAMS } from "./programs.ts";

/** Run by tests of its own, as `deno task demo`. */
const DEMO = "sctp_demo.ts";

for (const [name, expected] of Object.entries(PROGRAMS)) {
  test(`examples/${name} prints what it promises`, () => expectOutput(name, expected));
}

test("every program in examples/ is held against what it prints", () => {
  const folder = new URL("../../examples/", import.meta.url);
  const programs = readdirSync(folder).filter((name) => name.endsWith(".ts") && name !== DEMO);

  deepEqual(programs.sort(), [...Object.keys(PROGRAMS), ...Object.keys(SCTP_PROGRAMS)].sort());
});

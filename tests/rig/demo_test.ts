// `deno task demo`, as a newcomer runs it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { test } from "../support/harness.ts";
import { ensureRig } from "../support/rig/ensure_rig.ts";
import { guestsOf, until } from "./leftovers.ts";

const rig = ensureRig();
const skip = rig.kernel === "none" && rig.reason;
const DEMO = fileURLToPath(new URL("../support/demo.ts", import.meta.url));

test("Ctrl-C in the middle of the demo ends it cleanly", async () => {
  const args = ["run", "-A", "--no-check", DEMO, "--messages", "100000000"];
  const demo = spawn(Deno.execPath(), args, { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  demo.stdout.setEncoding("utf8").on("data", (text) => output += text);
  let hasEnded = false;
  const code = new Promise((resolve) => demo.once("close", resolve)).finally(() => hasEnded = true);
  await until(() => hasEnded || output.includes("burst:"));
  assert(!hasEnded, output);

  process.kill(demo.pid!, "SIGINT");

  assert.equal(await code, 0);
  assert.match(output, /interrupted/);
  assert.deepEqual(guestsOf(demo.pid!), []);
}, { skip });

// `deno task rig`, as a program of its own.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { test } from "../support/harness.ts";
import { ensureRig } from "../support/rig/ensure_rig.ts";
import { guestsOf, until } from "./leftovers.ts";

const guest = ensureRig({ hostKernel: false });
const skip = guest.kernel === "none" && guest.reason;
const MAIN = fileURLToPath(new URL("../support/rig/main.ts", import.meta.url));

interface Rig {
  pid: number;
  output: () => string;
  errors: () => string;
  code: Promise<number | null>;
}

function rig(...args: string[]): Rig {
  const child = spawn(Deno.execPath(), ["run", "-A", "--no-check", MAIN, ...args], { stdio: ["pipe", "pipe", "pipe"] });
  let output = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text) => output += text);
  child.stderr.setEncoding("utf8").on("data", (text) => errors += text);
  child.stdin.end("from outside\n");
  const code = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { pid: child.pid!, output: () => output, errors: () => errors, code };
}

const WAIT_FOR_SIGNAL = `trap 'echo ended; exit 3' INT TERM; echo ready; sleep 1000 & wait`;

test("the command's input, output and status pass through", async () => {
  const { code, output, errors } = rig("--guest", "--", "bash", "-c", "cat; echo problem >&2; exit 9");

  assert.equal(await code, 9);
  assert.equal(output(), "from outside\n");
  assert.equal(errors(), "problem\n");
}, { skip });

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(`${signal} ends the command as the command likes`, async () => {
    const { pid, code, output } = rig("--guest", "bash", "-c", WAIT_FOR_SIGNAL);
    await until(() => output().includes("ready"));

    process.kill(pid, signal);

    assert.equal(await code, 3);
    assert.equal(output(), "ready\nended\n");
    assert.deepEqual(guestsOf(pid), []);
  }, { skip });
}

test("a rig that is killed outright leaves nothing behind", async () => {
  const { pid, code, output } = rig("--guest", "bash", "-c", "echo ready; sleep 1000");
  await until(() => output().includes("ready"));

  process.kill(pid, "SIGKILL");
  await code;

  await until(() => guestsOf(pid).length === 0);
}, { skip });

test("the time limit is an option, and status 124", async () => {
  const { code, errors } = rig("--guest", "--time-limit", "3", "--", "sleep", "1000");

  assert.equal(await code, 124);
  assert.match(errors(), /sleep took longer than 3 s/);
}, { skip });

test("a guest is a rig of its own", async () => {
  const { code, output } = rig(
    "--guest",
    "--",
    Deno.execPath(),
    "run",
    "-A",
    "--no-check",
    MAIN,
    "--",
    "echo",
    "inside",
  );

  assert.equal(await code, 0);
  assert.equal(output(), "inside\n");
}, { skip });

test("a wrong option, a wrong number and no command at all are usage errors", async () => {
  for (
    const args of [["--no-such-option", "--", "true"], ["--time-limit", "soon", "--", "true"], ["--memory", "lots"], []]
  ) {
    const { code, errors } = rig(...args);

    assert.equal(await code, 2, args.join(" "));
    assert.match(errors(), /--help/);
  }
});

test("help tells how to use it", async () => {
  const { code, output } = rig("--help");

  assert.equal(await code, 0);
  assert.match(output(), /Usage: deno task rig/);
});

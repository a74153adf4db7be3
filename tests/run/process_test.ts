import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "../support/harness.ts";
import { runLogged } from "../support/run/process.ts";

const FAR_OFF_MS = 60_000;

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "sockeye-run-"));
  try {
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("output and exit status of a program are kept", () =>
  inFolder(async (folder) => {
    const log = join(folder, "new/folder/log");

    const outcome = await runLogged(["sh", "-c", "echo out; echo err >&2; exit 3"], { log, limitMs: FAR_OFF_MS });

    assert.deepEqual(outcome, { code: 3, timedOut: false });
    assert.equal(readFileSync(log, "utf8"), "out\nerr\n");
  }));

test("a program that a signal ends has the status that a shell would give", () =>
  inFolder(async (folder) => {
    const outcome = await runLogged(["sh", "-c", "kill -TERM $$"], { log: join(folder, "log"), limitMs: FAR_OFF_MS });

    assert.equal(outcome.code, 128 + 15);
  }));

test("the time limit ends a program and its children", () =>
  inFolder(async (folder) => {
    const fifo = join(folder, "fifo");
    assert.equal(spawnSync("mkfifo", [fifo]).status, 0);

    // Reading the pipe ends when the last process that could write to it, here the child, is gone.
    const childGone = readFile(fifo);
    const script = `sleep 3600 > ${fifo} & wait`;
    const outcome = await runLogged(["sh", "-c", script], { log: join(folder, "log"), limitMs: 200 });

    assert.equal(outcome.timedOut, true);
    assert.equal((await childGone).length, 0);
  }));

test("a program that does not exist is an error that names it", () =>
  inFolder(async (folder) => {
    await assert.rejects(
      runLogged(["sockeye-no-such-program"], { log: join(folder, "log"), limitMs: FAR_OFF_MS }),
      /sockeye-no-such-program/,
    );
  }));

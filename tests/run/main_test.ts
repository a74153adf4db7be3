import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { test } from "../support/harness.ts";
import { noCounts, onePassed } from "../support/run/counts.ts";
import { guestDidNotStart, judged } from "../support/run/stage.ts";
import { STAGES } from "../support/run/stages.ts";

const MAIN = fileURLToPath(new URL("../support/run/main.ts", import.meta.url));

function runMain(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(Deno.execPath(), ["run", "--no-check", "-A", MAIN, ...args], { encoding: "utf8" });
}

test("every stage has a name of its own", () => {
  const names = STAGES.map(({ name }) => name);

  assert.equal(new Set(names).size, names.length);
});

test("a stage that nobody knows is a usage error that names those there are", () => {
  const { status, stderr } = runMain("--only", "fmt,nonsense");

  assert.equal(status, 2);
  assert.match(stderr, /there is no stage nonsense; the stages are .*fmt/);
});

test("an option that nobody knows is a usage error with the help", () => {
  const { status, stderr } = runMain("--nonsense");

  assert.equal(status, 2);
  assert.match(stderr, /Usage: deno task test/);
});

test("the help needs no test to run", () => {
  const { status, stdout } = runMain("--", "--help");

  assert.equal(status, 0);
  assert.match(stdout, /Exit status/);
});

test("a stage that found no test has failed", () => {
  const counts = judged("a stage", 1, noCounts(), { code: 0, timedOut: false }, "");

  assert.equal(counts.failed, 1);
});

test("a stage that crashed after its tests passed has failed", () => {
  const counts = judged("a stage", 1, onePassed(), { code: 139, timedOut: false }, "the end");

  assert.deepEqual([counts.passed, counts.failed], [1, 1]);
  assert.match(counts.failures[0].name, /status 139/);
  assert.equal(counts.failures[0].detail, "the end");
});

test("a stage that ran out of time has failed, whatever it passed before", () => {
  const counts = judged("a stage", 1, onePassed(), { code: 143, timedOut: true }, "");

  assert.deepEqual([counts.passed, counts.failed], [1, 1]);
  assert.match(counts.failures[0].name, /longer than 1 s/);
});

test("only a guest that did not start gets a second chance, and none whose tests had begun", () => {
  const crashed = { code: 125, timedOut: false };

  assert.equal(guestDidNotStart(crashed, "rig: the guest kernel did not start:\nno memory"), true);
  assert.equal(
    guestDidNotStart(crashed, "a test ... ok\nrig: the guest kernel ended before its command:\npanic"),
    false,
  );
  assert.equal(guestDidNotStart({ code: 1, timedOut: false }, "the guest kernel did not start"), false);
});

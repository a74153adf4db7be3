import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "../support/harness.ts";
import {
  add,
  failuresInShort,
  inStage,
  oneFailed,
  onePassed,
  oneSkipped,
  parseFailures,
  parseJunit,
  parseSummaryLine,
  summaryLine,
} from "../support/run/counts.ts";

// Written by each runtime for the same three tests: one passes, one fails, one is skipped.
for (const runtime of ["deno", "node-20", "node-26", "bun"]) {
  test(`the JUnit report of ${runtime} is counted`, () => {
    const counts = parseJunit(readFileSync(new URL(`fixtures/${runtime}.xml`, import.meta.url), "utf8"));

    assert.deepEqual([counts.passed, counts.failed, counts.skipped], [1, 1, 1]);
    assert.equal(counts.failures[0].name, "a claim that fails");
    assert.match(counts.failures[0].detail, /'<1>' !== 2/);
    assert.deepEqual(counts.skips, ["a claim that waits (skipped: no 'SCTP')"]);
  });
}

test("a report that a crash cut off gives what it holds", () => {
  const whole = readFileSync(new URL("fixtures/deno.xml", import.meta.url), "utf8");

  const counts = parseJunit(whole.slice(0, whole.indexOf("</failure>")));

  assert.deepEqual([counts.passed, counts.failed, counts.skipped], [1, 1, 0]);
});

test("the sum of counts ends in the one line that everybody reads", () => {
  const counts = add(add(onePassed(), onePassed()), oneSkipped("a stage", "a reason"));

  assert.equal(summaryLine(counts), "2 passed, 0 failed, 1 skipped");
});

test("only the last line of an output is a summary", () => {
  assert.equal(parseSummaryLine("table\n3 passed, 1 failed, 0 skipped\n")?.failed, 1);
  assert.equal(parseSummaryLine("3 passed, 1 failed, 0 skipped\nSegmentation fault\n"), undefined);
  assert.equal(parseSummaryLine(""), undefined);
});

test("failures in short end with their names, each with its stage, however much they say", () => {
  const lines = Array.from({ length: 500 }, (_, line) => `line ${line}`);
  const counts = add(inStage("unit", oneFailed("first", lines.join("\n"))), inStage("rig", oneFailed("second", "why")));

  const shown = failuresInShort(counts).split("\n");

  assert.deepEqual(shown.slice(-2), ["failed: unit: first", "failed: rig: second"]);
  assert.deepEqual(shown.slice(0, 2), ["FAILED: unit: first", "line 0"]);
  assert(shown.includes("… 470 lines …") && shown.includes("line 499") && shown.includes("why"));
  assert(shown.length < 45);
});

test("failures are found again among what else is printed", () => {
  const output = [
    "ok     bun a_test.ts: 1 passed, 0 failed, 0 skipped in 1 s",
    "FAILED bun b_test.ts: 0 passed, 2 failed, 0 skipped in 1 s",
    ...[
      "",
      "FAILED: one",
      "because",
      "",
      "of that",
      "",
      "FAILED: two",
      "ok bun c_test.ts: …",
      "1 passed, 2 failed, 0 skipped",
    ],
  ].join("\n");

  assert.deepEqual(parseFailures(output), [{ name: "one", detail: "because\n\nof that" }, { name: "two", detail: "" }]);
});

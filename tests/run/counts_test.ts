import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "../support/harness.ts";
import { add, onePassed, oneSkipped, parseJunit, parseSummaryLine, summaryLine } from "../support/run/counts.ts";

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

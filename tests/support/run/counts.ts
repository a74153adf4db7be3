/**
 * What a run of tests came to, read from a JUnit report or from a summary line.
 *
 * @module
 */

/** A test that failed, and why. */
export interface Failure {
  name: string;
  detail: string;
}

/** What a run of tests came to. */
export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
  failures: Failure[];
  /** The names of the skipped tests, reasons included. */
  skips: string[];
}

/** Nothing ran. */
export function noCounts(): Counts {
  return { passed: 0, failed: 0, skipped: 0, failures: [], skips: [] };
}

/** One more test passed. */
export function onePassed(): Counts {
  return { ...noCounts(), passed: 1 };
}

/** One more test failed. */
export function oneFailed(name: string, detail: string): Counts {
  return { ...noCounts(), failed: 1, failures: [{ name, detail }] };
}

/** One more test could not run. */
export function oneSkipped(name: string, reason: string): Counts {
  return { ...noCounts(), skipped: 1, skips: [`${name} (skipped: ${reason})`] };
}

/** The sum of both. */
export function add(left: Counts, right: Counts): Counts {
  return {
    passed: left.passed + right.passed,
    failed: left.failed + right.failed,
    skipped: left.skipped + right.skipped,
    failures: [...left.failures, ...right.failures],
    skips: [...left.skips, ...right.skips],
  };
}

/** The line that ends every run of tests here. */
export function summaryLine(counts: Counts): string {
  return `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`;
}

/** Prints the skipped tests, and the failed ones with what they said. */
export function printFailures(counts: Counts): void {
  for (const name of counts.skips) console.log(`\nskipped: ${name}`);
  for (const { name, detail } of counts.failures) console.log(`\nFAILED: ${name}\n${detail}`);
}

/** Reads what {@linkcode printFailures} has printed among other lines, each failure up to the next verdict. */
export function parseFailures(output: string): Failure[] {
  const failures: Failure[] = [];
  let lines: string[] | undefined;
  const end = () => {
    if (lines !== undefined) failures[failures.length - 1].detail = lines.join("\n").trim();
    lines = undefined;
  };
  for (const line of output.split("\n")) {
    const name = /^FAILED: (.*)$/.exec(line)?.[1];
    if (name !== undefined || /^(?:ok|FAILED) +\S|^skipped: |^\d+ passed, /.test(line)) end();
    if (name !== undefined) {
      failures.push({ name, detail: "" });
      lines = [];
    } else lines?.push(line);
  }
  end();
  return failures;
}

/** Of what a failure says, as many lines are in its excerpt at most, from its begin and from its end. */
const FIRST_LINES = 12;
const LAST_LINES = 18;

/** The failures in short, the names last: for those who see only the end of an output. */
export function failuresInShort({ failures }: Counts): string {
  const excerpts = failures.map(({ name, detail }) => `FAILED: ${name}\n${excerpt(detail)}`);
  const names = failures.map(({ name }) => `failed: ${name.split("\n")[0]}`);
  return [...excerpts, names.join("\n")].join("\n\n");
}

function excerpt(detail: string): string {
  const lines = detail.split("\n").filter((line) => line.trim() !== "");
  const left = lines.length - FIRST_LINES - LAST_LINES;
  if (left <= 1) return lines.join("\n");
  return [...lines.slice(0, FIRST_LINES), `… ${left} lines …`, ...lines.slice(-LAST_LINES)].join("\n");
}

/** The same counts, with the name of a stage before that of each failed test. */
export function inStage(stage: string, counts: Counts): Counts {
  return { ...counts, failures: counts.failures.map(({ name, detail }) => ({ name: `${stage}: ${name}`, detail })) };
}

/** Reads the counts from the last line of `output`, or gives undefined where that line is no summary. */
export function parseSummaryLine(output: string): Counts | undefined {
  const lastLine = output.trimEnd().split("\n").at(-1) ?? "";
  const match = /^(\d+) passed, (\d+) failed, (\d+) skipped$/.exec(lastLine.trim());
  if (match === null) return undefined;
  return { ...noCounts(), passed: Number(match[1]), failed: Number(match[2]), skipped: Number(match[3]) };
}

/**
 * Reads the counts from a JUnit report of Deno, Node or Bun.
 *
 * All three escape `<` in text and attributes, so that a tag is found by its first character. A report that was cut off by
 * a crash gives what it holds.
 */
export function parseJunit(xml: string): Counts {
  const counts = noCounts();
  const testCase = /<testcase((?:\s+[\w:-]+="[^"]*")*)\s*(?:\/>|>([\s\S]*?)(?:<\/testcase>|$))/g;
  for (const [, attributes, body = ""] of xml.matchAll(testCase)) {
    const name = unescapeXml(/\bname="([^"]*)"/.exec(attributes)?.[1] ?? "a test without a name");
    const failure = /<(?:failure|error)\b([^>]*)>([\s\S]*?)<\/(?:failure|error)>/.exec(body);
    if (failure !== null || /<(?:failure|error)\b/.test(body)) {
      counts.failed++;
      counts.failures.push({ name, detail: unescapeXml(failure?.[2] ?? body).trim() });
    } else if (/<skipped\b/.test(body)) {
      counts.skipped++;
      counts.skips.push(name);
    } else {
      counts.passed++;
    }
  }
  return counts;
}

const NAMED_CHARACTERS: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

function unescapeXml(text: string): string {
  return text.replace(/&(?:(lt|gt|quot|apos|amp)|#(\d+)|#x([\da-f]+));/gi, (_, name, decimal, hexadecimal) => {
    if (name !== undefined) return NAMED_CHARACTERS[name.toLowerCase()];
    return String.fromCodePoint(decimal !== undefined ? Number(decimal) : Number.parseInt(hexadecimal, 16));
  });
}

import { deepEqual, equal, match, notEqual } from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Command, CommandGroup } from "../../cli/command.ts";
import { find, readWords } from "../../cli/command_line.ts";
import { sockeye } from "../../cli/sockeye.ts";
import { test } from "../support/harness.ts";
import { runSockeye } from "./sockeye.ts";

/** Every command and group, by the words that lead to it. */
const TREE = new Map(walk(sockeye, []));

const USAGE_ERRORS: Record<string, [words: string[], complaint: RegExp]> = {
  "a command that there is not": [["listen"], /there is no command "listen"; there are doctor, sctp/],
  "a subcommand that there is not": [["sctp", "send"], /there is no command "send"; there are listen, connect, perf/],
  "an option before the command": [["--json", "doctor"], /no option --json here; options of a command come after/],
  "an unknown option": [["doctor", "--verbose"], /unknown option '--verbose'/],
  "a missing operand": [["sctp", "listen"], /URL is missing/],
  "an operand too many": [["doctor", "me"], /"me" is one argument too many/],
  "an option without its value": [["sctp", "connect", "sctp://127.0.0.1:5000", "--data"], /--data/],
  "a value for a flag": [["sctp", "listen", "sctp://127.0.0.1:5000", "--echo=yes"], /--echo/],
  "a count of nothing": [
    ["sctp", "listen", "sctp://127.0.0.1:5000", "--count", "0"],
    /--count must be an integer of 1/,
  ],
  "a count that is no number": [["sctp", "listen", "sctp://127.0.0.1:5000", "--count", "1e3"], /--count must be/],
  "a stream beyond 16 bits": [["sctp", "connect", "sctp://127.0.0.1:5", "--stream", "65536"], /from 0 to 65535/],
  "a PPID beyond 32 bits": [["sctp", "connect", "sctp://127.0.0.1:5", "--ppid", "0x100000000"], /from 0 to 4294967295/],
  "a time that is none": [["sctp", "listen", "sctp://127.0.0.1:5", "--timeout", "-1s"], /--timeout/],
  "an unknown style": [["sctp", "listen", "sctp://127.0.0.1:5", "--style", "one"], /one-to-many or one-to-one/],
  "a URL of another scheme": [["sctp", "listen", "tcp://127.0.0.1:5000"], /tcp/],
  "a URL without a port": [["sctp", "connect", "sctp://127.0.0.1"], /does not end in a port/],
  "a port out of range": [["sctp", "connect", "sctp://127.0.0.1:65536"], /port 65536/],
  "a local URL that is none": [["sctp", "connect", "sctp://127.0.0.1:5", "--bind", "here"], /"here"/],
  "data twice": [["sctp", "connect", "sctp://127.0.0.1:5", "--data", "a", "--file", "b"], /not both/],
  "no data at all": [["sctp", "connect", "sctp://127.0.0.1:5", "--data", ""], /--data is empty/],
  "data that is not hexadecimal": [
    ["sctp", "connect", "sctp://127.0.0.1:5", "--hex", "--data", "0g"],
    /not hexadecimal/,
  ],
  "a count of unknown messages": [["sctp", "connect", "sctp://127.0.0.1:5", "--count", "2"], /--count needs --data/],
  "a message too large to measure": [["sctp", "perf", "connect", "sctp://127.0.0.1:5", "--size", "2000000"], /--size/],
};

for (const [mistake, [words, complaint]] of Object.entries(USAGE_ERRORS)) {
  test(`${mistake} is a usage error, in one line that leads to the help`, () => {
    const { status, stdout, stderr } = runSockeye(words);

    equal(status, 2);
    equal(stdout, "");
    match(stderr, complaint);
    match(stderr, /^sockeye: [^\n]*; see sockeye [^\n]*--help\n$/);
  });
}

test("every command and group has a help with examples and exit statuses", () => {
  deepEqual([...TREE.keys()].sort(), [
    "",
    "doctor",
    "sctp",
    "sctp connect",
    "sctp listen",
    "sctp perf",
    "sctp perf connect",
    "sctp perf listen",
  ]);
  for (const path of TREE.keys()) {
    const words = path.split(" ").filter((word) => word !== "");

    const { status, stdout, stderr } = runSockeye([...words, "--help"]);

    equal(status, 0, path);
    equal(stderr, "");
    match(stdout, new RegExp(`Usage: ${["sockeye", ...words].join(" ")} `));
    match(stdout, /\nExamples:\n {2}sockeye /);
    match(stdout, /Exit status: 0 fine, 1 failed, 2 usage/);
    for (const line of stdout.split("\n")) equal(line.length <= 110, true, line);
  }
});

test("every example in a help is a command line that is understood", () => {
  for (const [path, { examples }] of TREE) {
    for (const { line } of examples) {
      const { found, rest } = find(line.split(" "), sockeye);

      equal("commands" in found, false, `${path}: ${line}`);
      notEqual(readWords(found as Command, rest), "help");
    }
  }
});

test("without a command the help is an error", () => {
  for (const words of [[], ["sctp"], ["sctp", "perf"]]) {
    const { status, stdout, stderr } = runSockeye(words);

    equal(status, 2);
    equal(stdout, "");
    match(stderr, /Usage: sockeye .*COMMAND/);
  }
});

test("-h is short for --help", () => {
  equal(runSockeye(["doctor", "-h"]).stdout, runSockeye(["doctor", "--help"]).stdout);
});

test("the version is that of the package", () => {
  const { version } = JSON.parse(readFileSync(new URL("../../deno.json", import.meta.url), "utf8"));

  const { status, stdout } = runSockeye(["--version"]);

  equal(status, 0);
  equal(stdout, `sockeye ${version}\n`);
});

test("the two dashes that `deno task` hands over are skipped", () => {
  equal(runSockeye(["--", "--version"]).status, 0);
});

test("a file that can't be read is a failure in one line", () => {
  const { status, stderr } = runSockeye(["sctp", "connect", "sctp://127.0.0.1:5000", "--file", "/nonexistent"]);

  equal(status, 1);
  equal(stderr, "sockeye: --file /nonexistent can't be read (ENOENT): check its path and its mode\n");
});

test("a host name that does not resolve is a failure in one line", () => {
  const { status, stderr } = runSockeye(["sctp", "connect", "sctp://host.invalid:5000", "--data", "x"]);

  equal(status, 1);
  match(stderr, /^sockeye: host\.invalid has no address[^\n]*\n$/);
});

function* walk(node: Command | CommandGroup, path: string[]): Generator<[string, Command | CommandGroup]> {
  yield [path.join(" "), node];
  if (!("commands" in node)) return;
  for (const child of node.commands) yield* walk(child, [...path, child.name]);
}

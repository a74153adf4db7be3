import { deepEqual, equal, match, notEqual } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { readSettings } from "../../cli/cat/settings.ts";
import type { Node } from "../../cli/command.ts";
import { find, readWords } from "../../cli/command_line.ts";
import { sockeye } from "../../cli/sockeye.ts";
import { test } from "../support/harness.ts";
import { runSockeye } from "./sockeye.ts";

/** Every command and group, by the words that lead to it. */
const TREE = new Map(walk(sockeye, []));

const USAGE_ERRORS: Record<string, [words: string[], complaint: RegExp]> = {
  "a command that there is not": [
    ["listen"],
    /there is no command "listen"; there are doctor, trace, pmtu, udp, unixgram, ip, sctp, cat, device, sp/,
  ],
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
  "a time to live of nothing": [["udp", "send", "127.0.0.1:5", "--ttl", "0"], /--ttl must be an integer from 1 to 255/],
  "a DSCP that there is not": [["udp", "send", "127.0.0.1:5", "--dscp", "AF44"], /--dscp: .*CS0…CS7, AF11…AF43/],
  "the byte and its parts": [["udp", "send", "127.0.0.1:5", "--tos", "1", "--ecn", "CE"], /--tos: is the whole byte/],
  "a flow label on IPv4": [["udp", "send", "127.0.0.1:5", "--flow-label", "1"], /--flow-label: is for IPv6/],
  "a source of the other family": [["udp", "send", "127.0.0.1:5", "--source", "::1"], /--source: must be .* IPv4/],
  "an unknown way to fragment": [["udp", "send", "127.0.0.1:5", "--df=maybe"], /--df must be yes or no or probe/],
  "an optional value apart from its option": [
    ["udp", "send", "127.0.0.1:5", "--df", "no"],
    /"no" is one argument too many/,
  ],
  "both families": [["udp", "send", "localhost:5", "-46"], /give -4 or -6, not both/],
  "a host without a port": [["udp", "listen", "127.0.0.1"], /"127\.0\.0\.1" is not HOST:PORT/],
  "an asterisk for every address": [["udp", "listen", "*:5000"], /write 0\.0\.0\.0:5000 or \[::\]:5000/],
  "an IPv6 address without brackets": [["udp", "send", "::1:5000"], /"::1:5000" is not HOST:PORT/],
  "a group that is none": [["udp", "listen", "0.0.0.0:0", "--join", "10.0.0.1"], /--join 10\.0\.0\.1: .*224\.0\.0\.0/],
  "nobody's port": [["udp", "send", "127.0.0.1:0"], /port 0/],
  "no protocol": [["ip", "send", "127.0.0.1"], /--protocol is missing: icmp, icmp6, tcp, udp, or a number/],
  "a protocol that there is not": [["ip", "listen", "--protocol", "256"], /--protocol must be .* from 1 to 255/],
  "an empty path": [["unixgram", "listen", ""], /path/],
  "a path that is too long": [["unixgram", "send", "x".repeat(108)], /107/],
  "a range of sizes that is none": [
    ["pmtu", "--min", "1500", "--max", "1400", "::1"],
    /--min 1500 is above --max 1400/,
  ],
  "two kinds of probes": [["trace", "-IT", "127.0.0.1"], /give one of -I, -T and -U/],
  "a first hop behind the last": [["trace", "-f", "5", "-m", "4", "127.0.0.1"], /--first 5 is beyond --max-hops 4/],
  "a length that is none": [["trace", "127.0.0.1", "long"], /LENGTH must be a number of bytes, not "long"/],
  "a packet shorter than its headers": [["trace", "127.0.0.1", "20"], /LENGTH: must be an integer from \d+ to 65535/],
  "a wait that is none": [["trace", "-w", "0", "127.0.0.1"], /--wait must be seconds above 0/],
  "the path MTU by TCP": [["trace", "-T", "--mtu", "127.0.0.1"], /--mtu: needs probes of any size/],
  "more data than its size": [["udp", "send", "127.0.0.1:5", "--data", "abc", "--size", "2"], /--data has 3 bytes/],
  "a device of no pattern": [["device", "inproc://a", "inproc://b"], /give one of --req-rep, --pub-sub, --push-pull/],
  "a device of two patterns": [["device", "--bus", "--pair", "inproc://a"], /give one of --req-rep/],
  "a device with one end": [["device", "--req-rep", "inproc://a"], /BACK is missing: --req-rep needs two addresses/],
  "a device that forwards nothing": [["device", "--bus", "inproc://a", "--hop-limit", "0"], /--hop-limit .* 1 to 15/],
  "a load without a number": [["sp", "perf", "inproc_lat", "64", "many"], /COUNT must be a number from 1 to/],
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
    "cat",
    "device",
    "doctor",
    "ip",
    "ip listen",
    "ip send",
    "pmtu",
    "sctp",
    "sctp connect",
    "sctp listen",
    "sctp perf",
    "sctp perf connect",
    "sctp perf listen",
    "sp",
    "sp perf",
    "sp perf inproc_lat",
    "sp perf inproc_thr",
    "sp perf local_lat",
    "sp perf local_thr",
    "sp perf remote_lat",
    "sp perf remote_thr",
    "trace",
    "udp",
    "udp listen",
    "udp send",
    "unixgram",
    "unixgram listen",
    "unixgram send",
  ]);
  for (const path of TREE.keys()) {
    const words = path.split(" ").filter((word) => word !== "");

    const { status, stdout, stderr } = runSockeye([...words, "--help"]);

    equal(status, 0, path);
    equal(stderr, "");
    match(stdout, new RegExp(`Usage: ${["sockeye", ...words].join(" ")} `));
    match(stdout, /\nExamples:\n {2}sockeye /);
    match(stdout, path === "cat" ? /Exit status: 0 fine, 1 failed or usage/ : /Exit status: 0 fine, 1 failed, 2 usage/);
    for (const line of stdout.split("\n")) equal(line.length <= 110, true, line);
  }
});

test("every example in a help is a command line that is understood", async () => {
  for (const [path, { examples }] of TREE) {
    for (const { line } of examples) {
      const { found, rest } = find(line.split(" "), sockeye);

      if ("commands" in found) throw new Error(`${path}: ${line}`);
      const isStandIn = "standIn" in found;
      notEqual(isStandIn ? await readSettings(rest, emptyFile) : readWords(found, rest), "help");
    }
  }
});

test("without a command the help is an error", () => {
  for (const words of [[], ["sctp"], ["sctp", "perf"], ["sp"], ["sp", "perf"]]) {
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

function emptyFile(): Promise<Uint8Array> {
  return Promise.resolve(new Uint8Array(0));
}

function* walk(node: Node, path: string[]): Generator<[string, Node]> {
  yield [path.join(" "), node];
  if (!("commands" in node)) return;
  for (const child of node.commands) yield* walk(child, [...path, child.name]);
}

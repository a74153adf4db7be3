/** `sockeye trace` to this machine, and along a chain of routers. @module */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { netnsUnavailable } from "../support/netns/topology.ts";
import { test } from "../support/harness.ts";
import { configure, createChain } from "../qos/network/chain.ts";
import { objects, Program, runSockeye, sockeyeCommand } from "./sockeye.ts";
import { Screen } from "./screen.ts";

const NO_SCRIPT = spawnSync("script", ["--version"]).error === undefined ? undefined : "needs script of util-linux";
const NO_SETPRIV = process.getuid!() !== 0
  ? "needs root, to give privileges up"
  : spawnSync("setpriv", ["--version"]).error === undefined
  ? undefined
  : "needs setpriv of util-linux";
const NO_NETNS = netnsUnavailable();

/**
 * Ways to this machine: to ports that the kernel gives nobody, ip(7), as somebody may listen at others, and with patience,
 * as on a busy machine the answer to one probe may take many times as long as that to another.
 */
const HERE = ["-n", "-p", "20000", "-w", "10"];

/**
 * A terminal of a known size and locale that runs a command, by the same shell wherever this runs. `exec`, since a Ctrl-C would
 * otherwise end the shell that waits, too.
 */
function inTerminal(words: readonly string[], { columns = 80, rows = 24 } = {}): string[] {
  const command = sockeyeCommand(words).map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  return [
    "env",
    "SHELL=/bin/sh",
    "script",
    "-qec",
    `stty cols ${columns} rows ${rows}; export TERM=xterm LC_ALL=C.UTF-8 NO_COLOR=; exec ${command}`,
    "/dev/null",
  ];
}

test("a trace to this machine needs no privilege, and takes one hop", () => {
  const { status, stdout, stderr } = runSockeye(["trace", ...HERE, "127.0.0.1"]);

  equal(status, 0, stderr);
  match(
    stdout,
    /^traceroute to 127\.0\.0\.1 \(127\.0\.0\.1\), 30 hops max, 60 byte packets\n 1 {2}127\.0\.0\.1(?: {2}\d+\.\d{3} ms){3}\n$/,
  );
});

test("with --json every event is an object, the summary last", () => {
  const { status, stdout, stderr } = runSockeye(["trace", ...HERE, "-6", "-q", "2", "--json", "::1", "100"]);

  equal(status, 0, stderr);
  const events = objects(stdout);
  deepEqual([events[0].type, events[0].size, events[0].address], ["target", 100, "::1"]);
  deepEqual(
    events.filter(({ type, ttl }) => type === "reply" && ttl === 1).map(({ probe, router }) => [probe, router]),
    [
      [0, "::1"],
      [1, "::1"],
    ],
  );
  const summary = events.at(-1)!;
  deepEqual([summary.type, summary.reached, (summary.hops as unknown[]).length], ["summary", true, 1]);
});

test("without any privilege UDP traces, and the other methods say what they lack", () => {
  const unprivileged = ["--bounding-set=-all", "--inh-caps=-all"];
  const run = (...words: string[]) =>
    spawnSync("setpriv", [...unprivileged, ...sockeyeCommand(["trace", "-n", ...words, "127.0.0.1"])], {
      encoding: "utf8",
    });

  equal(run().status, 0);
  for (const method of ["--icmp", "--tcp"]) {
    const { status, stdout, stderr } = run(method);
    deepEqual([status, stdout], [1, ""]);
    match(stderr, /^sockeye: [^\n]*CAP_NET_RAW[^\n]*\n$/);
  }
}, { skip: NO_SETPRIV });

test("a host name needs the permission to ask for it, and the failure says so", () => {
  const { status, stderr } = runSockeye(["trace", "localhost"], { permissions: ["--allow-ffi"] });

  equal(status, 1);
  equal(stderr, 'sockeye: resolve "localhost": the runtime forbids it; run Deno with --allow-net\n');
});

test("on a terminal a table is drawn in its place, and stays", async () => {
  const [command, ...args] = inTerminal(["trace", ...HERE, "127.0.0.1"]);
  await using program = new Program(command, args);

  const { status, stdout } = await program.ended;

  equal(status, 0, stdout);
  const screen = new Screen(80, 24);
  screen.write(stdout);
  match(
    screen.text,
    /^traceroute to 127\.0\.0\.1[^\n]*\nHop {2}Address {4}Loss {3}Last {3}Best {4}Avg {2}Worst {2}Probes\n {2}1 {2}127\.0\.0\.1 {4}0%(?: {2}[\d.]{5}){4} {2}[▁▂▃▄▅▆▇█]{3}\n\nreached in 1 hop\n$/,
  );
}, { skip: NO_SCRIPT });

test("the lines of a trace along a chain of routers are the truth", async () => {
  await using chain = await createChain();
  for (const family of ["inet", "inet6"] as const) {
    const { destination, hops } = chain.truth[family];

    const words = ["trace", "-n", "-w", "2", destination];
    const { code, stdout, stderr } = await chain.net.exec("source", sockeyeCommand(words));

    equal(code, 0, stderr);
    const lines = stdout.trimEnd().split("\n").slice(1);
    equal(lines.length, hops.length, stdout);
    for (const [index, routers] of hops.entries()) {
      const line = lines[index];
      match(line, new RegExp(`^ ?${index + 1}  ?`));
      if (routers.length === 0) match(line, / \* \* \*$/);
      const shown = line.split(/\s+/).filter((word) => /[.:]/.test(word) && !/^\d+\.\d{3}$/.test(word));
      for (const address of shown) ok(routers.includes(address), `${address} in ${line}`);
    }
  }
}, { skip: NO_NETNS });

test("--mtu tells where the path MTU falls", async () => {
  await using chain = await createChain();
  const { destination, narrow } = chain.truth.inet;

  const words = ["trace", "-n", "--mtu", "-w", "2", destination];
  const { code, stdout, stderr } = await chain.net.exec("source", sockeyeCommand(words));

  equal(code, 0, stderr);
  const told = stdout.split("\n").flatMap((line) => {
    const found = /^ *(\d+) .* F=(\d+)/.exec(line);
    return found === null ? [] : [{ ttl: Number(found[1]), mtu: Number(found[2]) }];
  });
  deepEqual(told.filter(({ ttl }) => ttl > 1), narrow.map(({ ttl, mtu }) => ({ ttl, mtu })));
}, { skip: NO_NETNS });

test("a host that nobody forwards to is a failure without a complaint, and the line says why", async () => {
  await using chain = await createChain();
  const { refused } = chain.truth.inet;

  const words = ["trace", "-n", "-q", "1", "-w", "2", refused.prohibit];
  const { code, stdout, stderr } = await chain.net.exec("source", sockeyeCommand(words));

  deepEqual([code, stderr], [1, ""]);
  match(stdout, / ms !X\n$/);
}, { skip: NO_NETNS });

test("Ctrl-C ends a trace with what it has found, and leaves the terminal as it was", async () => {
  await using chain = await createChain();
  // No router forwards to it, and none says so: the trace waits for as long as it may.
  const nobody = "192.0.2.99";
  await configure(chain.net, "r6", [`route add blackhole ${nobody}`]);
  const { hops } = chain.truth.inet;
  const words = ["trace", "-n", "-q", "1", "-w", "60", nobody];
  const [command, ...args] = chain.net.within("source", inTerminal(words, { columns: 100 }));
  await using program = new Program(command, args, true);
  await program.line(new RegExp(hops[1][0].replaceAll(".", "\\.")));

  program.write("\x03");

  const { status, stdout } = await program.ended;
  equal(status, 1);
  const screen = new Screen(100, 24);
  screen.write(stdout);
  const text = screen.text.replaceAll("^C", "");
  equal(text.split("traceroute to").length, 2, text);
  match(text, /\nHop {2}Address[^]*\nsockeye: interrupted\n$/);
}, { skip: NO_NETNS ?? NO_SCRIPT });

/** `sockeye pmtu` to this machine, and along a chain of routers. @module */

import { deepEqual, equal, match } from "node:assert/strict";
import type { PathMtu } from "@sockeye/sockeye/qos";
import { resultText, stepText } from "../../cli/pmtu/text.ts";
import { createChain, FAMILIES, silenceTooBig } from "../qos/network/chain.ts";
import { netnsUnavailable } from "../support/netns/topology.ts";
import { test } from "../support/harness.ts";
import { objects, runSockeye, sockeyeCommand } from "./sockeye.ts";

const NO_NETNS = netnsUnavailable();
/** A port that the kernel gives nobody, ip(7), as somebody may listen at others. */
const HERE = ["-p", "20000"];

test("the path MTU to this machine needs no privilege", () => {
  const { status, stdout, stderr } = runSockeye(["pmtu", ...HERE, "127.0.0.1", "--json"]);

  equal(status, 0, stderr);
  const lines = objects(stdout);
  const { type, address, mtu, reached } = lines.at(-1)!;
  deepEqual([type, address, mtu, reached], ["result", "127.0.0.1", 65535, true]);
  for (const { type, outcome } of lines.slice(0, -1)) deepEqual([type, outcome], ["step", "arrived"]);
});

test("for people the result is a sentence, which says where --max was the limit", () => {
  match(
    runSockeye(["pmtu", ...HERE, "::1"]).stdout,
    /\n65535 {2}arrived, answered after \d+\.\d{3} ms\nthe path MTU to ::1 is 65535 bytes\n$/,
  );
  match(runSockeye(["pmtu", ...HERE, "::1", "--max", "1400"]).stdout, /\nthe path MTU to ::1 is 1400 bytes or more\n$/);
});

test("the path MTU along a chain of routers is the truth, and each router's word is told", async () => {
  await using chain = await createChain();
  for (const family of FAMILIES) {
    const { destination, mtu, narrow } = chain.truth[family];

    const { code, stdout, stderr } = await chain.net.exec("source", sockeyeCommand(["pmtu", destination, "--json"]));

    equal(code, 0, stderr);
    const lines = objects(stdout);
    const result = lines.at(-1)!;
    deepEqual([result.mtu, result.reached, result.blackHole], [mtu, true, undefined]);
    deepEqual(
      lines.filter(({ outcome }) => outcome === "too-big").map(({ router, mtu }) => ({ router, mtu })),
      narrow.map(({ router, mtu }) => ({ router, mtu })),
    );
  }
}, { skip: NO_NETNS });

test("a black hole is told of", async () => {
  await using chain = await createChain();
  await silenceTooBig(chain.net, "r5");
  await silenceTooBig(chain.net, "r6");
  const { destination, mtu } = chain.truth.inet;

  const words = ["pmtu", destination, "--max", "1500", "-q", "1", "-w", "1"];
  const { code, stdout, stderr } = await chain.net.exec("source", sockeyeCommand(words));

  equal(code, 0, stderr);
  match(
    stdout,
    new RegExp(`\nthe path MTU to ${destination} is ${mtu} bytes\nblack hole: packets of ${mtu + 1} bytes vanish`),
  );
}, { skip: NO_NETNS });

test("a host that nobody forwards to is a failure, and the line says who refuses", async () => {
  await using chain = await createChain();

  const words = ["pmtu", chain.truth.inet.refused.prohibit];
  const { code, stdout, stderr } = await chain.net.exec("source", sockeyeCommand(words));

  deepEqual([code, stderr], [1, ""]);
  match(stdout, /not forwarded: 10\.78\.8\.2 refuses, and not for its size\n/);
  match(stdout, /did not answer; no objection to \d+ bytes was heard on the way\n$/);
}, { skip: NO_NETNS });

test("each outcome of a size has its words", () => {
  const router = "192.0.2.1";
  deepEqual([
    stepText({ size: 9000, outcome: "refused", mtu: 1500 }),
    stepText({ size: 1500, outcome: "too-big", router, mtu: 1400 }),
    stepText({ size: 1400, outcome: "too-big", router, mtu: 0 }),
    stepText({ size: 1300, outcome: "lost" }),
    stepText({ size: 1280, outcome: "unreachable", router }),
    stepText({ size: 68, outcome: "arrived", rtt: 1.25 }),
  ], [
    " 9000  too large for this machine's own link, which carries 1500",
    " 1500  too large: 192.0.2.1 says that 1400 would go on",
    " 1400  too large, says 192.0.2.1, and not what would go on",
    " 1300  lost: nobody said anything",
    " 1280  not forwarded: 192.0.2.1 refuses, and not for its size",
    "   68  arrived, answered after 1.250 ms",
  ]);
});

test("a host's name is shown with its address, and can't take over the terminal", () => {
  const result: PathMtu = {
    hostname: "\x1b[2J",
    address: "192.0.2.9",
    family: "inet",
    mtu: 1500,
    reached: true,
    steps: [],
    blackHole: undefined,
  };

  equal(resultText(result), "the path MTU to \\u{1b}[2J (192.0.2.9) is 1500 bytes");
});

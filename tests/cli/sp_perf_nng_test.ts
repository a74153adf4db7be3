/** `sockeye sp perf` with a program on libnng at the other end, which does what nng's perf tools do. */

import { deepEqual, match } from "node:assert/strict";
import { perfOnLibnng } from "../../interop/sp/build.ts";
import { test } from "../support/harness.ts";
import { Folder, run } from "./nngcat.ts";
import { sockeyeCommand } from "./sockeye.ts";

const nng = perfOnLibnng();
const skip = nng.path === undefined && nng.reason;

type Maker = (role: string, pattern: string, load: readonly string[]) => string[];

const SOCKEYE: Maker = (role, pattern, load) =>
  sockeyeCommand(["sp", "perf", role, ...load, ...(pattern === "pair1" ? [] : [`--${pattern}`])]);
const NNG: Maker = (role, pattern, load) => [nng.path!, role, pattern, ...load];

/** What both print, whatever the figures. */
const LATENCY =
  /^total time: \d+\.\d{3} \[s\]\nmessage size: 1000 \[B\]\nround trip count: 200\naverage latency: \d+\.\d{3} \[us\]\n$/;
const THROUGHPUT =
  /^total time: \S+ \[s\]\nmessage size: 1000 \[B\]\nmessage count: 5000\nthroughput: \S+ \[msg\/s\]\nthroughput: \S+ \[Mb\/s\]\n$/;
const NOTHING = /^$/;

/** What is measured, and what the end that listens and the one that dials print. */
const MEASUREMENTS = [
  { kind: "lat", count: "200", patterns: ["pair1", "pair0", "reqrep0"], local: NOTHING, remote: LATENCY },
  { kind: "thr", count: "5000", patterns: ["pair1", "pair0"], local: THROUGHPUT, remote: NOTHING },
] as const;

for (const { kind, count, patterns, ...outputs } of MEASUREMENTS) {
  for (const pattern of patterns) {
    for (const [about, local, remote] of [["listens", SOCKEYE, NNG], ["dials", NNG, SOCKEYE]] as const) {
      test(`sockeye ${about}, and a program on libnng is the other end of ${kind} by ${pattern}`, async () => {
        using folder = new Folder();
        const load = [folder.url("perf"), "1000", count];

        const [listening, dialing] = await Promise.all([
          run(local(`local_${kind}`, pattern, load)),
          run(remote(`remote_${kind}`, pattern, load)),
        ]);

        deepEqual([listening.status, listening.stderr], [0, ""]);
        deepEqual([dialing.status, dialing.stderr], [0, ""]);
        match(listening.stdout, outputs.local);
        match(dialing.stdout, outputs.remote);
      }, { skip });
    }
  }
}

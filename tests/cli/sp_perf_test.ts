/** `sockeye sp perf`. */

import { Pair } from "@sockeye/sockeye/sp";
import { deepEqual, equal, match } from "node:assert/strict";
import { test } from "../support/harness.ts";
import { Folder } from "./nngcat.ts";
import { objects, runSockeye, startSockeye } from "./sockeye.ts";

test("a latency is printed as nng's tools print it", () => {
  const { status, stdout, stderr } = runSockeye(["sp", "perf", "inproc_lat", "64", "1000"]);

  deepEqual([status, stderr], [0, ""]);
  match(
    stdout,
    /^total time: \d+\.\d{3} \[s\]\nmessage size: 64 \[B\]\nround trip count: 1000\naverage latency: \d+\.\d{3} \[us\]\n$/,
  );
});

test("a throughput is printed as nng's tools print it", () => {
  const { status, stdout, stderr } = runSockeye(["sp", "perf", "inproc_thr", "64", "1000"]);

  deepEqual([status, stderr], [0, ""]);
  match(
    stdout,
    /^total time: \S+ \[s\]\nmessage size: 64 \[B\]\nmessage count: 1000\nthroughput: \d+ \[msg\/s\]\nthroughput: \d+\.\d{3} \[Mb\/s\]\n$/,
  );
});

for (
  const [pattern, ...words] of [["pair1"], ["pair0"], ["reqrep0"], ["bus0"], ["pair1", "--sync"], ["reqrep0", "--sync"]]
) {
  test(`round trips of two programs are measured: ${[pattern, ...words].join(" ")}`, async () => {
    using folder = new Folder();
    const url = folder.url("perf");
    const all = [url, "0", "50", `--${pattern}`, ...words];
    await using local = startSockeye(["sp", "perf", "local_lat", ...all]);
    await using remote = startSockeye(["sp", "perf", "remote_lat", ...all, "--json"]);

    const { status, stdout, stderr } = await remote.ended;

    deepEqual([status, stderr], [0, ""]);
    const [{ type, size, roundTrips, averageUs }] = objects(stdout);
    deepEqual([type, size, roundTrips, typeof averageUs], ["latency", 0, 50, "number"]);
    deepEqual(await local.ended, { status: 0, stdout: "", stderr: "" });
  });
}

for (const [pattern, ...words] of [["pair1"], ["pair0"], ["pipeline0"], ["pair1", "--sync"]]) {
  test(`the throughput of two programs is measured: ${[pattern, ...words].join(" ")}`, async () => {
    using folder = new Folder();
    const url = folder.url("perf");
    const all = [url, "1024", "5000", `--${pattern}`, ...words];
    await using local = startSockeye(["sp", "perf", "local_thr", ...all, "--json"]);
    await using remote = startSockeye(["sp", "perf", "remote_thr", ...all]);

    const { status, stdout, stderr } = await local.ended;

    deepEqual([status, stderr], [0, ""]);
    const [{ type, size, messages }] = objects(stdout);
    deepEqual([type, size, messages], ["throughput", 1024, 5000]);
    deepEqual(await remote.ended, { status: 0, stdout: "", stderr: "" });
  });
}

test("both ends in one process may use another transport", () => {
  for (const kind of ["inproc_lat", "inproc_thr"]) {
    const { status, stdout, stderr } = runSockeye([
      "sp",
      "perf",
      kind,
      "8",
      "100",
      "--url",
      "tcp://127.0.0.1:0",
      "--json",
    ]);

    deepEqual([status, stderr], [0, ""]);
    equal(objects(stdout)[0].size, 8);
  }
});

test("words that make no sense are told as such", () => {
  for (
    const [words, complaint] of [
      [["inproc_lat", "x", "1"], /SIZE must be a number from 0 to 1000000000, not "x"/],
      [["inproc_thr", "1", "0"], /COUNT must be a number from 1 to 1000000000, not "0"/],
      [["inproc_lat", "1", "1", "--pair0", "--bus0"], /give one of --pair1, --pair0, --reqrep0, --bus0/],
      [["inproc_thr", "1", "1", "--reqrep0"], /--reqrep0/],
      [["local_lat", "tcp://127.0.0.1:0"], /SIZE/],
    ] as const
  ) {
    const { status, stdout, stderr } = runSockeye(["sp", "perf", ...words]);

    deepEqual([status, stdout], [2, ""]);
    match(stderr, complaint);
  }
});

test("messages of another size than agreed on are a failure", async () => {
  using folder = new Folder();
  await using pair = new Pair({ version: 1 });
  await using local = startSockeye(["sp", "perf", "local_lat", folder.url("perf"), "4", "1"]);
  await pair.dial(folder.url("perf"));

  await pair.send("five!");

  const { status, stderr } = await local.ended;
  equal(status, 1);
  equal(stderr, "sockeye: wrong message size: 5 != 4; give both ends the same size\n");
});

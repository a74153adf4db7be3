/** `sockeye device`. */

import { Bus, Pair, Pub, Pull, Push, Rep, Req, Sub } from "@sockeye/sockeye/sp";
import { deepEqual, equal } from "node:assert/strict";
import { test } from "../support/harness.ts";
import { objects, type Program, startSockeye } from "./sockeye.ts";

const ANY = "tcp://127.0.0.1:0";

async function start(...words: string[]): Promise<{ program: Program; front: string; back: string }> {
  const program = startSockeye(["device", ...words, "--json"]);
  const [, front] = await program.line(/"listening","side":"front","url":"([^"]+)"/);
  const [, back = ""] = words.filter((word) => word === ANY).length < 2
    ? []
    : await program.line(/"listening","side":"back","url":"([^"]+)"/);
  return { program, front, back };
}

test("requests and replies go through a device, and Ctrl-C ends it", async () => {
  const { program, front, back } = await start("--req-rep", ANY, ANY);
  await using _ = program;
  await using rep = new Rep();
  await rep.dial(back);
  rep.serve((request) => request.text().toUpperCase());
  await using req = new Req();
  await req.dial(front);

  equal((await req.request("hello", { timeout: 30_000 })).text(), "HELLO");

  program.kill("SIGINT");
  const { status, stdout, stderr } = await program.ended;
  deepEqual([status, stderr], [0, ""]);
  deepEqual(objects(stdout).at(-1), { type: "end", fromFront: 1, fromBack: 1 });
});

test("jobs go through a device to whoever pulls", async () => {
  const { program, front, back } = await start("--push-pull", ANY, ANY);
  await using _ = program;
  await using pull = new Pull();
  await pull.dial(back);
  await using push = new Push();
  await push.dial(front);

  await push.send("job");

  equal((await pull.receive({ timeout: 30_000 })).text(), "job");
});

for (const [pattern, version] of [["--pair", 1], ["--pair0", 0]] as const) {
  test(`two peers of PAIR, version ${version}, meet at a device of ${pattern}`, async () => {
    const { program, front, back } = await start(pattern, ANY, ANY);
    await using _ = program;
    await using left = new Pair({ version });
    await left.dial(front);
    await using right = new Pair({ version });
    await right.dial(back);

    await left.send("there");
    equal((await right.receive({ timeout: 30_000 })).text(), "there");
    await right.send("and back");
    equal((await left.receive({ timeout: 30_000 })).text(), "and back");
  });
}

test("a device that dials its front publishes what is published there", async () => {
  await using pub = new Pub();
  const { url } = await pub.listen(ANY);
  await using program = startSockeye(["device", "--pub-sub", url, ANY, "--dial", "front", "--json"]);
  const [, back] = await program.line(/"listening","side":"back","url":"([^"]+)"/);
  await using sub = new Sub();
  sub.subscribe("news");
  await sub.dial(back);

  // Nobody knows when the device has got through to the publisher, but it will.
  const received = sub.receive({ timeout: 20_000 });
  const repeated = setInterval(() => pub.trySend("news of today"), 20);

  equal((await received.finally(() => clearInterval(repeated))).text(), "news of today");
});

test("a bus of one address gives all others what one sends", async () => {
  const { program, front } = await start("--bus", ANY);
  await using _ = program;
  await using first = new Bus();
  await using second = new Bus();
  await Promise.all([first.dial(front), second.dial(front)]);

  const received = second.receive({ timeout: 20_000 });
  // The device may not have taken the second in yet.
  const repeated = setInterval(() => first.trySend("hop"), 20);

  equal((await received.finally(() => clearInterval(repeated))).text(), "hop");
  equal(first.tryReceive(), undefined);
});

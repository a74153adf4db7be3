import { Bus, device } from "@sockeye/sockeye/sp";
import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import { inproc } from "../../../sp/transport/inproc.ts";
import { test } from "../../support/harness.ts";
import { SOON } from "../contract/carriers.ts";
import { bytes, dial, Host, NONE, Party } from "./parties.ts";

test("inproc: timers have their turn while messages go to and fro without end", async () => {
  const host = new Host(inproc, "inproc://ping-pong");
  const connection = await dial(inproc, host.url);
  assert(!(connection instanceof Error));
  const accepted = await host.accepted.first();
  let bounces = 0;
  const bounceOn = (end: typeof accepted) =>
    end.start({
      message: (message) => {
        bounces++;
        end.send(NONE, message);
      },
      writable: () => {},
      closed: () => {},
    });
  bounceOn(connection);
  bounceOn(accepted);

  connection.send(NONE, bytes("ball"));
  await setTimeout(0);
  const before = bounces;
  await setTimeout(0);

  assert(before > 0 && bounces > before);
  connection.close();
  host.listening.close();
});

test("inproc: timers have their turn while devices send a message round in a loop", async () => {
  await using here = new Bus({ raw: true });
  await using there = new Bus({ raw: true });
  await using outside = new Bus();
  await here.listen("inproc://here");
  await there.dial("inproc://here", SOON);
  await outside.dial("inproc://here", SOON);
  const loop = device(here, there);

  await outside.send("round and round");
  while (here.stats().received < 1000) await setTimeout(0);

  await here.close();
  await loop;
});

test("inproc: what a peer has not read when it goes is given back", async () => {
  const host = new Host(inproc, "inproc://unread");
  const connection = await dial(inproc, host.url);
  assert(!(connection instanceof Error));
  const here = new Party(connection);
  const accepted = await host.accepted.first();
  await here.send(bytes("one"), bytes("header "));
  await here.send(bytes("two"));

  accepted.close();
  await here.closed.first();

  const left = connection.reclaim().map((message) => new TextDecoder().decode(message));
  assert.deepEqual(left, ["header one", "two"]);
  host.listening.close();
});

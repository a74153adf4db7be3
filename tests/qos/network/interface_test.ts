// A packet leaves through the interface that has the name now, whichever had it before.

import assert from "node:assert/strict";
import { test } from "../../support/harness.ts";
import { netnsUnavailable, Topology } from "../../support/netns/topology.ts";
import { runProgram } from "./program.ts";
import type { ReturningOrder } from "./programs/returning_interface.ts";

const PORT = 5000;

test("an interface's name stands for whichever has it when the packet is sent", async () => {
  await using net = await Topology.create({
    namespaces: ["here", "there"],
    links: [{ from: "here", to: "there" }, { from: "here", to: "there" }],
  });
  const [first, second] = net.links.map(({ interfaces }) => interfaces.from);
  const order: ReturningOrder = {
    // What is heard of it on this machine tells which interface it took.
    sends: [
      { to: `239.255.17.2:${PORT}`, interface: first },
      { to: `[ff02::1702]:${PORT}`, interface: first },
      { to: `[ff02::1702%${first}]:${PORT}` },
    ],
    groups: ["239.255.17.2", "ff02::1702"],
    interfaces: [first, second],
    port: PORT,
    changes: [
      ["link", "set", first, "down"],
      ["link", "set", first, "name", "gone"],
      ["link", "set", second, "down"],
      ["link", "set", second, "name", first],
      ["link", "set", first, "up"],
      // IPv6 addresses go with the link.
      ["address", "add", "fd78::1/64", "dev", first, "nodad"],
    ],
  };

  const taken: number[] = await runProgram(net, "here", "returning_interface.ts", order);

  const [before, , , after] = taken;
  assert.notEqual(after, before);
  assert.deepEqual(taken, [before, before, before, after, after, after]);
}, { skip: netnsUnavailable() });

// A packet leaves through the interface that has the name now, whichever had it before.

import assert from "node:assert/strict";
import { test } from "../../support/harness.ts";
import { netnsUnavailable, Topology } from "../../support/netns/topology.ts";
import { configure } from "./chain.ts";
import { runProgram } from "./program.ts";
import type { ReturningOrder } from "./programs/returning_interface.ts";

const PORT = 5000;
/** A name that an interface has beside its own, and that can be taken from it while it is up: ip-link(8). */
const NAME = "way-out";

function naming(interfaceName: string): string[] {
  return ["link", "property", "add", "dev", interfaceName, "altname", NAME];
}

test("an interface's name stands for whichever has it when the packet is sent", async () => {
  await using net = await Topology.create({
    namespaces: ["here", "there"],
    links: [{ from: "here", to: "there" }, { from: "here", to: "there" }],
  });
  const [first, second] = net.links.map(({ interfaces }) => interfaces.from);
  await configure(net, "here", [naming(first).join(" ")]);
  const order: ReturningOrder = {
    // What is heard of it on this machine tells which interface it took.
    sends: [
      { to: `239.255.17.2:${PORT}`, interface: NAME },
      { to: `[ff02::1702]:${PORT}`, interface: NAME },
      { to: `[ff02::1702%${NAME}]:${PORT}` },
    ],
    groups: ["239.255.17.2", "ff02::1702"],
    interfaces: [first, second],
    port: PORT,
    changes: [["link", "property", "del", "dev", first, "altname", NAME], naming(second)],
  };

  const taken: number[] = await runProgram(net, "here", "returning_interface.ts", order);

  const [before, , , after] = taken;
  assert.notEqual(after, before);
  assert.deepEqual(taken, [before, before, before, after, after, after]);
}, { skip: netnsUnavailable() });

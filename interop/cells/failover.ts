/**
 * The primary path is cut while messages flow: nothing is lost, nothing comes twice, and both ends are told.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Cell } from "../cell.ts";
import { checkAddresses, checkMessages } from "../checks.ts";
import { countOf, type SendSpec } from "../messages.ts";
import { TwoPaths } from "../network.ts";
import type { Peer } from "../peers.ts";
import type { Report } from "../reports.ts";
import { type End, nameOf, start } from "./conversation.ts";

const SENT: readonly SendSpec[] = [0, 1, 2, 3].map((stream) => ({
  stream,
  ppid: stream,
  size: 1000 + 700 * stream,
  count: 100,
  seed: 1000 * stream,
}));
const CUT_AFTER = 40;

/** Slows the messages down, so that many are still to come when the cut is made: a window takes two of these. */
const DELAY_MS = 20;

/** Timers (milliseconds) and limits that find a dead path in less than a second. */
const IMPATIENT = {
  rto_initial: 200,
  rto_min: 100,
  rto_max: 400,
  hb_interval: 100,
  path_max_retrans: 2,
  association_max_retrans: 20,
};

/** One cell: ours is in the runner's namespace, the other end in its own. */
export function failoverCell(serverEnd: Pick<End, "kind" | "style">, clientEnd: Pick<End, "kind" | "style">): Cell {
  return {
    group: "failover",
    name: `${nameOf(clientEnd)} to ${nameOf(serverEnd)}: the primary path is cut, then mended`,
    timeoutMs: 40_000,
    async run(context) {
      const network = await TwoPaths.build(context, DELAY_MS);
      await network.setSysctls(IMPATIENT, context);
      const ours = { local: network.paths.map((path) => path.addresses.from[0]) };
      const peers = { local: network.paths.map((path) => path.addresses.to[0]), namespace: network.namespace };
      const isServerOurs = serverEnd.kind === "ours";
      const { server, client } = await start(
        context,
        { ...serverEnd, ...(isServerOurs ? ours : peers), echo: true },
        {
          ...clientEnd,
          ...(isServerOurs ? peers : ours),
          sends: SENT,
          window: 16,
          expect: countOf(SENT),
          end: "peer",
        },
      );

      await server.until(() => server.messages.length === CUT_AFTER);
      await network.paths[0].cut();
      const dead = pathState(network, 0, "SCTP_ADDR_UNREACHABLE");
      await Promise.all([server.until(dead), client.until(dead)]);
      await client.until(() => client.messages.length === countOf(SENT));
      assert.equal(
        client.up.primary?.startsWith(addressOfServer(network, isServerOurs)),
        true,
        "path 0 was the primary",
      );
      await network.paths[0].mend();
      const alive = pathState(network, 0, "SCTP_ADDR_AVAILABLE");
      await Promise.all([server.until(alive), client.until(alive)]);
      client.finish();
      await Promise.all([server.done, client.done]);

      checkMessages(server, SENT, "at the server");
      checkMessages(client, SENT, "at the client");
      checkAddresses(server, client);
      assertBothPathsUsed(server);
    },
  };
}

/** Says whether a report is about a path in a state, whoever is told. */
function pathState(network: TwoPaths, index: number, state: string): (report: Report) => boolean {
  const { from, to } = network.paths[index].addresses;
  return (report) =>
    report.type === "notification" && report.event === "SCTP_PEER_ADDR_CHANGE" && report.state === state &&
    [from[0], to[0]].some((address) => String(report.address).startsWith(`${address}:`));
}

function addressOfServer(network: TwoPaths, isServerOurs: boolean): string {
  return `${network.paths[0].addresses[isServerOurs ? "from" : "to"][0]}:`;
}

function assertBothPathsUsed(receiver: Peer): void {
  const sources = new Set(receiver.messages.map(({ from }) => from));
  assert.equal(sources.size, 2, `messages came from ${[...sources].join(" and ")} only`);
}

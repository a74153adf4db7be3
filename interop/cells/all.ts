/**
 * Every cell of the matrix, in the order of the table.
 *
 * @module
 */

import type { Cell } from "../cell.ts";
import { encapsulationCell } from "./encapsulation.ts";
import { endingCells, killedCell } from "./endings.ts";
import { failoverCell } from "./failover.ts";
import { goCells } from "./go.ts";
import { lksctpCells } from "./lksctp.ts";
import { reconfigurationCells } from "./reconfiguration.ts";
import { styleCell, styleCells } from "./styles.ts";
import { unreadCells } from "./unread.ts";

type Kind = "ours" | "libsctp" | "kernel";

const many = (kind: Kind) => ({ kind, style: "many" as const });
const one = (kind: Kind) => ({ kind, style: "one" as const });

/** All cells. */
export function allCells(): Cell[] {
  return [
    // The runner's own health: where these fail, the peers are to blame, not Sockeye.
    styleCell("the peers themselves", many("libsctp"), one("kernel"), "IPv4, multi-homed"),
    styleCell("the peers themselves", one("kernel"), many("libsctp"), "IPv6, multi-homed"),

    ...styleCells([["ours", "libsctp"], ["ours", "kernel"]], "C client, our server"),
    ...styleCells([["libsctp", "ours"], ["kernel", "ours"]], "our client, C server"),

    ...endingCells(many("ours"), one("libsctp")),
    ...endingCells(one("ours"), many("kernel")),
    ...endingCells(many("kernel"), one("ours")),
    ...endingCells(one("libsctp"), many("ours")),
    ...unreadCells("libsctp"),
    killedCell(many("ours"), one("kernel")),
    killedCell(one("ours"), many("libsctp")),

    ...reconfigurationCells(many("libsctp")),
    ...reconfigurationCells(one("kernel")),

    encapsulationCell(many("ours"), one("kernel"), 0),
    encapsulationCell(one("ours"), many("libsctp"), 1),
    encapsulationCell(one("libsctp"), many("ours"), 0),
    encapsulationCell(many("kernel"), one("ours"), 1),

    failoverCell(many("ours"), one("libsctp")),
    failoverCell(one("ours"), many("kernel")),
    failoverCell(many("kernel"), one("ours")),
    failoverCell(one("libsctp"), many("ours")),

    ...goCells(many("ours")),
    ...goCells(one("ours")),

    ...lksctpCells((style) => ({ kind: "ours", style })),
  ];
}

/**
 * Sockeye by the calls that block its thread: messages of all sizes, and some one after the other.
 *
 * @module
 */

import { cell, isPossible, meet, type Pairing, type SpCell } from "../cell.ts";
import { fingerprint } from "../payload.ts";
import { PATIENCE_MS } from "../remote.ts";
import { compare, exchange, ROLES } from "../roles.ts";
import { SIZES } from "./exchange.ts";

const ONE_BY_ONE = 30;

/** The cells of one pairing. */
export function blockingCells(table: string, pairing: Pairing): SpCell[] {
  return ROLES.filter((role) => isPossible(pairing, role)).map((role) =>
    cell(table, `${role.name}: by calls that block, 0 B to 1 MiB`, pairing, async (context) => {
      const { own, other } = await meet(context, pairing, role, { ownMode: "blocking" });

      for (const [seed, size] of SIZES.entries()) await exchange(role, own, other, size, seed);
      for (let seed = 100; seed < 100 + ONE_BY_ONE; seed++) await exchange(role, own, other, 64, seed);

      if (role.name !== "REQ") return;
      for (const [seed, size] of SIZES.entries()) {
        const [asked, answered] = await Promise.all([
          other.peer.do(`echo s 1 ${PATIENCE_MS}`),
          own.peer.do(`ask s 1 ${size} ${seed} ${PATIENCE_MS}`),
        ]);
        compare(asked, [fingerprint(size, seed)], other.peer.kind);
        compare(answered, [fingerprint(size, seed)], own.peer.kind);
      }
    })
  );
}

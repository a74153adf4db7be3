/**
 * Messages of all sizes, and many of them.
 *
 * @module
 */

import { cell, isPossible, meet, type Pairing, type SpCell } from "../cell.ts";
import { burst, converse, directions, exchange, pass, type Role, ROLES, stream } from "../roles.ts";

/** From none to what nng and nanomsg take by default. */
export const SIZES: readonly number[] = [0, 1, 64, 1 << 10, (1 << 16) - 1, 1 << 16, (1 << 16) + 1, 1 << 20];

const CONVERSATIONS = 300;
const MANY = 3_000;
const ONE_BY_ONE = 50;

/** The cells of one pairing. */
export function exchangeCells(table: string, pairing: Pairing): SpCell[] {
  return ROLES.filter((role) => isPossible(pairing, role)).flatMap((role) => [
    cell(table, `${role.name}: 0 B to 1 MiB`, pairing, async (context) => {
      const { own, other } = await meet(context, pairing, role);
      for (const [seed, size] of SIZES.entries()) await exchange(role, own, other, size, seed);
    }),
    cell(table, `${role.name}: ${manyOf(role)}`, pairing, async (context) => {
      const { own, other } = await meet(context, pairing, role);
      for (const [from, to] of directions(role, own, other)) {
        if (role.way === "ask" || role.way === "answer") await converse(from, to, CONVERSATIONS, 64, 1);
        else if (role.lossy === undefined || role.lossy === "other" && from === own) {
          await stream(from, to, MANY, 64, 1);
        } else {
          for (let seed = 0; seed < ONE_BY_ONE; seed++) await pass(from, to, 64, seed);
          await burst(from, to, MANY, 64, 1000);
        }
      }
    }),
  ]);
}

function manyOf({ way, lossy }: Role): string {
  if (way === "ask" || way === "answer") return `${CONVERSATIONS} one after the other`;
  return lossy === "either" ? `${MANY} in order, none doubled` : `${MANY} in order`;
}

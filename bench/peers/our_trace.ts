/**
 * Our side of the comparison with traceroute(8), in one process: `our_trace.ts HOST COUNT` traces the way so many times, and
 * tells how many milliseconds the first and the one in the middle took, and how many hops were found.
 *
 * @module
 */

import { trace } from "../../qos/mod.ts";
import { say } from "./tally.mjs";

const [host, count] = Deno.args;
const times: number[] = [];
let hops = 0;
for (let i = 0; i < Number(count); i++) {
  const begun = performance.now();
  for await (const event of trace(host)) if (event.type === "summary") hops = event.hops.length;
  times.push(performance.now() - begun);
}
const first = times[0];
say({ first, median: times.sort((a, b) => a - b)[times.length >> 1], hops });

/**
 * A device: questions come in at one address, and servers that dial another one share them.
 *
 *     deno run -A examples/sp_device.ts
 *
 * @module
 */

import { device, Rep, Req } from "@sockeye/sockeye/sp";

await using front = new Rep({ raw: true });
await using back = new Req({ raw: true });
await front.listen("inproc://front");
await back.listen("inproc://back");
const ending = new AbortController();
const forwarding = device(front, back, { signal: ending.signal });

await using server = new Rep();
await server.dial("inproc://back");
void server.serve((question) => question.text().toUpperCase());

await using client = new Req();
await client.dial("inproc://front");
for (const word of ["through", "the", "middle"]) {
  console.log((await client.request(word, { timeout: 5000 })).text());
}

ending.abort();
await forwarding;

/**
 * PAIR: two who talk to each other; and, polyamorous, one who answers whichever of several has spoken.
 *
 *     deno run -A examples/sp_pair.ts
 *
 * @module
 */

import { Pair } from "@sockeye/sockeye/sp";

const options = { receiveTimeout: 5000 };

await using left = new Pair(options);
await left.listen("inproc://pair");
await using right = new Pair(options);
await right.dial("inproc://pair");
await left.send("ping");
console.log("right:", (await right.receive()).text());
await right.send("pong");
console.log("left:", (await left.receive()).text());

await using hub = new Pair({ ...options, version: 1, polyamorous: true });
await hub.listen("inproc://hub");
for (const name of ["ann", "bob"]) {
  await using spoke = new Pair({ ...options, version: 1 });
  await spoke.dial("inproc://hub");
  await spoke.send(`I am ${name}`);
  const message = await hub.receive();
  await hub.sendTo(message.pipe!, `${message.text()}, too?`);
  console.log(`${name}:`, (await spoke.receive()).text());
}

/**
 * BUS: each of three is connected to both others, and hears what they say, but not itself.
 *
 *     deno run -A examples/sp_bus.ts
 *
 * @module
 */

import { Bus } from "@sockeye/sockeye/sp";

const options = { receiveTimeout: 5000 };
await using ann = new Bus(options);
await using bob = new Bus(options);
await using eve = new Bus(options);
await ann.listen("inproc://ann");
await bob.listen("inproc://bob");
await bob.dial("inproc://ann");
await eve.dial("inproc://ann");
await eve.dial("inproc://bob");

const everybody = { ann, bob, eve };
for (const [name, bus] of Object.entries(everybody)) await bus.send(`I am ${name}`);
for (const [name, bus] of Object.entries(everybody)) {
  const heard = [(await bus.receive()).text(), (await bus.receive()).text()];
  console.log(`${name} heard: ${heard.sort().join(", ")}`);
}

/**
 * PUB and SUB: a publisher tells everybody, and a subscriber gets what begins with a topic of its own.
 *
 *     deno run -A examples/sp_pub_sub.ts
 *
 * @module
 */

import { Pub, Sub } from "@sockeye/sockeye/sp";

await using pub = new Pub();
await pub.listen("inproc://news");

await using sub = new Sub({ receiveTimeout: 5000 });
sub.subscribe("weather ");
await sub.dial("inproc://news");

for (const news of ["sports 2:1", "weather sunny", "traffic slow", "weather rain"]) await pub.send(news);

console.log((await sub.receive()).text());
console.log((await sub.receive()).text());

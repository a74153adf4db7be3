/**
 * Contexts: conversations of their own on one socket. Two servers of one REP socket, each with one question at a time, and
 * two subscribers that share a connection.
 *
 *     deno run -A examples/sp_contexts.ts
 *
 * @module
 */

import { Pub, Rep, Req, Sub } from "@sockeye/sockeye/sp";

const options = { receiveTimeout: 5000 };

await using rep = new Rep(options);
await rep.listen("inproc://contexts");
await using req = new Req(options);
await req.dial("inproc://contexts");

using first = rep.openContext();
using second = rep.openContext();
const answers = [req.request("one"), req.request("two")];
const one = await first.receive();
const two = await second.receive();
await second.send(`${two.text()}, answered first`);
await first.send(`${one.text()}, answered last`);
for (const answer of await Promise.all(answers)) console.log(answer.text());

await using sub = new Sub(options);
using sports = sub.openContext();
using everything = sub.openContext();
sports.subscribe("sports ");
everything.subscribe("");
await using pub = new Pub();
await pub.listen("inproc://news");
await sub.dial("inproc://news");
for (const news of ["weather sunny", "sports 2:1"]) await pub.send(news);
console.log("sports:", (await sports.receive()).text());
console.log("everything:", (await everything.receive()).text());
console.log("everything:", (await everything.receive()).text());

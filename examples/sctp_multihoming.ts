/**
 * SCTP over two paths: which there are and how they stand, sending on one of them by choice, and moving the primary path.
 *
 *     deno task rig -- deno run -A examples/sctp_multihoming.ts
 *
 * @module
 */

import { SctpAssociation, SctpListener } from "@sockeye/sockeye/sctp";

const decoder = new TextDecoder();

using listener = SctpListener.listen("sctp://127.0.0.1,127.0.0.2:0");
await using client = await SctpAssociation.connect(listener.localAddresses(), {
  local: "sctp://127.0.0.3,127.0.0.4:0",
  events: ["address"],
  timeout: 5_000,
});
await using server = await listener.accept({ timeout: 5_000 });

console.log("client:", client.localAddresses().addresses.join(" and "));
console.log("server:", client.peerAddresses().addresses.join(" and "));

// The second path is usable once a heartbeat has confirmed it (RFC 9260, section 5.4).
const [first, second] = client.peerAddresses().toSocketAddresses();
while (client.options.pathInfo(second).state === "unconfirmed") {
  for await (const event of client.events()) if (event.type === "address" && event.state === "confirmed") break;
}
for (const path of [first, second]) console.log(`path to ${path.address}: ${client.options.pathInfo(path).state}`);

await client.send("on the primary path");
await client.send("on the other path", { addressOverride: second });
client.options.primaryAddress = second;
await client.send("on the new primary path");

for (let received = 0; received < 3; received++) {
  const { data } = await server.receive({ timeout: 5_000 });
  console.log(`received "${decoder.decode(data)}"`);
}
console.log("primary path:", client.status().primary.address.address);

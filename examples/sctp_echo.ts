/**
 * SCTP, both styles in one program: a one-to-many endpoint that echoes, and one-to-one clients that talk to it.
 *
 *     deno run -A examples/sctp_echo.ts                        (where the kernel has SCTP)
 *     deno task rig -- deno run -A examples/sctp_echo.ts       (anywhere)
 *
 * @module
 */

import { SctpAssociation, SctpEndpoint } from "@sockeye/sockeye/sctp";

const CLIENTS = 3;
const decoder = new TextDecoder();

using server = SctpEndpoint.listen("sctp://127.0.0.1:0", { events: ["association"] });
const serving = serve();
const url = server.localAddresses();

await Promise.all(Array.from({ length: CLIENTS }, (_, number) => talk(number)));
await serving;

/** Sends every message back on its own stream, until the last client has gone. */
async function serve(): Promise<void> {
  let gone = 0;
  for await (const event of server) {
    if (event.type === "message") {
      const { associationId, streamId, ppid, unordered } = event;
      await server.send(event.data, { associationId, streamId, ppid, unordered });
    } else if (event.type === "association") {
      console.log(`server: ${event.state}`);
      if (event.state === "shutdown-complete" && ++gone === CLIENTS) return;
    }
  }
}

/** One client: a message on a stream of its own, and the answer. */
async function talk(number: number): Promise<void> {
  await using association = await SctpAssociation.connect(url, { timeout: 5_000 });
  await association.send(`hello from client ${number}`, { streamId: number, ppid: 46 });
  const { data, streamId, ppid } = await association.receive({ timeout: 5_000 });
  console.log(`client ${number}: "${decoder.decode(data)}" on stream ${streamId}, ppid ${ppid}`);
}

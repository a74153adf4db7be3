/**
 * The two ends of an association: a shutdown, after which everything is delivered, and an abort, with its reason.
 *
 *     deno task rig -- deno run -A examples/sctp_endings.ts
 *
 * @module
 */

import { SystemError } from "@sockeye/sockeye";
import { SctpAssociation, SctpEndpoint } from "@sockeye/sockeye/sctp";

using server = SctpEndpoint.listen("sctp://127.0.0.1:0", { events: ["association", "shutdown"] });
const serving = serve();

// Gracefully: what was sent is there before the end.
{
  await using client = await SctpAssociation.connect(server.localAddresses(), { timeout: 5_000 });
  await client.send("one");
  await client.send("two");
  await client.shutdown({ timeout: 5_000 });
  console.log("client: shut down");
}

// At once: the server does not want this one, and says why.
{
  using client = await SctpAssociation.connect(server.localAddresses(), { timeout: 5_000 });
  await client.send("unwelcome");
  try {
    await client.receive({ timeout: 5_000 });
  } catch (error) {
    if (error instanceof SystemError) console.log(`client: ${error.code}, ${error.message}`);
  }
}
await serving;

async function serve(): Promise<void> {
  for await (const event of server) {
    switch (event.type) {
      case "message": {
        const text = new TextDecoder().decode(event.data);
        console.log("server:", text);
        if (text !== "unwelcome") break;
        server.abort(event.associationId, "not today");
        return;
      }
      case "association":
        console.log("server:", event.state);
    }
  }
}

/**
 * SCTP without promises: a Worker that blocks for each message, for the lowest latency and for code that is not async.
 *
 *     deno task rig -- deno run -A examples/sctp_blocking.ts
 *
 * @module
 */

import { ClosedError } from "@sockeye/sockeye";
import { SctpAssociation, SctpListener } from "@sockeye/sockeye/sctp";
import { once } from "node:events";
import { isMainThread, parentPort, Worker } from "node:worker_threads";

if (isMainThread) await main();
else serve();

async function main(): Promise<void> {
  const worker = new Worker(new URL(import.meta.url));
  const exit = once(worker, "exit");
  const [url] = await once(worker, "message");

  await using client = await SctpAssociation.connect(url, { timeout: 5_000 });
  for (const text of ["one", "two", "three"]) {
    await client.send(text);
    const { data } = await client.receive({ timeout: 5_000 });
    console.log("answer:", new TextDecoder().decode(data));
  }
  await client.shutdown();
  await exit;
}

/** In the Worker: nothing else happens on its thread, so it may wait. */
function serve(): void {
  using listener = SctpListener.listen("sctp://127.0.0.1:0");
  parentPort!.postMessage(listener.localAddresses().toString());
  using association = listener.acceptSync({ timeout: 10_000 });
  try {
    for (;;) {
      const { data } = association.receiveSync({ timeout: 10_000 });
      association.sendSync(new TextDecoder().decode(data).toUpperCase());
    }
  } catch (error) {
    if (!(error instanceof ClosedError)) throw error; // The client has shut the association down.
  }
}

/**
 * Blocking calls in a Worker: it asks, and its thread waits, while the program answers. What it learns it posts as a copy.
 *
 *     deno run -A examples/sp_worker.ts
 *
 * @module
 */

import { Rep, Req } from "@sockeye/sockeye/sp";
import { once } from "node:events";
import process from "node:process";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

if (isMainThread) {
  const url = `ipc://@sockeye-worker-${process.pid}`;
  await using rep = new Rep();
  await rep.listen(url);
  void rep.serve((question) => question.text().toUpperCase());

  const worker = new Worker(new URL(import.meta.url), { workerData: url });
  const [answer] = await once(worker, "message");
  console.log(new TextDecoder().decode(answer));
  await worker.terminate();
} else {
  using req = new Req();
  await req.dial(workerData);
  const words = ["not", "a", "promise"].map((word) => req.requestSync(word, { timeout: 5000 }).text());
  const { body } = req.requestSync(words.join(" ").toLowerCase(), { timeout: 5000 });
  // A body is a view of a larger buffer: slice() makes a copy that can be posted, and given away.
  const copy = body.slice();
  parentPort!.postMessage(copy, [copy.buffer]);
}

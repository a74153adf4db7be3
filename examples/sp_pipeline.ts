/**
 * PUSH and PULL: work is handed to whoever has room for it, and the results are gathered.
 *
 *     deno run -A examples/sp_pipeline.ts
 *
 * @module
 */

import { Pull, Push } from "@sockeye/sockeye/sp";

await using work = new Push();
await work.listen("inproc://work");
await using results = new Pull({ receiveTimeout: 5000 });
await results.listen("inproc://results");

/** Squares numbers until the socket that they come from is closed. */
async function square(todo: Pull): Promise<void> {
  await using done = new Push();
  await done.dial("inproc://results");
  for await (const number of todo) await done.send(String(Number(number.text()) ** 2));
}

const workers = [new Pull(), new Pull()];
for (const worker of workers) {
  await worker.dial("inproc://work");
  void square(worker);
}

for (let number = 1; number <= 10; number++) await work.send(String(number));
let sum = 0;
for (let i = 0; i < 10; i++) sum += Number((await results.receive()).text());
console.log(`the squares of 1 to 10 add up to ${sum}`);
for (const worker of workers) await worker.close();

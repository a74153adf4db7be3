/**
 * The streams of an association: a view on each, order within a stream, and Web Streams of messages.
 *
 *     deno task rig -- deno run -A examples/sctp_streams.ts
 *
 * @module
 */

import { SctpAssociation, SctpListener, type SctpMessage } from "@sockeye/sockeye/sctp";

const CONTROL = 0;
const LOG = 1;
const decoder = new TextDecoder();

using listener = SctpListener.listen("sctp://127.0.0.1:0");
using sender = await SctpAssociation.connect(listener.localAddresses(), { timeout: 5_000 });
using receiver = await listener.accept({ timeout: 5_000 });
const control = receiver.stream(CONTROL);
const log = receiver.stream(LOG);

// Strings on one side, messages with metadata on the other; a message is a message, however large.
const lines = new ReadableStream<string>({
  start(controller) {
    for (const line of ["started", "x".repeat(100_000), "stopped"]) controller.enqueue(line);
    controller.close();
  },
});
const writing = lines.pipeTo(sender.stream(LOG).writable);
await sender.send("flush", { streamId: CONTROL });

// Whatever waits on the other stream, this one is not held up.
console.log("control:", decoder.decode((await control.receive({ timeout: 5_000 })).data));

const ending = writing.then(() => sender.shutdown());
const toLine = new TransformStream<SctpMessage, string>({
  transform({ data, ssn }, controller) {
    controller.enqueue(`log ${ssn}: ${data.length > 20 ? `${data.length} bytes` : decoder.decode(data)}`);
  },
});
for await (const line of log.readable.pipeThrough(toLine)) console.log(line);
await ending;

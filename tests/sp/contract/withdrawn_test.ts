/** Messages whose bytes are transferred before they have left. */

import { Pull, Push } from "@sockeye/sockeye/sp";
import assert from "node:assert/strict";
import { overEach, SOON } from "./carriers.ts";

overEach("bytes that are transferred too soon come as nothing else, and harm no other message", async (carrier) => {
  const length = Math.min(carrier.maxMessageBytes ?? Infinity, 300_000);
  const push = new Push({ sendBuffer: 50, reconnectMin: 5 });
  const pull = new Pull({ receiveBuffer: 1 });
  const { url } = await pull.listen(carrier.url());
  await push.dial(url, SOON);
  const bodies = Array.from({ length: 30 }, () => new Uint8Array(length).fill(7));

  const taken = bodies.filter((body) => push.trySend(body));
  for (const body of taken) structuredClone(body, { transfer: [body.buffer] });
  await push.send("the last", SOON);

  for (;;) {
    const { body } = await pull.receive(SOON);
    if (body.length !== length) {
      assert.equal(new TextDecoder().decode(body), "the last");
      break;
    }
    assert(body.every((byte) => byte === 7));
  }
  await push.close();
  await pull.close();
});

/** Blocking calls, with somebody on another thread to wait for. */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { AF_UNIX, MessageSocket, SOCK_DGRAM, type SocketAddress } from "../../ffi/mod.ts";
import { test } from "../support/harness.ts";

test("a blocking send waits until a peer that it isn't connected to has room", async () => {
  const worker = new Worker(new URL("./drain_worker.ts", import.meta.url), { type: "module" });
  const answer = () => new Promise((resolve) => worker.onmessage = ({ data }) => resolve(data));
  const name = randomUUID();
  const bound = answer();
  worker.postMessage({ name });
  await bound;
  const to: SocketAddress = { family: "unix", abstract: name };
  const socket = MessageSocket.open(AF_UNIX, SOCK_DGRAM);
  let count = 0;
  while (socket.trySend(Uint8Array.of(1), { to })) count++;

  const drained = answer();
  worker.postMessage({ count: count + 1 });
  socket.sendSync(Uint8Array.of(2), { to });

  assert.equal(await drained, "drained");
  socket.close();
  worker.terminate();
});

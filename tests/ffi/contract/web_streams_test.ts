import { StreamSocket } from "@sockeye/sockeye/ffi";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "../../support/harness.ts";
import { bytes, connected, joined, pattern, readAll, text } from "./sockets.ts";

test("Web Streams carry bytes both ways, and close the socket when both have ended", async () => {
  const [client, server] = await connected();
  const data = pattern(2_000_000);

  const echoing = server.readable.pipeTo(server.writable);
  const writer = client.writable.getWriter();
  const writing = writer.write(data).then(() => writer.close());
  const chunks: Uint8Array[] = [];
  for await (const chunk of client.readable) chunks.push(chunk);
  await writing;
  await echoing;

  assert(Buffer.compare(joined(chunks), data) === 0);
  assert(client.isClosed);
  assert(server.isClosed);
  assert.equal(client.readable, client.readable);
});

test("a Web Stream fills the reader's own buffer, and reads nothing that nobody asked for", async () => {
  const [left, right] = StreamSocket.pair();
  await left.write(bytes("abcdef"));

  const reader = right.readable.getReader({ mode: "byob" });
  const { value } = await reader.read(new Uint8Array(4));
  assert.equal(text(value!), "abcd");
  reader.releaseLock();

  assert.equal(right.stats().bytesRead, 4);
  assert.equal(await right.read(new Uint8Array(4)), 2);
  left.close();
  right.close();
});

test("a Web Stream that is cancelled in mid-read takes nothing", async () => {
  const [left, right] = StreamSocket.pair();
  const reader = right.readable.getReader();
  const reading = reader.read();

  await reader.cancel("enough");
  assert.equal((await reading).done, true);
  await left.write(bytes("still there"));

  assert.equal(await right.read(new Uint8Array(16)), 11);
  await left.writable.close();
  assert(!left.isClosed);
  left.close();
  right.close();
});

test("a Web Stream passes backpressure on, and aborting it cuts the connection", async () => {
  const [client, server] = await connected();
  const writer = client.writable.getWriter();

  const write = writer.write(new Uint8Array(20_000_000));
  assert.equal(writer.desiredSize, 0);
  const cut = writer.abort(new Error("cut"));

  await assert.rejects(write, { message: "cut" });
  await cut;
  assert(client.isClosed);
  await assert.rejects(readAll(server), { code: "ECONNRESET" });
  server.close();
});

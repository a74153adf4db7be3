/**
 * Unix datagrams: a server that answers whoever writes to its path, and a client that sends a batch.
 *
 *     deno run -A examples/unixgram_echo.ts
 *
 * @module
 */

import { AF_UNIX, MessageSocket, SOCK_DGRAM } from "@sockeye/sockeye/ffi";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const folder = mkdtempSync(join(tmpdir(), "unixgram-echo-"));
const server = MessageSocket.open(AF_UNIX, SOCK_DGRAM);
const client = MessageSocket.open(AF_UNIX, SOCK_DGRAM);
try {
  server.bind({ family: "unix", path: join(folder, "server") });
  client.bind({ family: "unix", path: join(folder, "client") }); // An answer needs an address to go to.
  client.connect(server.localAddress()!);

  const serving = serve();
  // One system call for all of them; they wait in the server's queue.
  await client.sendBatch(["one", "two", "three"].map((text) => ({ data: encoder.encode(text) })));
  for (let received = 0; received < 3; received++) {
    const { data } = await client.receive({ timeout: 5_000 });
    console.log("echo:", decoder.decode(data));
  }
  server.close();
  await serving;
} finally {
  server.close();
  client.close();
  rmSync(folder, { recursive: true });
}

/** Answers until the socket is closed. */
async function serve(): Promise<void> {
  for await (const { data, address } of server) {
    console.log("received:", decoder.decode(data));
    await server.send(data, { to: address });
  }
}

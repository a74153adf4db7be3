import assert from "node:assert/strict";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { ipc } from "../../../sp/transport/ipc.ts";
import { tcp } from "../../../sp/transport/tcp.ts";
import type { Greeting } from "../../../sp/transport/transport.ts";
import { test } from "../../support/harness.ts";
import { startEcho } from "./child.ts";
import { dial, Host, rawPeer, readToEnd, withFolder, Witness } from "./stream_support.ts";

const PAIR: Greeting = { protocol: 16, peer: 16, name: "pair", peerName: "pair" };
const LIMIT = { maxReceiveSize: 2 * 1024 * 1024 };

/** Sends messages of all sizes, and wants them back. */
async function exchange(witness: Witness): Promise<void> {
  const sizes = [0, 1, 64, 4096, 20_000, 100_000, 1_000_000, 3, ...Array.from({ length: 2000 }, (_, i) => i)];
  const sending = (async () => {
    for (const [i, size] of sizes.entries()) {
      const message = new Uint8Array(size).fill(i);
      while (!witness.send(message)) await witness.writable.next();
    }
  })();
  for (const [i, size] of sizes.entries()) {
    const message = await witness.messages.next();
    assert.equal(message.length, size);
    assert(message.every((byte) => byte === (i & 0xff)));
  }
  await sending;
}

for (const [name, transport] of [["ipc", ipc], ["tcp", tcp]] as const) {
  const urlIn = (folder: string) => name === "ipc" ? `ipc://${join(folder, "echo.ipc")}` : "tcp://127.0.0.1:0";

  test(`${name} without libc: a listener serves, and closes with its peer`, () =>
    withFolder(async (folder) => {
      const echo = startEcho(false, "listen", urlIn(folder));
      const [url] = await echo.printed(/^\w+:\/\/\S+/);
      const witness = new Witness(await dial(transport, url, LIMIT, PAIR));

      await exchange(witness);
      witness.connection.close();

      assert.match(await echo.output, /\nclosed\n$/);
      if (name === "ipc") assert(!existsSync(url.slice("ipc://".length)), "the file is removed");
    }));

  test(`${name} without libc: a dialer connects, and hears of the end`, () =>
    withFolder(async (folder) => {
      const host = new Host(transport, urlIn(folder), LIMIT, PAIR);
      const echo = startEcho(false, "dial", host.url);
      const witness = await host.witness();

      await exchange(witness);
      witness.connection.close();

      assert.equal(await echo.output, "connected\nclosed\n");
      host.close();
    }));

  test(`${name} without libc: two of them understand each other, and one is told what is wrong with the other`, () =>
    withFolder(async (folder) => {
      const listener = startEcho(false, "listen", urlIn(folder));
      const [url] = await listener.printed(/^\w+:\/\/\S+/);
      const garbage = await rawPeer(url);
      await garbage.write(new TextEncoder().encode("GET / HTTP/1.1"));
      await readToEnd(garbage);
      garbage.close();
      await listener.printed(/failed: PROTOCOL/);

      const dialer = startEcho(false, "dial", url);
      await dialer.printed(/connected/);
      await listener.printed(/connected/);
      await dialer.stop();

      assert.match(await listener.output, /\nclosed/);
    }));
}

test("ipc without libc: the file has its mode, and one that is left over is replaced", () =>
  withFolder(async (folder) => {
    const path = join(folder, "mode.ipc");
    const killed = startEcho(false, "listen", `ipc://${path}`);
    await killed.printed(/^ipc:/);
    await killed.stop("SIGKILL");
    assert(existsSync(path));

    const echo = startEcho(false, "listen", `ipc://${path}`, String(0o640));
    await echo.printed(/^ipc:/);

    assert.equal(statSync(path).mode & 0o777, 0o640);
    const second = startEcho(false, "listen", `ipc://${path}`);
    assert.match(await second.output, /^failed: EADDRINUSE/);
    await echo.stop();
  }));

test("ipc without libc: allowPeer is refused, and not passed over", async () => {
  const echo = startEcho(false, "guard", "ipc:///tmp/never.ipc");
  assert.match(await echo.output, /^failed: UNSUPPORTED .*allowPeer needs/);
});

test("tcp without libc: dialing where nobody listens is the system's error", async () => {
  const echo = startEcho(false, "dial", "tcp://127.0.0.1:1");
  assert.match(await echo.output, /^failed: ECONNREFUSED /);
});

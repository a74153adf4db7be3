import type { StreamSocket } from "@sockeye/sockeye/ffi";
import assert from "node:assert/strict";
import { tcp } from "../../../sp/transport/tcp.ts";
import { test } from "../../support/harness.ts";
import { startShortEcho } from "./child.ts";
import { dial, rawPeer, Witness } from "./stream_support.ts";

test("a listener that runs out of descriptors says so, and goes on when there are some again", async () => {
  const echo = startShortEcho(64, "listen", "tcp://127.0.0.1:0");
  const [url] = await echo.printed(/^tcp:\S+/);
  const peers: StreamSocket[] = [];
  for (let i = 0; i < 80; i++) peers.push(await rawPeer(url));
  await echo.printed(/failed: EMFILE .*ulimit -n/);
  for (const peer of peers) peer.close();

  const witness = new Witness(await dial(tcp, url, {}, { protocol: 16, peer: 16, name: "pair", peerName: "pair" }));
  assert(witness.send("still here"));
  assert.equal(await witness.text(), "still here");

  witness.connection.close();
  assert.match(await echo.output, /\nclosed\n$/);
});

import type { StreamSocket } from "@sockeye/sockeye/ffi";
import assert from "node:assert/strict";
import type { Connection } from "../../../sp/transport/transport.ts";
import { tcp } from "../../../sp/transport/tcp.ts";
import { unixgram } from "../../../sp/transport/unixgram.ts";
import { test } from "../../support/harness.ts";
import { startShortEcho } from "./child.ts";
import * as parties from "./parties.ts";
import { dial, rawPeer, Witness } from "./stream_support.ts";

const PAIR = { protocol: 16, peer: 16, name: "pair", peerName: "pair" };

test("a listener that runs out of descriptors says so, and goes on when there are some again", async () => {
  const echo = startShortEcho(64, "listen", "tcp://127.0.0.1:0");
  const [url] = await echo.printed(/^tcp:\S+/);
  const peers: StreamSocket[] = [];
  for (let i = 0; i < 80; i++) peers.push(await rawPeer(url));
  await echo.printed(/failed: EMFILE .*ulimit -n/);
  for (const peer of peers) peer.close();

  const witness = new Witness(await dial(tcp, url, {}, PAIR));
  assert(witness.send("still here"));
  assert.equal(await witness.text(), "still here");

  witness.connection.close();
  assert.match(await echo.output, /\nclosed\n$/);
});

test("a unixgram listener that runs out of descriptors says so, and goes on when there are some again", async () => {
  const address = parties.unixgramUrl();
  const echo = startShortEcho(64, "listen", address);
  await echo.printed(/^unixgram:\S+/);
  const attempts: (Connection | Error)[] = [];
  for (let i = 0; i < 80; i++) attempts.push(await parties.dial(unixgram, address, {}, PAIR));
  await echo.printed(/failed: PROTOCOL .*no descriptor came with it; see `ulimit -n`/);
  const connected = attempts.filter((attempt): attempt is Connection => !(attempt instanceof Error));
  assert(connected.length > 10 && connected.length < 64, `${connected.length} connections`);

  assert(connected[0].send(parties.NONE, parties.bytes("still here")));
  const party = new parties.Party(connected[0]);
  assert.equal(parties.text(await party.messages.first()), "still here");

  for (const connection of connected) connection.close();
  assert.match(await echo.output, /\nclosed\n$/);
});

/** Large messages beside small ones, where the kernel interleaves messages (RFC 8260) and where it does not. */

import type { SctpOpeningOptions } from "@sockeye/sockeye/sctp";
import { Rep, Req } from "@sockeye/sockeye/sp";
import assert from "node:assert/strict";
import { maySet, sysctl } from "../../sctp/contract/sysctl.ts";
import { test } from "../../support/harness.ts";
import { SOON } from "../contract/carriers.ts";
import { conversation, dialNarrow, greetAndBeGreeted, listenNarrow, send, until } from "./raw_peer.ts";

const SYSCTL = "net.sctp.intl_enable";
const skip = !maySet(SYSCTL) && `needs to set ${SYSCTL}`;
const LARGE_BYTES = 900_000;
const REQ = 48;
const REP = 49;

test("sctp: a small request is answered while a large one of the same connection is still on its way", async () => {
  using _on = sysctl(SYSCTL, 1);
  using listener = listenNarrow();
  await using req = new Req();
  const dialed = req.dial(`${listener.localAddresses()}`, SOON);
  using peer = await listener.accept(SOON);
  await greetAndBeGreeted(peer, REP);
  await dialed;

  const large = req.request(new Uint8Array(LARGE_BYTES), SOON);
  const small = req.request("small", SOON);
  await until(() => req.stats().sent === 2);
  const first = await peer.receive(SOON);
  await send(peer, first.data, { streamId: 9 });
  assert.equal((await small).text(), "small");

  // All but what fits the peer's window is still with the sender.
  const second = await peer.receive(SOON);
  await send(peer, second.data.subarray(0, 4), { streamId: 9 });
  assert.equal((await large).body.length, 0);
  assert.deepEqual([first.data.length, second.data.length], [4 + 5, 4 + LARGE_BYTES]);
}, { skip });

test("sctp: a small reply overtakes a large one of the same connection", async () => {
  using _on = sysctl(SYSCTL, 1);

  assert.deepEqual(await replies(), [4 + 5, 4 + LARGE_BYTES]);
}, { skip });

test("sctp: where the peer does not interleave, a large reply comes first, and both come", async () => {
  using _on = sysctl(SYSCTL, 1);

  assert.deepEqual(await replies({ interleaving: undefined }), [4 + LARGE_BYTES, 4 + 5]);
}, { skip });

/** The sizes of a large and a small reply that are under way together, in the order in which they come. */
async function replies(options: SctpOpeningOptions = {}): Promise<number[]> {
  await using rep = new Rep();
  const { url } = await rep.listen("sctp://127.0.0.1:0");
  const serving = rep.serve(({ body }) => body.length === 1 ? new Uint8Array(LARGE_BYTES) : "small");
  using peer = await dialNarrow(url, REQ, options);

  await send(peer, conversation(1, 1), { streamId: 9 });
  await until(() => rep.stats().sent === 1);
  await send(peer, conversation(2, 2), { streamId: 9 });
  await until(() => rep.stats().sent === 2);

  const sizes = [(await peer.receive(SOON)).data.length, (await peer.receive(SOON)).data.length];
  await rep.close();
  await serving;
  return sizes;
}

test("sctp: sockets of kernels that interleave and that don't understand each other", async () => {
  for (const [listening, dialing] of [[0, 1], [1, 0], [0, 0]]) {
    await using rep = new Rep();
    let url: string;
    {
      using _listening = sysctl(SYSCTL, listening);
      ({ url } = await rep.listen("sctp://127.0.0.1:0"));
    }
    const serving = rep.serve(({ body }) => body, { concurrency: 100 });
    await using req = new Req();
    using _dialing = sysctl(SYSCTL, dialing);
    await req.dial(url, SOON);

    const sizes = [0, 1, 70_000, 200_000, LARGE_BYTES];
    const answers = await Promise.all(sizes.map((size) => req.request(new Uint8Array(size).fill(size), SOON)));

    assert.deepEqual(answers.map(({ body }) => body.length), sizes);
    await rep.close();
    await serving;
  }
}, { skip });

test("sctp: as many large messages at a time as there are streams for them fit the receiver's bounds", async () => {
  using _on = sysctl(SYSCTL, 1);
  const size = 300_000;
  const options = { maxReceiveSize: size + 4 };
  await using rep = new Rep(options);
  const { url } = await rep.listen("sctp://127.0.0.1:0");
  const serving = rep.serve(({ body }) => body, { concurrency: 100 });
  await using req = new Req(options);
  await req.dial(url, SOON);

  const answers = await Promise.all(
    Array.from({ length: 30 }, (_, index) => req.request(new Uint8Array(size).fill(index), { timeout: 120_000 })),
  );

  assert(answers.every(({ body }, index) => body.length === size && body.every((byte) => byte === index)));
  await rep.close();
  await serving;
}, { skip, timeoutMs: 240_000 });

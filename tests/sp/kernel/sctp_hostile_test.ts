/** Peers over SCTP that violate the transport's format, or vanish; made by hand. */

import { ProtocolError, type SockeyeError, TimeoutError } from "@sockeye/sockeye";
import { isSctpAvailable, SctpAssociation } from "@sockeye/sockeye/sctp";
import { Pull, Push } from "@sockeye/sockeye/sp";
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { CHUNK, chunk, HandmadePeer } from "../../sctp/contract/handmade_peer.ts";
import { maySet, sysctl } from "../../sctp/contract/sysctl.ts";
import { test } from "../../support/harness.ts";
import { SOON } from "../contract/carriers.ts";
import { greetAndBeGreeted, greeting, PPID, send, until } from "./raw_peer.ts";

const where = isSctpAvailable();
const PUSH = 80;
const ENCAPSULATION_PORT = 9899;
/** Flags of DATA chunks, RFC 9260 section 3.3.1. */
const BEGINS = 2;
const ENDS = 1;

/** A socket that listens, its failures, and a peer that has connected and not greeted. */
interface Attacked extends AsyncDisposable {
  pull: Pull;
  url: string;
  failures: SockeyeError[];
  peer: SctpAssociation;
}

async function attack(options: Parameters<Pull["listen"]>[1] = {}): Promise<Attacked> {
  const failures: SockeyeError[] = [];
  const pull = new Pull();
  pull.onFailure(({ error }) => failures.push(error));
  const { url } = await pull.listen("sctp://127.0.0.1:0", options);
  const peer = await SctpAssociation.connect(url, SOON);
  return {
    pull,
    url,
    failures,
    peer,
    async [Symbol.asyncDispose]() {
      peer.close();
      await pull.close();
    },
  };
}

/** The listener goes on: whoever speaks the format is served. */
async function assertServes({ pull, url }: Attacked): Promise<void> {
  await using push = new Push();
  await push.dial(url, SOON);
  await push.send("still here", SOON);
  assert.equal((await pull.receive(SOON)).text(), "still here");
}

/** The failure that a peer brings about. */
async function failureOf({ failures }: Attacked): Promise<SockeyeError> {
  await until(() => failures.length > 0);
  assert.equal(failures.length, 1);
  return failures[0];
}

const BEFORE_GREETING: Record<string, (peer: SctpAssociation) => Promise<void>> = {
  "what is no greeting": (peer) => send(peer, new TextEncoder().encode("GET / HTTP/1.1\r\n")),
  "eight bytes that are no greeting": (peer) => send(peer, new TextEncoder().encode("garbage!")),
  "the greeting of another version": (peer) => send(peer, Uint8Array.of(0, 0x53, 0x50, 1, 0, PUSH, 0, 0)),
  "the greeting of another pattern": (peer) => send(peer, greeting(49)),
  "a greeting with another payload protocol identifier": (peer) => send(peer, greeting(PUSH), { ppid: 46 }),
  "no bytes in place of a greeting": (peer) => send(peer, new Uint8Array(1), { ppid: PPID + 1 }),
};

for (const [what, act] of Object.entries(BEFORE_GREETING)) {
  test(`sctp: ${what} ends the connection, and the listener goes on`, async () => {
    await using attacked = await attack();

    await act(attacked.peer);

    assert((await failureOf(attacked)) instanceof ProtocolError);
    await assertServes(attacked);
  }, { where });
}

test("sctp: a peer that never greets loses its place when its time is over", async () => {
  await using attacked = await attack({ handshakeTimeout: 50, maxPipes: 1 });

  assert((await failureOf(attacked)) instanceof TimeoutError);

  await assertServes(attacked);
}, { where });

test("sctp: of a peer that sends messages and does not greet few are kept", async () => {
  await using attacked = await attack();
  for (let count = 0; count < 64; count++) await send(attacked.peer, Uint8Array.of(count), { streamId: 1 });
  assert.deepEqual(attacked.failures, []);

  await send(attacked.peer, Uint8Array.of(64), { streamId: 1 });

  assert.match((await failureOf(attacked)).message, /does not greet/);
  await assertServes(attacked);
}, { where });

test("sctp: of a peer that sends large messages and does not greet few are kept", async () => {
  await using attacked = await attack();
  for (let count = 0; count < 3; count++) await send(attacked.peer, new Uint8Array(700_000), { streamId: 1, ...SOON });

  assert.match((await failureOf(attacked)).message, /does not greet/);
  await assertServes(attacked);
}, { where });

test("sctp: messages that overtake the greeting on other streams are delivered behind it", async () => {
  await using attacked = await attack();
  await send(attacked.peer, new TextEncoder().encode("early"), { streamId: 1 });
  await send(attacked.peer, greeting(PUSH));

  assert.equal((await attacked.pull.receive(SOON)).text(), "early");
}, { where });

const AFTER_GREETING: Record<string, [act: (peer: SctpAssociation) => Promise<void>, name: string]> = {
  "a message with another payload protocol identifier": [
    (peer) => send(peer, new Uint8Array(9), { ppid: 46 }),
    "ProtocolError",
  ],
  "an empty message of two bytes": [(peer) => send(peer, new Uint8Array(2), { ppid: PPID + 1 }), "ProtocolError"],
  "a message larger than `maxReceiveSize`": [(peer) => send(peer, new Uint8Array(100_001)), "MessageTooLargeError"],
  "an abort": [(peer) => Promise.resolve(peer.abort()), "SystemError"],
};

for (const [what, [act, name]] of Object.entries(AFTER_GREETING)) {
  test(`sctp: ${what} ends the connection, with the reason, and the listener goes on`, async () => {
    await using attacked = await attack({ maxReceiveSize: 100_000 });
    const reasons: (Error | undefined)[] = [];
    attacked.pull.onPipe((event) => {
      if (event.type === "removed") reasons.push(event.error);
    });
    await greetAndBeGreeted(attacked.peer, PUSH);

    await act(attacked.peer);
    await until(() => reasons.length === 1);

    assert.equal(reasons[0]?.name, name);
    assert.deepEqual(attacked.failures, []);
    await assertServes(attacked);
  }, { where });
}

test(
  "sctp: a peer that aborts in the middle of a message ends the connection, and nothing of it is delivered",
  async () => {
    using _port = sysctl("net.sctp.udp_port", ENCAPSULATION_PORT);
    await using attacked = await attack();
    const reasons: (Error | undefined)[] = [];
    attacked.pull.onPipe(({ type, error }) => {
      if (type === "removed") reasons.push(error);
    });
    const port = Number(new URL(attacked.url.replace("sctp:", "http:")).port);
    await using peer = await HandmadePeer.associate(port, ENCAPSULATION_PORT);
    peer.sendData(greeting(PUSH), BEGINS | ENDS, 0, 0, PPID);
    await until(() => attacked.pull.pipes.length === 1);

    peer.sendData(new Uint8Array(1000), BEGINS, 0, 1, PPID);
    peer.send(chunk(CHUNK.abort, 0, new Uint8Array(0)));
    await until(() => reasons.length === 1);

    assert.equal(reasons[0]?.name, "SystemError");
    await assertServes(attacked);
  },
  { where, skip: !maySet("net.sctp.udp_port") && "needs to set net.sctp.udp_port" },
);

test("sctp: connections that came and went leave no descriptor behind", async () => {
  await using attacked = await attack();
  const open = () => readdirSync("/proc/self/fd").length;
  const live = async () => {
    const push = new Push();
    await push.dial(attacked.url, SOON);
    await push.send("hello", SOON);
    await attacked.pull.receive(SOON);
    await push.close();
    await until(() => attacked.pull.pipes.length === 0);
  };
  await live();
  const before = open();

  for (let count = 0; count < 40; count++) await live();

  await until(() => open() <= before);
}, { where, timeoutMs: 240_000 });

test("sctp: a connection takes one descriptor at each end", async () => {
  await using attacked = await attack();
  const open = () => readdirSync("/proc/self/fd").length;
  const before = open();

  await using push = new Push();
  await push.dial(attacked.url, SOON);
  await until(() => attacked.pull.pipes.length === 1);

  assert.equal(open() - before, 2);
}, { where });

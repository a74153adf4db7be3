import fc from "fast-check";
import assert from "node:assert/strict";
import process from "node:process";
import {
  AddressError,
  BufferFullError,
  ProtocolError,
  type SystemError,
  TimeoutError,
} from "../../../common/errors.ts";
import {
  AF_INET,
  MessageSocket,
  Reactor,
  resolve,
  SOCK_DGRAM,
  SOCK_RAW,
  type SocketAddress,
} from "../../../ffi/mod.ts";
import { PUSH, REP } from "../../../sp/protocol/protocols.ts";
import { encodeHeader, OPCODE, REASON } from "../../../sp/transport/datagram/header.ts";
import { ip } from "../../../sp/transport/ip.ts";
import type { Connection, Transport } from "../../../sp/transport/transport.ts";
import { udp } from "../../../sp/transport/udp.ts";
import { parseSpUrl } from "../../../sp/transport/url.ts";
import { openSockets } from "../../support/leaks.ts";
import { test } from "../../support/harness.ts";
import { bytes, connectBoth, dial, Host, NONE, OPTIONS, Party, text } from "./parties.ts";

const hasIpv6 = await resolve("::1", 1).then(() => {
  const probe = MessageSocket.open(10, SOCK_DGRAM);
  try {
    probe.bind({ family: "inet6", address: "::1", port: 0 });
    return true;
  } catch {
    return false;
  } finally {
    probe.close();
  }
}, () => false);
const isRoot = process.getuid?.() === 0;

/** A way to carry packets, and a peer of it that speaks whatever it is told to. */
interface Way {
  name: string;
  transport: Transport;
  url: string;
  skip?: string | false;
  stranger(host: Host): Stranger;
}

/** A peer without a state of its own. */
class Stranger {
  readonly socket: MessageSocket;
  readonly #to: SocketAddress;
  readonly #prefix: Uint8Array;
  readonly #headerBytes: number;

  constructor(socket: MessageSocket, to: SocketAddress, prefix: readonly number[] = [], headerBytes = 0) {
    this.socket = socket;
    this.#to = to;
    this.#prefix = Uint8Array.from(prefix);
    this.#headerBytes = headerBytes;
  }

  async say(...parts: (Uint8Array | readonly number[])[]): Promise<void> {
    await this.socket.send(Uint8Array.from([this.#prefix, ...parts].flatMap((part) => [...part])), { to: this.#to });
  }

  /** The next datagram for it. */
  async hear(): Promise<number[]> {
    for (;;) {
      const { data } = await this.socket.receive();
      const packet = data.subarray(this.#headerBytes);
      if (this.#prefix.length === 0) return [...packet];
      const isMine = packet[2] === this.#prefix[0] && packet[3] === this.#prefix[1];
      if (isMine) return [...packet.subarray(4)];
    }
  }

  async connect(): Promise<void> {
    await this.say(encodeHeader(OPCODE.CREQ, 80, 64, 1));
    assert.equal((await this.hear())[1], OPCODE.CACK);
  }

  close(): void {
    this.socket.close();
  }
}

function portOf(host: Host): number {
  return Number(/:(\d+)(?:\?|$)/.exec(host.url)![1]);
}

let channel = 20_000 + Math.floor(Math.random() * 20_000);

const UDP: Way = {
  name: "udp4",
  transport: udp,
  url: "udp4://127.0.0.1:0",
  stranger(host) {
    const socket = MessageSocket.open(AF_INET, SOCK_DGRAM);
    return new Stranger(socket, { family: "inet", address: "127.0.0.1", port: portOf(host) });
  },
};
const IP: Way = {
  name: "ip",
  transport: ip,
  url: "ip://127.0.0.1:0",
  skip: !isRoot && "raw sockets take CAP_NET_RAW",
  stranger(host) {
    const socket = MessageSocket.open(AF_INET, SOCK_RAW, 253);
    const own = channel++;
    const to = portOf(host);
    const prefix = [own >> 8, own & 255, to >> 8, to & 255];
    return new Stranger(socket, { family: "inet", address: "127.0.0.1", port: 0 }, prefix, 20);
  },
};
const noIpv6 = !hasIpv6 && "this machine has no IPv6";
const ALL: Pick<Way, "name" | "transport" | "url" | "skip">[] = [
  UDP,
  { name: "udp6", transport: udp, url: "udp6://[::1]:0", skip: noIpv6 },
  { name: "udp", transport: udp, url: "udp://127.0.0.1:0" },
  IP,
  { name: "ip of IPv6", transport: ip, url: "ip://[::1]:0?protocol=254", skip: IP.skip || noIpv6 },
];

for (const { name, transport, url, skip } of ALL) {
  test(`${name}: messages of all sizes go both ways, in their order`, async () => {
    const { here, there, end } = await connectBoth(transport, url);
    const sizes = [0, 1, 1000, 2048, 2049, 30_000, 64_999];
    for (const size of sizes) {
      await here.send(new Uint8Array(size).fill(size), Uint8Array.of(7));
      await there.send(new Uint8Array(size).fill(size + 1));
    }

    const received = await there.messages.until(sizes.length);
    assert.deepEqual(received.map(({ length }) => length), sizes.map((size) => size + 1));
    assert(received.every((bytes, i) => bytes.subarray(1).every((byte) => byte === sizes[i] % 256)));
    assert.deepEqual((await here.messages.until(sizes.length)).map(({ length }) => length), sizes);
    end();
  }, { skip });

  test(`${name}: what is sent in one turn arrives, and closing comes behind it`, async () => {
    const { here, there, end } = await connectBoth(transport, url);
    for (let i = 0; i < 200; i++) await here.send(Uint8Array.of(i));
    here.connection.close();

    assert.equal(await there.closed.first(), undefined);

    assert.deepEqual(there.messages.items.map(([byte]) => byte), Array.from({ length: 200 }, (_, i) => i));
    end();
  }, { skip });

  test(`${name}: both ends know the other's address`, async () => {
    const { host, here, there, end } = await connectBoth(transport, url);

    assert.deepEqual(here.connection.remoteAddress, there.connection.localAddress);
    assert.deepEqual(there.connection.remoteAddress, here.connection.localAddress);
    assert.equal(here.connection.url, host.url);
    assert.notEqual(portOf(host), 0);
    end();
  }, { skip });

  test(`${name}: everything works from calls that block the thread`, () => {
    const reactor = Reactor.current();
    const host = new Host(transport, url);
    const dialed: Party[] = [];
    transport.dial(parseSpUrl(host.url), PUSH, OPTIONS, {
      connected: (connection) => dialed.push(new Party(connection)),
      failed: (error) => assert.fail(error),
    });
    reactor.blocking(() => {
      while (dialed.length === 0) reactor.poll(1000);
    });
    const there = new Party(host.accepted.items[0]);
    reactor.blocking(() => {
      for (let i = 0; i < 100; i++) assert(dialed[0].connection.send(NONE, Uint8Array.of(i)));
      while (there.messages.items.length < 100) reactor.poll(1000);
    });
    dialed[0].connection.close();
    there.connection.close();
    host.listening.close();
  }, { skip });
}

for (const way of [UDP, IP]) {
  const { name, transport, url, skip } = way;

  test(`${name}: connecting and closing 200 times leaves no descriptor open`, async () => {
    const host = new Host(transport, url);
    const before = openSockets();
    for (let i = 1; i <= 200; i++) {
      const here = await dial(transport, host.url) as Connection;
      const there = new Party((await host.accepted.until(i))[i - 1]);
      here.close();
      await there.closed.first();
    }

    assert(openSockets() <= before, `${openSockets()} sockets, ${before} before`);
    host.listening.close();
  }, { skip });

  test(`${name}: a listener that is closed keeps its connections, takes no more, and goes with the last`, async () => {
    const { host, here, there, end } = await connectBoth(transport, url);
    host.listening.close();

    const refused = await dial(transport, host.url) as Error;
    assert.match(refused.message, /refused the connection/);
    await here.send(bytes("still here"));
    assert.equal(text(await there.messages.first()), "still here");

    end();
    new Host(transport, host.url).listening.close();
  }, { skip });

  test(`${name}: a pattern that doesn't belong is refused on both sides, and both say which`, async () => {
    const host = new Host(transport, url, {}, REP);

    const error = await dial(transport, host.url) as Error;

    assert.match(error.message, /the peer is rep \(49\), and push \(80\) talks to pull \(81\)/);
    assert.match((await host.failures.first()).message, /the peer is push \(80\), and rep \(49\) talks to req \(48\)/);
    host.listening.close();
  }, { skip });

  test(`${name}: a listener takes no more peers than maxPipes, and says so once`, async () => {
    const host = new Host(transport, url, { maxPipes: 1 });
    const first = await dial(transport, host.url) as Connection;

    for (let i = 0; i < 3; i++) assert.match((await dial(transport, host.url) as Error).message, /no room for another/);
    assert(host.failures.items[0] instanceof BufferFullError);
    assert.equal(host.failures.items.length, 1);

    first.close();
    await new Party(host.accepted.items[0]).closed.first();
    (await dial(transport, host.url) as Connection).close();
    for (const connection of await host.accepted.until(2)) connection.close();
    host.listening.close();
  }, { skip });

  test(`${name}: a message larger than the peer accepts isn't sent, and the connection goes on`, async () => {
    const { here, there, end } = await connectBoth(transport, url, { listen: { maxReceiveSize: 100 } });

    await here.send(new Uint8Array(101));
    await here.send(new Uint8Array(100));

    assert.equal((await there.messages.first()).length, 100);
    end();
  }, { skip });

  test(`${name}: the answers are nng's, byte for byte`, async () => {
    const host = new Host(transport, url, { maxReceiveSize: 64 });
    const peer = way.stranger(host);

    for (let length = 0; length < 8; length++) await peer.say(encodeHeader(OPCODE.CREQ, 80, 64, 1).subarray(0, length));
    await peer.say([2, 1, 80, 0, 64, 0, 1, 0]);
    await peer.say(encodeHeader(OPCODE.DISC, 80));
    await peer.say(encodeHeader(255, 80));
    assert.deepEqual(await peer.hear(), [1, 3, 81, 0, REASON.PROTOCOL, 0, 0, 0]);
    await peer.say(encodeHeader(OPCODE.CREQ, 80, 64, 0));
    assert.deepEqual(await peer.hear(), [1, 3, 81, 0, REASON.NEGOTIATION, 0, 0, 0]);
    await peer.say(encodeHeader(OPCODE.DATA, 80, 0));
    assert.deepEqual(await peer.hear(), [1, 3, 81, 0, REASON.NOT_CONNECTED, 0, 0, 0]);

    await peer.say(encodeHeader(OPCODE.CREQ, 80, 64, 1));
    assert.deepEqual(await peer.hear(), [1, 2, 81, 0, 64, 0, 1, 0]);
    await peer.say(encodeHeader(OPCODE.CREQ, 80, 64, 1));
    assert.deepEqual(await peer.hear(), [1, 2, 81, 0, 64, 0, 1, 0]);
    assert.equal(host.accepted.items.length, 1);

    const party = new Party(host.accepted.items[0]);
    await peer.say(encodeHeader(OPCODE.DATA, 80, 3), bytes("ok\0extra"));
    assert.equal(text(await party.messages.first()), "ok\0");
    await peer.say(encodeHeader(OPCODE.DATA, 80, 16), new Uint8Array(8));
    assert.deepEqual(await peer.hear(), [1, 3, 81, 0, REASON.MESSAGE_SIZE, 0, 0, 0]);
    assert((await party.closed.first()) instanceof ProtocolError);
    peer.close();
    host.listening.close();
  }, { skip });

  test(`${name}: a goodbye from another address ends nobody's connection`, async () => {
    const { host, here, there, end } = await connectBoth(transport, url);
    const liar = way.stranger(host);
    await liar.say(encodeHeader(OPCODE.DISC, 80));
    await liar.say(encodeHeader(OPCODE.DATA, 80, 4), bytes("lies"));
    assert.deepEqual(await liar.hear(), [1, 3, 81, 0, REASON.NOT_CONNECTED, 0, 0, 0]);

    await here.send(bytes("truth"));

    assert.equal(text(await there.messages.first()), "truth");
    assert.equal(there.closed.items.length, 0);
    liar.close();
    end();
  }, { skip });

  test(`${name}: any bytes of a stranger harm nobody`, async () => {
    const { host, here, there, end } = await connectBoth(transport, url, { listen: { maxPipes: 2 } });
    const peer = way.stranger(host);
    const start = fc.constantFrom([], [1], [1, 0], [1, 1, 80, 0], [1, 2, 80, 0], [1, 3], [1, 4]);
    const datagrams = fc.sample(fc.tuple(start, fc.uint8Array({ maxLength: 40 })), 500);

    for (const [i, parts] of datagrams.entries()) {
      await peer.say(...parts);
      if (i % 50 > 0) continue;
      await here.send(Uint8Array.of(i / 50));
      await there.messages.until(i / 50 + 1);
    }

    assert.equal(there.closed.items.length, 0);
    assert(host.accepted.items.length <= 500);
    peer.close();
    for (const connection of host.accepted.items) connection.close();
    end();
  }, { skip });

  test(`${name}: a flood of strangers takes the places there are, and nothing from those who are in`, async () => {
    const { host, here, there, end } = await connectBoth(transport, url, { listen: { maxPipes: 4 } });
    const strangers = Array.from({ length: 40 }, () => way.stranger(host));
    const requests = encodeHeader(OPCODE.CREQ, 80, 64, 5);

    const answers: number[] = [];
    for (const one of strangers) {
      await one.say(encodeHeader(OPCODE.DATA, 80, 1), [1]);
      assert.deepEqual(await one.hear(), [1, 3, 81, 0, REASON.NOT_CONNECTED, 0, 0, 0]);
      await one.say(encodeHeader(OPCODE.DISC, 80, REASON.CLOSED));
      await one.say(requests);
      answers.push((await one.hear())[1]);
    }

    assert.deepEqual(answers, [...Array(3).fill(OPCODE.CACK), ...Array(37).fill(OPCODE.DISC)]);
    assert.equal(host.accepted.items.length, 4);
    assert.deepEqual(host.failures.items.map(({ code }) => code), ["BUFFER_FULL"]);
    await here.send(bytes("still here"));
    assert.equal(text(await there.messages.first()), "still here");
    for (const one of strangers) one.close();
    for (const connection of host.accepted.items) connection.close();
    end();
  }, { skip });

  test(`${name}: a peer that is there again is told that it has no connection, and ends the old one`, async () => {
    const { here, there, end } = await connectBoth(transport, url);
    there.connection.close();

    assert.equal(await here.closed.first(), undefined);

    end();
  }, { skip });
}

test("udp: nobody at the port is an error of the attempt, at once", async () => {
  const taken = MessageSocket.open(AF_INET, SOCK_DGRAM);
  taken.bind({ family: "inet", address: "127.0.0.1", port: 0 });
  const { port } = taken.localAddress() as { port: number };
  taken.close();

  const error = await dial(udp, `udp://127.0.0.1:${port}`) as SystemError;

  assert.equal(error.code, "ECONNREFUSED");
});

test("udp: a port that says nothing ends the attempt when its time is over", async () => {
  const silent = MessageSocket.open(AF_INET, SOCK_DGRAM);
  silent.bind({ family: "inet", address: "127.0.0.1", port: 0 });
  const { port } = silent.localAddress() as { port: number };

  const error = await dial(udp, `udp://127.0.0.1:${port}`, { handshakeTimeout: 1 });

  assert(error instanceof TimeoutError);
  assert.deepEqual([...(await silent.receive()).data], [1, 1, 80, 0, 0xe8, 0xfd, 5, 0]);
  silent.close();
});

test("udp: a request is repeated until the answer comes", async () => {
  const lossy = MessageSocket.open(AF_INET, SOCK_DGRAM);
  lossy.bind({ family: "inet", address: "127.0.0.1", port: 0 });
  const { port } = lossy.localAddress() as { port: number };
  const attempt = dial(udp, `udp://127.0.0.1:${port}`);
  await lossy.receive();
  const { data, address } = await lossy.receive();
  assert.equal(data[1], OPCODE.CREQ);
  await lossy.send(encodeHeader(OPCODE.CACK, 81, 100, 1), { to: address });

  const connection = await attempt as Connection;

  assert(connection.send(NONE, bytes("hello")));
  assert.deepEqual([...(await lossy.receive()).data], [1, 0, 80, 0, 5, 0, 0, 0, ...bytes("hello")]);
  connection.close();
  assert.deepEqual([...(await lossy.receive()).data], [1, 3, 80, 0, 0, 0, 0, 0]);
  lossy.close();
});

test("udp: an attempt that is given up says goodbye, and tells nobody", async () => {
  const silent = MessageSocket.open(AF_INET, SOCK_DGRAM);
  silent.bind({ family: "inet", address: "127.0.0.1", port: 0 });
  const { port } = silent.localAddress() as { port: number };
  const dialing = udp.dial(parseSpUrl(`udp://127.0.0.1:${port}`), PUSH, OPTIONS, {
    connected: () => assert.fail("connected"),
    failed: () => assert.fail("failed"),
  });
  await silent.receive();

  dialing.cancel();

  assert.equal((await silent.receive()).data[1], OPCODE.DISC);
  silent.close();
});

test("udp: a listener on all addresses answers from the one that was asked", async () => {
  const host = new Host(udp, "udp4://*:0");
  const asked = host.url.replace("0.0.0.0", "127.0.0.3");

  const here = new Party(await dial(udp, asked) as Connection);

  const there = new Party(await host.accepted.first());
  await there.send(bytes("from here"));
  assert.equal(text(await here.messages.first()), "from here");
  here.connection.close();
  there.connection.close();
  host.listening.close();
});

test("udp: a listener on all addresses takes IPv4 and IPv6", async () => {
  const host = new Host(udp, "udp://*:0");
  for (const address of ["127.0.0.1", "[::1]"]) {
    const here = await dial(udp, `udp://${address}:${portOf(host)}`) as Connection;
    const there = host.accepted.items.at(-1)!;
    assert.equal(there.url.startsWith(`udp://${address}:`), true, there.url);
    here.close();
    there.close();
  }
  host.listening.close();
}, { skip: noIpv6 });

test("udp: a peer that has gone without a word is missed", async () => {
  const { host, here, there } = await connectBoth(udp, UDP.url);
  host.listening.close();
  there.connection.close();
  assert.equal(await here.closed.first(), undefined);

  const taken = MessageSocket.open(AF_INET, SOCK_DGRAM);
  taken.bind({ family: "inet", address: "127.0.0.1", port: 0 });
  const { port } = taken.localAddress() as { port: number };
  const attempt = dial(udp, `udp://127.0.0.1:${port}`);
  const { address } = await taken.receive();
  await taken.send(encodeHeader(OPCODE.CACK, 81, 100, 1), { to: address });
  const party = new Party(await attempt as Connection);
  taken.close();
  party.connection.send(NONE, NONE);

  assert((await party.closed.first()) instanceof TimeoutError);
});

test("ip: a channel has one listener on a machine", () => {
  const host = new Host(ip, "ip://127.0.0.1:0");
  assert.throws(() => new Host(ip, host.url), { code: "EADDRINUSE" });
  host.listening.close();
  new Host(ip, host.url).listening.close();
}, { skip: IP.skip });

test("ip: protocols and channels that are none are refused", () => {
  const wrong = ["ip://127.0.0.1", "ip://127.0.0.1:70000", "ip://127.0.0.1:1?protocol=6", "ip://127.0.0.1:1?ttl=3"];
  for (const url of wrong) assert.throws(() => ip.check(parseSpUrl(url), "dial"), AddressError, url);
});

test("udp: URLs that can't be are refused", () => {
  const wrong = [
    "udp://127.0.0.1",
    "udp://127.0.x.1:y",
    "udp://*:5",
    "udp://127.0.0.1:0",
    "udp6://127.0.0.1:5",
    "udp://a:1,b:2",
  ];
  for (const url of wrong) assert.throws(() => udp.check(parseSpUrl(url), "dial"), AddressError, url);
  udp.check(parseSpUrl("udp://*:0"), "listen");
  udp.check(parseSpUrl("udp://localhost:5"), "dial");
});

test("udp: a host name is resolved, and its addresses are tried in turn", async () => {
  const host = new Host(udp, UDP.url);
  const url = await udp.resolve!(parseSpUrl(`udp://localhost:${portOf(host)}`), {});
  assert.match(url.rest, /^(\[::1\]:\d+,)?127\.0\.0\.1:\d+/);
  const connection = await new Promise<unknown>((resolve) => {
    udp.dial(url, PUSH, OPTIONS, { connected: resolve, failed: resolve });
  }) as Connection;
  connection.close();
  (await host.accepted.first()).close();
  host.listening.close();
});

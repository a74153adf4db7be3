import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { AddressError, BufferFullError, ProtocolError, SystemError, TimeoutError } from "../../../common/errors.ts";
import { AF_UNIX, MessageSocket, Reactor, SOCK_DGRAM } from "../../../ffi/mod.ts";
import { REP, REQ } from "../../../sp/protocol/protocols.ts";
import { unixgram } from "../../../sp/transport/unixgram.ts";
import { parseSpUrl } from "../../../sp/transport/url.ts";
import { test } from "../../support/harness.ts";
import { openSockets } from "../../support/leaks.ts";
import { bytes, connectBoth, dial, Host, Log, NONE, OPTIONS, Party, text, unixgramUrl } from "./parties.ts";

test("messages of all sizes go both ways, in order, header and body in one piece", async () => {
  const { here, there, end } = await connectBoth(unixgram, unixgramUrl());
  const sizes = [0, 1, 64, 4096, 32_767, 32_768, 65_536, 300_000, 1024 * 1024 - 1];

  for (const size of sizes) {
    await here.send(new Uint8Array(size).fill(size), Uint8Array.of(7));
    await there.send(new Uint8Array(size).fill(size + 1));
  }

  const received = await there.messages.until(sizes.length);
  assert.deepEqual(received.map(({ length }) => length), sizes.map((size) => size + 1));
  assert(
    received.every((message, i) => message[0] === 7 && message.subarray(1).every((byte) => byte === sizes[i] % 256)),
  );
  assert.deepEqual((await here.messages.until(sizes.length)).map(({ length }) => length), sizes);
  end();
});

test("both sides know the other's process, and the names", async () => {
  const url = unixgramUrl();
  const { host, here, there, end } = await connectBoth(unixgram, url);

  const self = { pid: process.pid, uid: process.getuid!(), gid: process.getgid!() };
  assert.deepEqual(here.connection.credentials, self);
  assert.deepEqual(there.connection.credentials, self);
  assert.equal(host.url, url);
  assert.equal(here.connection.url, url);
  assert.deepEqual(here.connection.remoteAddress, { family: "unix", abstract: url.slice(12) });
  end();
});

test("nothing is delivered before start, nor while paused, and all of it after", async () => {
  const host = new Host(unixgram, unixgramUrl());
  const here = new Party(await dial(unixgram, host.url) as never);
  const there = await host.accepted.first();
  for (let i = 0; i < 100; i++) await here.send(Uint8Array.of(i));

  const got = new Log<number>();
  there.start({
    message(bytes) {
      got.add(bytes[0]);
      if (got.items.length === 50) there.pause();
    },
    writable() {},
    closed() {},
  });
  await got.until(50);
  await here.send(Uint8Array.of(100));
  assert.equal(got.items.length, 50);

  there.resume();
  assert.equal(got.items.length, 50, "nothing from within resume");
  assert.deepEqual(await got.until(101), Array.from({ length: 101 }, (_, i) => i));
  here.connection.close();
  there.close();
  host.listening.close();
});

test("a peer that reads nothing stops the sender, and the sender goes on when it does", async () => {
  const { here, there, end } = await connectBoth(unixgram, unixgramUrl());
  there.connection.pause();
  const body = new Uint8Array(1000);
  let sent = 0;
  while (here.connection.send(NONE, body)) sent++;
  assert(sent > 100 && sent < 5000, `${sent} messages fit`);
  assert(here.connection.unsentBytes > 0);

  there.connection.resume();
  await here.writables.first();
  await here.send(body);
  await there.messages.until(sent + 1);

  assert.equal(here.connection.unsentBytes, 0);
  end();
});

test("what the kernel has not taken is reclaimed", async () => {
  const { here, there, end } = await connectBoth(unixgram, unixgramUrl());
  there.connection.pause();
  let sent = 0;
  while (here.connection.send(NONE, new Uint8Array(1000).fill(sent))) sent++;

  const reclaimed = here.connection.reclaim();

  assert(reclaimed.length > 0);
  assert.deepEqual(reclaimed.at(-1), new Uint8Array(1000).fill(sent - 1));
  there.connection.resume();
  await there.messages.until(sent - reclaimed.length);
  end();
});

test("what was sent before closing arrives, and then the end", async () => {
  const { here, there, end } = await connectBoth(unixgram, unixgramUrl());
  for (let i = 0; i < 10; i++) assert(there.connection.send(NONE, bytes("never read")));
  Reactor.current().runSteps();
  for (let i = 0; i < 100; i++) assert(here.connection.send(NONE, Uint8Array.of(i)));
  Reactor.current().runSteps();
  here.connection.close();

  await there.closed.first();

  assert.equal(there.messages.items.length, 100);
  assert.equal(here.closed.items.length, 0, "whoever closes isn't told");
  end();
});

test("a peer that closes after reading everything ends the connection without an error", async () => {
  const { here, there, end } = await connectBoth(unixgram, unixgramUrl());
  await here.send(bytes("last"));
  assert.equal(text(await there.messages.first()), "last");

  there.connection.close();

  assert.equal(await here.closed.first(), undefined);
  assert.equal(here.connection.send(NONE, NONE), false);
  end();
});

test("everything works from calls that block the thread", () => {
  const reactor = Reactor.current();
  const host = new Host(unixgram, unixgramUrl());
  const connections: Party[] = [];
  unixgram.dial(parseSpUrl(host.url), { protocol: 80, peer: 81, name: "push", peerName: "pull" }, OPTIONS, {
    connected: (connection) => connections.push(new Party(connection)),
    failed: (error) => assert.fail(error),
  });
  reactor.blocking(() => {
    while (connections.length === 0) reactor.poll(1000);
  });
  const there = new Party(host.accepted.items[0]);
  reactor.blocking(() => {
    for (let i = 0; i < 1000; i++) {
      while (!connections[0].connection.send(NONE, new Uint8Array(1000))) reactor.poll(1000);
    }
    while (there.messages.items.length < 1000) reactor.poll(1000);
  });
  connections[0].connection.close();
  there.connection.close();
  host.listening.close();
});

test("a pattern that doesn't belong is refused on both sides, and both say which", async () => {
  const host = new Host(unixgram, unixgramUrl(), {}, REP);

  const error = await dial(unixgram, host.url) as Error;

  assert(error instanceof ProtocolError);
  assert.match(error.message, /the peer is rep \(49\), and push \(80\) talks to pull \(81\)/);
  assert.match((await host.failures.first()).message, /the peer is push \(80\), and rep \(49\) talks to req \(48\)/);
  const right = await dial(unixgram, host.url, {}, REQ) as Party["connection"];
  right.close();
  (await host.accepted.first()).close();
  host.listening.close();
});

test("allowPeer is asked on both sides", async () => {
  const asked: number[] = [];
  const host = new Host(unixgram, unixgramUrl(), { allowPeer: ({ pid }) => asked.push(pid) > 1 });

  const refused = await dial(unixgram, host.url) as Error;
  assert.match(refused.message, /refused the connection/);
  const failure = await host.failures.first();
  assert(failure instanceof SystemError && failure.code === "EACCES");

  const unwanted = await dial(unixgram, host.url, { allowPeer: () => false }) as SystemError;
  assert.equal(unwanted.code, "EACCES");
  assert.deepEqual(asked, [process.pid, process.pid]);
  host.accepted.items[0].close();
  host.listening.close();
});

test("a listener takes no more connections than maxPipes, and says so once", async () => {
  const host = new Host(unixgram, unixgramUrl(), { maxPipes: 2 });
  const two = [await dial(unixgram, host.url), await dial(unixgram, host.url)] as Party["connection"][];

  for (let i = 0; i < 3; i++) assert.match((await dial(unixgram, host.url) as Error).message, /no room for another/);
  assert(host.failures.items[0] instanceof BufferFullError);
  assert.equal(host.failures.items.length, 1);

  two[0].close();
  new Party(host.accepted.items[0]);
  host.accepted.items[0].close();
  const third = await dial(unixgram, host.url) as Party["connection"];
  third.close();
  two[1].close();
  for (const connection of host.accepted.items) connection.close();
  host.listening.close();
});

test("a message larger than the peer accepts isn't sent, and the connection goes on", async () => {
  const { here, there, end } = await connectBoth(unixgram, unixgramUrl(), { listen: { maxReceiveSize: 1000 } });

  assert.equal(here.connection.maxSendSize, 1000);
  assert.equal(there.connection.maxSendSize, 1_048_576);
  assert(here.connection.send(Uint8Array.of(1), new Uint8Array(1000)));
  await here.send(bytes("small"));

  assert.equal(text(await there.messages.first()), "small");
  assert.equal(here.connection.dropped, 1);
  end();
});

test("nobody at the address is an error of the attempt", async () => {
  const folder = mkdtempSync(join(tmpdir(), "unixgram-"));
  const nowhere = await dial(unixgram, unixgramUrl()) as SystemError;
  const noFile = await dial(unixgram, `unixgram://${folder}/none`) as SystemError;
  rmSync(folder, { recursive: true });

  assert.equal(nowhere.code, "ECONNREFUSED");
  assert.equal(noFile.code, "ENOENT");
});

test("a listener that goes without answering ends the attempt", async () => {
  const name = `sp-${crypto.randomUUID()}`;
  const silent = MessageSocket.open(AF_UNIX, SOCK_DGRAM);
  silent.bind({ family: "unix", abstract: name });
  const attempt = dial(unixgram, `unixgram://@${name}`);
  await silent.untilReadable();

  silent.close();

  assert((await attempt) instanceof ProtocolError);
});

test("a listener that doesn't answer in time ends the attempt", async () => {
  const name = `sp-${crypto.randomUUID()}`;
  const silent = MessageSocket.open(AF_UNIX, SOCK_DGRAM);
  silent.bind({ family: "unix", abstract: name });

  const error = await dial(unixgram, `unixgram://@${name}`, { handshakeTimeout: 1 });

  assert(error instanceof TimeoutError);
  silent.close();
});

test("more dialers than the listener's queue holds get through", async () => {
  const host = new Host(unixgram, unixgramUrl());

  const connections = await Promise.all(Array.from({ length: 200 }, () => dial(unixgram, host.url)));

  await host.accepted.until(200);
  for (const connection of [...connections, ...host.accepted.items]) (connection as Party["connection"]).close();
  host.listening.close();
});

test("an attempt that is given up leaves nothing behind", async () => {
  const host = new Host(unixgram, unixgramUrl());
  const before = openSockets();
  // Some have asked when they are given up, and the others waited for room in the listener's queue.
  for (let i = 0; i < 20; i++) {
    const dialing = unixgram.dial(parseSpUrl(host.url), REQ, OPTIONS, {
      connected: () => assert.fail("connected"),
      failed: () => assert.fail("failed"),
    });
    dialing.cancel();
    dialing.cancel();
  }
  const last = await dial(unixgram, host.url) as Party["connection"];
  last.close();
  (await host.accepted.first()).close();

  assert(openSockets() <= before, `${openSockets()} sockets, ${before} before`);
  host.listening.close();
});

test("connecting and closing 500 times leaves no descriptor open", async () => {
  const host = new Host(unixgram, unixgramUrl());
  const before = openSockets();
  for (let i = 1; i <= 500; i++) {
    const here = await dial(unixgram, host.url) as Party["connection"];
    const there = new Party((await host.accepted.until(i))[i - 1]);
    here.close();
    await there.closed.first();
  }

  assert(openSockets() <= before, `${openSockets()} sockets, ${before} before`);
  host.listening.close();
});

test("a file has the mode that was asked for, and goes with the listener", async () => {
  const folder = mkdtempSync(join(tmpdir(), "unixgram-"));
  const path = join(folder, "socket");
  const { host, end } = await connectBoth(unixgram, `unixgram://${path}`, { listen: { mode: 0o606 } });
  assert.equal(statSync(path).mode & 0o777, 0o606);
  assert.equal(host.url, `unixgram://${path}`);

  end();

  assert.deepEqual(readdirSync(folder), []);
  rmSync(folder, { recursive: true });
});

test("a file that nobody listens on is replaced, and no other", () => {
  const folder = mkdtempSync(join(tmpdir(), "unixgram-"));
  const path = join(folder, "socket");
  const left = MessageSocket.open(AF_UNIX, SOCK_DGRAM);
  left.bind({ family: "unix", path });
  left.close();

  const host = new Host(unixgram, `unixgram://${path}`);
  assert.throws(() => new Host(unixgram, `unixgram://${path}`), { code: "EADDRINUSE" });
  host.listening.close();
  writeFileSync(path, "precious");
  assert.throws(() => new Host(unixgram, `unixgram://${path}`), { code: "EADDRINUSE" });
  rmSync(folder, { recursive: true });
});

test("a URL without a name, or with one that is too long, is refused", () => {
  for (const url of ["unixgram://", "unixgram://@", `unixgram:///${"x".repeat(110)}`]) {
    assert.throws(() => unixgram.check(parseSpUrl(url), "dial"), AddressError, url);
  }
});

import { AddressError, StreamListener } from "@sockeye/sockeye/ffi";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import process from "node:process";
import { setImmediate } from "node:timers/promises";
import { PUSH } from "../../../sp/protocol/protocols.ts";
import { tcp } from "../../../sp/transport/tcp.ts";
import { parseSpUrl } from "../../../sp/transport/url.ts";
import { test } from "../../support/harness.ts";
import { OPTIONS } from "./parties.ts";
import { CARRIERS, dial, Host, Witness } from "./stream_support.ts";

const noIpv6 = CARRIERS.find(({ name }) => name === "tcp6")!.skip;

async function canTalk(url: string, host: Host): Promise<boolean> {
  const sender = new Witness(await dial(tcp, url));
  const receiver = await host.witness();
  sender.send("hello");
  const text = await receiver.text();
  sender.connection.close();
  await receiver.closed;
  return text === "hello";
}

test("tcp: a listener on port 0 says which port it got", async () => {
  const host = new Host(tcp, "tcp://127.0.0.1:0");
  assert.match(host.url, /^tcp:\/\/127\.0\.0\.1:[1-9]\d*$/);
  assert(await canTalk(host.url, host));
  host.close();
});

test("tcp: a listener on all addresses is reached by IPv4 and IPv6", async () => {
  for (const url of ["tcp://*:0", "tcp://:0", "tcp://[::]:0"]) {
    const host = new Host(tcp, url);
    const port = host.url.split(":").at(-1);
    assert(await canTalk(`tcp://127.0.0.1:${port}`, host));
    assert(await canTalk(`tcp6://[::1]:${port}`, host));
    host.close();
  }
}, { skip: noIpv6 });

test("tcp: IPv4 peers of a listener on all addresses are shown as such", async () => {
  const host = new Host(tcp, "tcp://*:0");
  const sender = new Witness(await dial(tcp, `tcp://127.0.0.1:${host.url.split(":").at(-1)}`));
  const receiver = await host.witness();

  assert.match(receiver.connection.url, /^tcp:\/\/127\.0\.0\.1:\d+$/);
  assert.deepEqual(receiver.connection.remoteAddress, sender.connection.localAddress);

  sender.connection.close();
  await receiver.closed;
  host.close();
});

test("tcp: tcp4 and tcp6 stick to their family", async () => {
  const inet = new Host(tcp, "tcp4://*:0");
  assert.match(inet.url, /^tcp:\/\/0\.0\.0\.0:/);
  const inet6 = new Host(tcp, "tcp6://*:0");
  const port = inet6.url.split(":").at(-1);
  await assert.rejects(
    dial(tcp, `tcp://127.0.0.1:${port}`),
    (error: { code: string }) => error.code === "ECONNREFUSED",
  );
  inet.close();
  inet6.close();

  assert.throws(() => tcp.check(parseSpUrl("tcp4://[::1]:80"), "dial"), AddressError);
  assert.throws(() => tcp.check(parseSpUrl("tcp6://127.0.0.1:80"), "dial"), AddressError);
}, { skip: noIpv6 });

test("tcp: a name is resolved to all its addresses, and a dialer tries them in turn", async () => {
  const host = new Host(tcp, "tcp://127.0.0.1:0");
  const port = host.url.split(":").at(-1);
  const resolved = await tcp.resolve!(parseSpUrl(`tcp://localhost:${port}`), {});
  assert.match(resolved.rest, /127\.0\.0\.1/);
  assert.equal(resolved.href, `tcp://localhost:${port}`);

  const several = { ...resolved, rest: `[::1]:${port},127.0.0.1:${port}` };
  const connection = await new Promise<Witness>((resolve, reject) => {
    tcp.dial(several, PUSH, OPTIONS, { connected: (made) => resolve(new Witness(made)), failed: reject });
  });

  const receiver = await host.witness();
  connection.connection.close();
  await receiver.closed;
  host.close();
}, { skip: noIpv6 });

test("tcp: a numeric URL needs no resolver", async () => {
  for (const text of ["tcp://127.0.0.1:80", "tcp://[::1]:80", "tcp://*:80", "tcp://:0"]) {
    const url = parseSpUrl(text);
    assert.equal(await tcp.resolve!(url, {}), url);
  }
});

test("tcp: what is no address and port is refused before anything happens", () => {
  const wrong = [
    "tcp://",
    "tcp://127.0.0.1",
    "tcp://127.0.0.1:",
    "tcp://127.0.0.1:65536",
    "tcp://127.0.0.1:http",
    "tcp://::1:80",
    "tcp://[::1]",
    "tcp://[::1:80",
    "tcp://[nonsense]:80",
    "tcp://127.0.0.1:80/path",
    "tcp://127.0.0.1:80,127.0.0.1:81",
  ];
  for (const text of wrong) assert.throws(() => tcp.check(parseSpUrl(text), "listen"), AddressError, text);
  for (const text of ["tcp://*:80", "tcp://:80", "tcp://127.0.0.1:0"]) {
    tcp.check(parseSpUrl(text), "listen");
    assert.throws(() => tcp.check(parseSpUrl(text), "dial"), AddressError, text);
  }
  tcp.check(parseSpUrl("tcp://[fe80::1%lo]:80"), "dial");
  tcp.check(parseSpUrl("tcp://example.com:80"), "dial");
});

test("tcp: a link-local address with its zone is dialed there", async () => {
  const host = new Host(tcp, "tcp://[::1%lo]:0");
  assert(await canTalk(host.url, host));
  host.close();
}, { skip: noIpv6 });

test("tcp: a port where nobody listens refuses, and never connects to itself", async () => {
  const listener = StreamListener.listen({ family: "inet", address: "127.0.0.1", port: 0 });
  const { port } = listener.localAddress() as { port: number };
  listener.close();
  for (let i = 0; i < 50; i++) {
    await assert.rejects(dial(tcp, `tcp://127.0.0.1:${port}`, {}, { ...PUSH, peer: PUSH.protocol }), (error) => {
      return (error as { code: string }).code === "ECONNREFUSED";
    });
  }
});

/** The timers of the connections with a port, as proc(5) has them: 2 is that of keepalive, tcp(7). */
function timersOf(port: number): number[] {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  return readFileSync("/proc/net/tcp", "utf8").split("\n").slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, remote, state]) => state === "01" && [local, remote].some((end) => end.endsWith(`:${hex}`)))
    .map(([, , , , , timer]) => Number.parseInt(timer, 16));
}

test("tcp: with keepAlive both ends probe a peer that says nothing, and without it none does", async () => {
  for (const keepAlive of [true, false]) {
    const host = new Host(tcp, "tcp://127.0.0.1:0", { keepAlive });
    const sender = new Witness(await dial(tcp, host.url, { keepAlive }));
    const receiver = await host.witness();

    let timers = timersOf(Number(host.url.split(":").at(-1)));
    // While what was sent last waits for its acknowledgement, another timer is there.
    while (timers.includes(1) || timers.includes(4)) {
      await setImmediate();
      timers = timersOf(Number(host.url.split(":").at(-1)));
    }

    assert.deepEqual(timers, keepAlive ? [2, 2] : [0, 0]);
    sender.connection.close();
    await receiver.closed;
    host.close();
  }
}, { skip: process.platform !== "linux" && "reads /proc/net/tcp" });

// The error queue: entries decoded, and what the kernel makes of packets to closed ports on loopback.

import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import fc from "fast-check";
import {
  AF_INET,
  AF_INET6,
  encodeControlMessages,
  IP_RECVERR,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_DONTFRAG,
  IPV6_V6ONLY,
  MessageSocket,
  setsockopt,
  SO_EE_ORIGIN_ICMP,
  SO_EE_ORIGIN_ICMP6,
  SO_EE_ORIGIN_LOCAL,
  SO_EE_ORIGIN_TXSTATUS,
  SOCK_DGRAM,
  type SocketAddress,
} from "@sockeye/sockeye/ffi";
import { encodeIcmpExtensions, type IcmpExtension, type PacketError } from "@sockeye/sockeye/qos";
import { decodeErrorEntry, ErrorDecoder } from "../../qos/error_decoder.ts";
import { ErrorQueue, type ErrorQueueOptions, type ErrorQueueStats } from "../../qos/error_queue.ts";
import { Labels, REMEMBERED_BYTES } from "../../qos/labels.ts";
import { test } from "../support/harness.ts";

const text = new TextEncoder();
const ECONNREFUSED = 111;
const EHOSTUNREACH = 113;
const EMSGSIZE = 90;

const inet6 = Object.values(networkInterfaces()).flat().some((address) => address?.family === "IPv6");
const withoutIPv6 = inet6 ? undefined : "this machine has no IPv6";

const MPLS: IcmpExtension = {
  kind: "mpls",
  classNumber: 1,
  classType: 1,
  labels: [{ label: 24001, trafficClass: 0, isBottom: true, ttl: 1 }],
};

interface Entry {
  errno?: number;
  origin?: number;
  type?: number;
  code?: number;
  info?: number;
  extensionsOffset?: number;
}

/** The control message of an entry, as the kernel writes it. */
function entry(
  { errno = EHOSTUNREACH, origin = SO_EE_ORIGIN_ICMP, type = 11, code = 0, info = 0, extensionsOffset = 0 }: Entry,
): Uint8Array {
  const data = new Uint8Array(32);
  const view = new DataView(data.buffer);
  view.setUint32(0, errno, true);
  data.set([origin, type, code], 4);
  view.setUint32(8, info, true);
  view.setUint16(12, extensionsOffset, true);
  data.set([2, 0, 0, 0, 10, 0, 0, 7], 16);
  return encodeControlMessages([{ level: IPPROTO_IP, type: IP_RECVERR, data }]);
}

function inet(port: number, address = "192.0.2.1"): SocketAddress {
  return Object.freeze({ family: "inet", address, port });
}

function joined(...parts: (Uint8Array | string)[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...(typeof part === "string" ? text.encode(part) : part)]));
}

function decoder(shape: Partial<{ isRaw: boolean; ownHeader: boolean; checksumOffset: number }> = {}) {
  const { isRaw = false, ownHeader = false, checksumOffset } = shape;
  return new ErrorDecoder(new Labels({ checksumOffset }), { isRaw, ownHeader });
}

function decode(
  errors: ErrorDecoder,
  control: Uint8Array,
  address: SocketAddress | undefined,
  returned: Uint8Array,
): PacketError {
  return errors.decode(control, decodeErrorEntry(control)!, address, returned);
}

test("padding and extensions are cut from a packet that is known", () => {
  const errors = decoder();
  errors.register("probe", inet(1), text.encode("probe"));
  const returned = joined("probe", new Uint8Array(95), encodeIcmpExtensions([MPLS]));

  const error = decode(errors, entry({ extensionsOffset: 100 }), inet(1), returned);

  assert.equal(error.label, "probe");
  assert.deepEqual(error.data, text.encode("probe"));
  assert.deepEqual(error.extensions, [MPLS]);
});

test("extensions of routers older than RFC 4884 are found behind 128 bytes of packet", () => {
  const errors = decoder();
  errors.register("probe", inet(1), text.encode("probe"));
  const returned = joined("probe", new Uint8Array(95), encodeIcmpExtensions([MPLS]));

  const error = decode(errors, entry({}), inet(1), returned);

  assert.deepEqual([error.label, error.data.length, error.extensions.length], ["probe", 5, 1]);
});

test("a packet that looks as if an extension followed is not cut", () => {
  const errors = decoder();
  const packet = joined("probe", new Uint8Array(95), encodeIcmpExtensions([MPLS]), "and more");
  errors.register("probe", inet(1), packet);

  const error = decode(errors, entry({}), inet(1), packet.slice(0, -8));

  assert.deepEqual([error.label, error.data.length, error.extensions.length], ["probe", packet.length - 8, 0]);
});

test("extensions that are not sound are cut off and left out", () => {
  const errors = decoder();
  errors.register("probe", inet(1), text.encode("probe"));
  const extension = encodeIcmpExtensions([MPLS]);
  extension[5]++;
  const returned = joined("probe", new Uint8Array(95), extension);

  const error = decode(errors, entry({ extensionsOffset: 100 }), inet(1), returned);

  assert.deepEqual([error.label, error.data.length, error.extensions.length], ["probe", 5, 0]);
});

test("a packet that this machine refuses is found among those that are larger than the MTU, on any port", () => {
  const errors = decoder();
  errors.register("small", inet(1), new Uint8Array(1472));
  errors.register("large", inet(2), new Uint8Array(1473));
  errors.register("elsewhere", inet(2, "192.0.2.2"), new Uint8Array(1473));
  const control = entry({ origin: SO_EE_ORIGIN_LOCAL, errno: EMSGSIZE, type: 0, info: 1500 });

  const error = decode(errors, control, inet(0), new Uint8Array(0));

  assert.deepEqual([error.origin, error.name, error.mtu, error.label], ["local", "message-too-large", 1500, "large"]);
});

test("a packet that a router refuses is one that exceeds the MTU, whatever options its header had", () => {
  const errors = decoder();
  errors.register("fits", inet(1), new Uint8Array(1400 - 68));
  errors.register("does not fit", inet(1), new Uint8Array(1400 - 67));
  const control = entry({ errno: EMSGSIZE, type: 3, code: 4, info: 1400 });

  assert.equal(decode(errors, control, inet(1), new Uint8Array(0)).label, "does not fit");
  assert.deepEqual(decode(errors, entry({}), inet(1), new Uint8Array(0)).candidates, ["fits", "does not fit"]);
  const unknownMtu = entry({ errno: EMSGSIZE, type: 3, code: 4, info: 0 });
  assert.deepEqual(decode(errors, unknownMtu, inet(1), new Uint8Array(0)).candidates, ["fits", "does not fit"]);
});

test("packets with headers of their own are known by their identification and what follows", () => {
  const errors = decoder({ isRaw: true, ownHeader: true });
  const packet = (id: number, tos: number, ttl: number, checksum: number) => {
    const bytes = new Uint8Array(28);
    bytes.set([0x45, tos, 0, 28, id >> 8, id, 0, 0, ttl, 17, checksum, checksum]);
    return bytes;
  };
  errors.register("first", inet(0), packet(0x1234, 0, 9, 0));
  errors.register("second", inet(0), packet(0x1235, 0, 9, 0));

  const error = decode(errors, entry({}), inet(0), packet(0x1235, 8, 1, 0xab));

  assert.equal(error.label, "second");
  assert.equal(error.data.length, 28);
  errors.register("by the kernel", inet(0), packet(0, 0, 9, 0));
  assert.deepEqual(decode(errors, entry({}), inet(0), packet(0x1235, 8, 1, 0)).candidates, ["second", "by the kernel"]);
});

test("raw sockets have no port", () => {
  const errors = decoder({ isRaw: true });
  errors.register("probe", inet(53), text.encode("probe"));

  assert.equal(decode(errors, entry({}), inet(0), text.encode("prob")).label, "probe");
});

test("a packet is quoted to its end where no router would cut it", () => {
  const errors = decoder();
  for (const data of ["1234", "12345", "12345678", "123456789"]) errors.register(data, inet(1), text.encode(data));

  const candidatesOf = (data: string) => decode(errors, entry({}), inet(1), text.encode(data)).candidates;

  assert.deepEqual(candidatesOf("1234"), ["1234", "12345", "12345678", "123456789"]);
  assert.equal(decode(errors, entry({}), inet(1), text.encode("12345")).label, "12345");
  assert.deepEqual(candidatesOf("12345678"), ["12345678", "123456789"]);
  assert.equal(decode(errors, entry({}), inet(1), text.encode("123456789")).label, "123456789");
});

test("what is no error is passed over", () => {
  assert.equal(decodeErrorEntry(entry({ origin: SO_EE_ORIGIN_TXSTATUS })), undefined);
  assert.equal(decodeErrorEntry(new Uint8Array(0)), undefined);
});

test("whatever comes back, it is decoded, and a label is never that of a packet that differs", () => {
  const sent = Array.from({ length: 50 }, (_, i) => Uint8Array.from({ length: i * 3 }, (_, at) => at % (i + 1)));
  const destination = fc.constantFrom(inet(1), inet(0), inet(2), { family: "inet6", address: "2001:db8::1", port: 1 });
  const hostile = fc.record({
    // Headers of their own have packets of raw sockets only.
    shape: fc.constantFrom(
      { isRaw: false, ownHeader: false },
      { isRaw: true, ownHeader: false },
      { isRaw: true, ownHeader: true },
    ),
    destination: fc.option(destination as fc.Arbitrary<SocketAddress>, { nil: undefined }),
    packet: fc.nat(sent.length - 1),
    length: fc.nat(200),
    behind: fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.nat(120).map((length) => new Uint8Array(length))),
    entry: fc.record({
      errno: fc.constantFrom(EHOSTUNREACH, EMSGSIZE, ECONNREFUSED),
      origin: fc.constantFrom(SO_EE_ORIGIN_ICMP, SO_EE_ORIGIN_ICMP6, SO_EE_ORIGIN_LOCAL),
      type: fc.nat(255),
      code: fc.nat(16),
      info: fc.oneof(fc.nat(200), fc.nat()),
      extensionsOffset: fc.oneof(fc.constant(0), fc.nat(400)),
    }),
  });
  fc.assert(
    fc.property(hostile, ({ shape, destination, packet, length, behind, entry: fields }) => {
      const errors = decoder(shape);
      sent.forEach((data, label) => errors.register(label, inet(1), data));
      const returned = joined(sent[packet].subarray(0, length), behind);

      const error = decode(errors, entry(fields), destination, returned);

      assert.deepEqual(error.data, returned.subarray(0, error.data.length));
      if (error.label === undefined) return;
      const header = shape.isRaw && shape.ownHeader ? Math.min(Math.max(returned[0] & 15, 5) * 4, returned.length) : 0;
      const known = sent[error.label as number];
      const common = Math.min(known.length, error.data.length, REMEMBERED_BYTES);
      if (header === 0) assert.deepEqual(error.data.subarray(0, common), known.subarray(0, common));
      else assert(known.length >= error.data.length - header);
    }),
    { numRuns: 1000 },
  );
});

/** A socket whose errors go to a queue. */
class Prober implements AsyncDisposable {
  readonly socket: MessageSocket;
  readonly queue: ErrorQueue;
  #wake = () => {};

  constructor(domain: number, options: Partial<ErrorQueueOptions> = {}) {
    this.socket = MessageSocket.open(domain, SOCK_DGRAM, 0, { onError: (errno) => this.#drain(errno) });
    if (domain === AF_INET6) setsockopt(this.socket.fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    this.queue = new ErrorQueue({
      fd: () => this.socket.fd,
      family: domain === AF_INET6 ? "inet6" : "inet",
      ...options,
    });
    this.queue.enable();
  }

  #drain(errno: number): boolean {
    const hasForeign = this.queue.drain(errno) > 0;
    this.#wake();
    return hasForeign;
  }

  send(label: unknown, to: SocketAddress, data: Uint8Array): Promise<void> {
    this.queue.register(label, to, data);
    return this.socket.send(data, { to });
  }

  async next(): Promise<PacketError> {
    for (;;) {
      const error = this.queue.take();
      if (error !== undefined) return error;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        this.socket.watchErrors(true);
      });
      this.socket.watchErrors(false);
    }
  }

  async until(condition: (stats: ErrorQueueStats) => boolean): Promise<void> {
    for (this.queue.drain(); !condition(this.queue.stats()); this.queue.drain()) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.socket[Symbol.asyncDispose]();
  }
}

/** A port at which nobody listens. */
async function closedPort(domain: number, address: string): Promise<SocketAddress> {
  await using socket = MessageSocket.open(domain, SOCK_DGRAM);
  socket.bind({ family: domain === AF_INET ? "inet" : "inet6", address, port: 0 });
  return Object.freeze(socket.localAddress()!);
}

for (
  const [name, domain, address, origin, type, code, skip] of [
    ["IPv4", AF_INET, "127.0.0.1", "icmp", 3, 3, undefined],
    ["IPv6", AF_INET6, "::1", "icmp6", 1, 4, withoutIPv6],
  ] as const
) {
  test(`an unreachable port comes back with everything the kernel knows of it, ${name}`, async () => {
    const to = await closedPort(domain, address);
    await using prober = new Prober(domain);
    const before = Date.now();

    await prober.send("knock", to, text.encode("hello"));
    const error = await prober.next();

    assert.deepEqual(
      { ...error, timestamp: undefined, ttl: undefined, name: error.name, errorCode: error.errorCode },
      {
        kind: "error",
        origin,
        type,
        code,
        errno: ECONNREFUSED,
        router: address,
        destination: to,
        mtu: undefined,
        data: text.encode("hello"),
        extensions: [],
        label: "knock",
        candidates: [],
        timestamp: undefined,
        ttl: undefined,
        name: "port-unreachable",
        errorCode: "ECONNREFUSED",
      },
    );
    // The kernel's clock is the one that Date reads, which rounds down.
    assert(error.timestamp! >= before && error.timestamp! <= Date.now() + 1, `${error.timestamp} is now`);
    assert(error.ttl! >= 1 && error.ttl! <= 255);
  }, { skip });
}

test("a dual-stack socket has errors of both kinds, and shows IPv4 as IPv4", async () => {
  const { port } = await closedPort(AF_INET, "127.0.0.1") as { port: number };
  await using prober = new Prober(AF_INET6);

  await prober.send(4, { family: "inet6", address: "::ffff:127.0.0.1", port }, text.encode("x"));
  const inet = await prober.next();
  await prober.send(6, await closedPort(AF_INET6, "::1"), text.encode("x"));
  const inet6 = await prober.next();

  assert.deepEqual([inet.label, inet.origin, inet.router], [4, "icmp", "127.0.0.1"]);
  assert.deepEqual(inet.destination, { family: "inet", address: "127.0.0.1", port });
  assert.deepEqual([inet6.label, inet6.origin, inet6.router], [6, "icmp6", "::1"]);
  assert(inet.ttl !== undefined && inet6.ttl !== undefined);
}, { skip: withoutIPv6 });

test("sends that meet an error of another packet go out all the same", async () => {
  const to = await closedPort(AF_INET, "127.0.0.1");
  for (const isConnected of [false, true]) {
    await using prober = new Prober(AF_INET);
    if (isConnected) prober.socket.connect(to);

    const labels = Array.from({ length: 200 }, (_, i) => i);
    for (const label of labels) await prober.send(label, to, text.encode(`packet ${label}`));
    const errors: PacketError[] = [];
    while (errors.length < labels.length) errors.push(await prober.next());

    assert.deepEqual(errors.map(({ label }) => label), labels);
    assert.equal(prober.socket.stats().messagesSent, labels.length);
    assert.equal(prober.queue.stats().errorsLabelled, labels.length);
  }
});

test("what this machine refuses fails the send, and comes with its label", async () => {
  const to = await closedPort(AF_INET6, "::1");
  await using prober = new Prober(AF_INET6);
  setsockopt(prober.socket.fd, IPPROTO_IPV6, IPV6_DONTFRAG, 1);

  await assert.rejects(prober.send("too large", to, new Uint8Array(65507)), /65507 bytes/);
  const error = await prober.next();

  assert.deepEqual(
    [error.origin, error.name, error.label, error.mtu, error.router, error.data.length],
    ["local", "message-too-large", "too large", 65536, undefined, 0],
  );
  assert.deepEqual(error.destination, to);
});

test(
  "what this machine refuses comes once, whatever else came back meanwhile and wherever in a batch it was",
  async () => {
    const to = await closedPort(AF_INET6, "::1");
    await using prober = new Prober(AF_INET6);
    setsockopt(prober.socket.fd, IPPROTO_IPV6, IPV6_DONTFRAG, 1);
    const small = { data: text.encode("small"), to };
    const large = { data: new Uint8Array(65507), to };
    prober.queue.register("small", to, small.data);
    prober.queue.register("large", to, large.data);

    await assert.rejects(prober.socket.sendBatch([small, large, small]));
    await prober.socket.send(small.data, { to });
    await assert.rejects(prober.socket.send(large.data, { to }));
    await prober.until(({ errorsReceived }) => errorsReceived === 4);

    const labels: unknown[] = [];
    for (let error; (error = prober.queue.take());) labels.push(error.label);
    assert.deepEqual(labels, ["small", "large", "small", "large"]);
  },
  { skip: withoutIPv6 },
);

test("a pending error that comes late is explained by the entry that was read before, once", async () => {
  const to = await closedPort(AF_INET, "127.0.0.1");
  await using prober = new Prober(AF_INET);
  await prober.send("knock", to, text.encode("knock"));
  await prober.until(({ errorsReceived }) => errorsReceived === 1);

  assert.equal(prober.queue.drain(EHOSTUNREACH), 0);
  assert.equal(prober.queue.drain(ECONNREFUSED), 1);
  assert.equal(prober.queue.drain(ECONNREFUSED), 0);
});

test("errors that nobody takes are kept up to a limit, and then counted", async () => {
  const to = await closedPort(AF_INET, "127.0.0.1");
  await using prober = new Prober(AF_INET, { inbox: 3 });

  for (let i = 0; i < 10; i++) await prober.send(i, to, text.encode(`${i}`));
  await prober.until(({ errorsReceived }) => errorsReceived === 10);

  assert.deepEqual([prober.queue.take(), prober.queue.take()].map((error) => error?.label), [0, 1]);
  assert.deepEqual(prober.queue.stats(), {
    errorsReceived: 10,
    errorsLabelled: 3,
    errorsDropped: 7,
    errorsWaiting: 1,
    packetsRemembered: 10,
    packetsForgotten: 0,
  });
});

test("an inbox that is never empty doesn't grow", async () => {
  const to = await closedPort(AF_INET, "127.0.0.1");
  await using prober = new Prober(AF_INET, { limit: 100 });
  await prober.send("first", to, text.encode("first"));

  for (let i = 0; i < 3000; i++) {
    await prober.send(i, to, text.encode(`${i}`));
    await prober.until(({ errorsWaiting }) => errorsWaiting === 2);
    assert.equal(prober.queue.take()!.label, i === 0 ? "first" : i - 1);
  }

  assert.equal(prober.queue.length, 1);
  assert.deepEqual([prober.queue.stats().packetsRemembered, prober.queue.stats().packetsForgotten], [100, 2901]);
});

test("limits that are none are refused", () => {
  const options = { fd: () => 0, family: "inet" } as const;
  assert.throws(() => new ErrorQueue({ ...options, inbox: 0 }), /options\.inbox/);
  assert.throws(() => new ErrorQueue({ ...options, limit: 0.5 }), /options\.limit/);
});

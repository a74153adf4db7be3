import assert from "node:assert/strict";
import { MessageTooLargeError } from "../../common/errors.ts";
import { Datagram } from "../../qos/datagram.ts";
import { encodeIcmpMessage } from "../../qos/icmp/message.ts";
import { readUint16 } from "../../qos/network_order.ts";
import { PacketError, type PacketErrorFields } from "../../qos/packet_error.ts";
import type { PacketSocket } from "../../qos/packet_socket.ts";
import { annotationOf } from "../../qos/trace/annotations.ts";
import { ProbePayloads } from "../../qos/trace/probes/payload.ts";
import { Prober, type ProberSettings } from "../../qos/trace/probes/prober.ts";
import { test } from "../support/harness.ts";

const SETTINGS: ProberSettings = {
  destination: { family: "inet", address: "192.0.2.1", port: 33434 },
  port: 33434,
  isStable: true,
  packet: { dontFragment: false },
};
const SETTINGS6: ProberSettings = {
  ...SETTINGS,
  destination: { family: "inet6", address: "2001:db8::1", port: 33434 },
};

/** A socket that has received these, and refuses packets above its MTU. */
function socketWith(errors: PacketError[], datagrams: Datagram[] = [], mtu = Infinity) {
  return {
    isClosed: false,
    remoteAddress: () => undefined,
    receive: () => new Promise(() => {}),
    tryError: () => errors.shift(),
    tryReceive: () => datagrams.shift(),
    trySend(data: Uint8Array) {
      if (data.length <= mtu) return true;
      errors.push(new PacketError({ origin: "local", type: 0, code: 0, errno: 90, mtu, data }));
      throw new MessageTooLargeError("too large");
    },
    close() {},
  } as unknown as PacketSocket;
}

function proberWith(socket: PacketSocket, settings = SETTINGS): Prober {
  return new Prober({
    socket,
    packet: ({ size }) => ({ data: new Uint8Array(size) }),
    recognise: ({ data }) => data.length > 0 ? { ids: [data[0]], answer: "udp" } : undefined,
  }, settings);
}

function errorFrom(router: string, type: number, code: number, fields: Partial<PacketErrorFields> = {}): PacketError {
  const origin = router.includes(":") ? "icmp6" : "icmp";
  return new PacketError({ origin, type, code, errno: 113, router, data: new Uint8Array(), label: 7, ...fields });
}

function meaningOf(error: PacketError, settings = SETTINGS) {
  return proberWith(socketWith([error]), settings).take()?.meaning;
}

test("what an ICMP error means depends on its type and on who sent it", () => {
  const there = "192.0.2.1";
  const between = "10.0.0.1";

  assert.equal(meaningOf(errorFrom(between, 11, 0)), "transit");
  assert.equal(meaningOf(errorFrom(there, 3, 3)), "destination");
  assert.equal(meaningOf(errorFrom(there, 3, 2)), "destination");
  assert.equal(meaningOf(errorFrom(between, 3, 3)), "unreachable");
  assert.equal(meaningOf(errorFrom(between, 3, 1)), "unreachable");
  assert.equal(meaningOf(errorFrom(there, 3, 10)), "unreachable");
  assert.equal(meaningOf(errorFrom(between, 3, 4, { mtu: 1400 })), "too-big");
  assert.equal(meaningOf(errorFrom(between, 12, 0)), "unreachable");
});

test("what an ICMPv6 error means depends on its type and on who sent it", () => {
  const there = "2001:db8::1";
  const between = "2001:db8:1::1";

  assert.equal(meaningOf(errorFrom(between, 3, 0), SETTINGS6), "transit");
  assert.equal(meaningOf(errorFrom(there, 1, 4), SETTINGS6), "destination");
  assert.equal(meaningOf(errorFrom(there, 4, 1), SETTINGS6), "destination");
  assert.equal(meaningOf(errorFrom(between, 1, 4), SETTINGS6), "unreachable");
  assert.equal(meaningOf(errorFrom(between, 1, 0), SETTINGS6), "unreachable");
  assert.equal(meaningOf(errorFrom(between, 2, 0, { mtu: 1280 }), SETTINGS6), "too-big");
});

test("redirects, source quench and errors of other packets mean nothing", () => {
  assert.equal(meaningOf(errorFrom("10.0.0.1", 5, 1)), undefined);
  assert.equal(meaningOf(errorFrom("10.0.0.1", 4, 0)), undefined);
  assert.equal(meaningOf(errorFrom("10.0.0.1", 11, 0, { label: undefined })), undefined);
  assert.equal(meaningOf(errorFrom("10.0.0.1", 11, 0, { label: "somebody else's" })), undefined);
  assert.equal(meaningOf(errorFrom("10.0.0.1", 11, 0, { router: undefined })), undefined);
});

test("an error that fits several probes names each of them once", () => {
  const error = errorFrom("10.0.0.1", 11, 0, { label: undefined, candidates: [3, 4, 3, null, "x", 5] });

  assert.deepEqual(proberWith(socketWith([error])).take()?.ids, [3, 4, 5]);
});

test("an answer carries what the error says", () => {
  const extensions = [{ kind: "mpls" as const, labels: [] }];
  const error = errorFrom("10.0.0.1", 3, 13, { extensions: extensions as never, ttl: 61 });

  const answer = proberWith(socketWith([error])).take();

  assert.deepEqual(answer?.icmp, { type: 3, code: 13, name: "communication-prohibited" });
  assert.equal(answer?.annotation, "!X");
  assert.equal(answer?.extensions, extensions);
  assert.equal(answer?.replyTtl, 61);
});

test("datagrams count from the destination only", () => {
  const from = (address: string) => new Datagram(Uint8Array.of(9), { family: "inet", address, port: 33434 });
  const prober = proberWith(socketWith([], [from("10.0.0.1"), from("192.0.2.1")]));

  const answer = prober.take();

  assert.deepEqual([answer?.router, answer?.meaning, answer?.ids], ["192.0.2.1", "destination", [9]]);
  assert.equal(prober.take(), undefined);
});

test("while nobody looks, no more than one datagram of a busy peer is kept", async () => {
  let received = 0;
  const datagram = new Datagram(Uint8Array.of(9), { family: "inet", address: "192.0.2.1", port: 33434 });
  const receive = () => Promise.resolve(received++).then(() => datagram);
  const prober = proberWith(Object.assign(socketWith([]), { receive }) as unknown as PacketSocket);
  const arrived = new Promise<void>((resolve) => prober.listen(resolve));

  assert.equal(prober.take(), undefined);
  await arrived;
  await new Promise((resolve) => setTimeout(resolve));

  assert.equal(received, 1);
  assert.deepEqual(prober.take()?.ids, [9]);
});

test("a probe that the local link doesn't carry comes back with what it does, and loses no other answer", () => {
  const waiting = errorFrom("10.0.0.1", 11, 0);
  const prober = proberWith(socketWith([waiting], [], 1500));

  const outcome = prober.send({ id: 8, ttl: 1, probe: 0, size: 9000 });

  assert.ok(typeof outcome === "object" && outcome.error instanceof MessageTooLargeError);
  assert.equal(outcome.mtu, 1500);
  assert.deepEqual(prober.take()?.ids, [7]);
  assert.equal(prober.take(), undefined);
});

test("marks are those that traceroute prints", () => {
  const marks4: [number, number, string | undefined][] = [
    [11, 0, undefined],
    [3, 0, "!N"],
    [3, 1, "!H"],
    [3, 2, "!P"],
    [3, 3, undefined],
    [3, 4, "!F-1400"],
    [3, 5, "!S"],
    [3, 6, "!N"],
    [3, 7, "!H"],
    [3, 9, "!X"],
    [3, 10, "!X"],
    [3, 13, "!X"],
    [3, 14, "!V"],
    [3, 15, "!C"],
    [3, 16, "!<16>"],
    [12, 0, "!<12-0>"],
  ];
  const marks6: [number, number, string | undefined][] = [
    [3, 0, undefined],
    [1, 0, "!N"],
    [1, 1, "!X"],
    [1, 3, "!H"],
    [1, 4, undefined],
    [1, 7, "!<7>"],
    [2, 0, "!F-1400"],
    [4, 0, "!<4-0>"],
  ];
  for (const [type, code, mark] of marks4) {
    assert.equal(annotationOf("inet", type, code, 1400), mark, `${type}/${code}`);
  }
  for (const [type, code, mark] of marks6) {
    assert.equal(annotationOf("inet6", type, code, 1400), mark, `${type}/${code}`);
  }
});

test("all probes of a size have the same checksum, by which some routers balance load", () => {
  const payloads = new ProbePayloads();
  const checksums = new Set<number>();
  for (let id = 0; id < 70_000; id += 7) {
    const sequence = id % 0x10000;
    const data = payloads.payload({ id, ttl: 1 + id % 255, probe: id % 100, size: 60 }, 32, sequence);
    const message = encodeIcmpMessage({ kind: "echo-request", version: "icmp", identifier: 4711, sequence, data });
    checksums.add(readUint16(message, 2));
  }
  assert.equal(checksums.size, 1);
});

test("no two probes carry the same, and an echo tells which it was", () => {
  const payloads = new ProbePayloads();
  const seen = new Set<string>();
  for (let id = 0; id < 1000; id++) {
    const payload = payloads.payload({ id, ttl: 1 + id % 30, probe: id % 3, size: 60 }, 8 + id % 50);
    seen.add(payload.subarray(0, 8).join());
    assert.equal(payload.length, 8 + id % 50);
    assert.equal(payloads.idOf(payload), id);
  }
  assert.equal(seen.size, 1000);
  assert.equal(payloads.idOf(new ProbePayloads().payload({ id: 1, ttl: 1, probe: 0, size: 60 }, 32)), undefined);
  assert.equal(payloads.idOf(new Uint8Array(7)), undefined);
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { ArgumentError, SystemError } from "../../common/errors.ts";
import { type ControlMessage, controlMessages } from "../../ffi/cmsg.ts";
import {
  AF_INET,
  AF_INET6,
  IP_MTU_DISCOVER,
  IP_PKTINFO,
  IP_PMTUDISC_DO,
  IP_PMTUDISC_DONT,
  IP_PMTUDISC_OMIT,
  IP_PMTUDISC_PROBE,
  IP_TOS,
  IP_TTL,
  IPPROTO_ICMPV6,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_AUTOFLOWLABEL,
  IPV6_DONTFRAG,
  IPV6_FLOWINFO,
  IPV6_HOPLIMIT,
  IPV6_MTU_DISCOVER,
  IPV6_PKTINFO,
  IPV6_TCLASS,
  SOCK_DGRAM,
  SOCK_RAW,
} from "../../ffi/constants.ts";
import { close, getsockoptInt, ifNameToIndex, setsockopt, socket } from "../../ffi/syscalls.ts";
import { MODE, PACKET_CONTROL_BYTES, PacketEncoder, packetModes } from "../../qos/packet_control.ts";
import type { PacketOptions } from "../../qos/packet_options.ts";
import { toHex } from "../ffi/guarded.ts";
import { test } from "../support/harness.ts";

type Family = "inet" | "inet6";

/** What an encoding consists of: `level/type` and the data in hexadecimal. */
function parts(control: Uint8Array | undefined): Record<string, string> {
  const messages: ControlMessage[] = control === undefined ? [] : [...controlMessages(control)];
  return Object.fromEntries(messages.map(({ level, type, data }) => [`${level}/${type}`, toHex(data)]));
}

const NAMED_INTERFACE = ifNameToIndex("lo").toString(16).padStart(2, "0") + "000000";
const V4 = (type: number) => `${IPPROTO_IP}/${type}`;
const V6 = (type: number) => `${IPPROTO_IPV6}/${type}`;

const options: fc.Arbitrary<PacketOptions> = fc.record({
  ttl: fc.integer({ min: 1, max: 255 }),
  tos: fc.nat(255),
  dontFragment: fc.constantFrom<boolean | "probe">(true, false, "probe"),
  interface: fc.constantFrom<string | number>("lo", 1, 2, 77),
}, { requiredKeys: [] });
const inet6Options = fc.tuple(
  options,
  fc.record({ flowLabel: fc.nat(0xfffff), source: fc.constantFrom("::1", "2001:db8::1") }, { requiredKeys: [] }),
).map(([common, own]) => ({ ...common, ...own }));
const inetOptions = fc.tuple(
  options,
  fc.record({ source: fc.constantFrom("127.0.0.1", "192.0.2.1") }, { requiredKeys: [] }),
).map(([common, own]) => ({ ...common, ...own }));

test("IPv4 options are control messages of IPPROTO_IP, and DF is a mode", () => {
  const encoder = new PacketEncoder("inet");
  const cases: [PacketOptions, Record<string, string>, number][] = [
    [{}, {}, MODE.DEFAULT],
    [{ ttl: 3 }, { [V4(IP_TTL)]: "03000000" }, MODE.DEFAULT],
    [{ tos: 0xb9 }, { [V4(IP_TOS)]: "b9000000" }, MODE.DEFAULT],
    [{ dscp: "EF", ecn: "ECT(0)" }, { [V4(IP_TOS)]: "ba000000" }, MODE.DEFAULT],
    [{ dscp: 63 }, { [V4(IP_TOS)]: "fc000000" }, MODE.DEFAULT],
    [{ ecn: "CE" }, { [V4(IP_TOS)]: "03000000" }, MODE.DEFAULT],
    [{ tos: 0 }, { [V4(IP_TOS)]: "00000000" }, MODE.DEFAULT],
    [{ dontFragment: true }, {}, MODE.DONT_FRAGMENT],
    [{ dontFragment: false }, {}, MODE.FRAGMENT],
    [{ dontFragment: "probe", ttl: 255 }, { [V4(IP_TTL)]: "ff000000" }, MODE.PROBE],
    [{ source: "192.0.2.1" }, { [V4(IP_PKTINFO)]: "00000000" + "c0000201" + "00000000" }, MODE.DEFAULT],
    [{ interface: 300 }, { [V4(IP_PKTINFO)]: "2c010000" + "00000000" + "00000000" }, MODE.DEFAULT],
    [{ interface: "lo" }, { [V4(IP_PKTINFO)]: NAMED_INTERFACE + "00000000" + "00000000" }, MODE.DEFAULT],
  ];
  for (const [given, expected, mode] of cases) {
    const encoded = encoder.encode(given, "inet");
    assert.deepEqual(parts(encoded.control), expected, JSON.stringify(given));
    assert.equal(encoded.mode, mode, JSON.stringify(given));
  }
});

test("IPv6 options are control messages of IPPROTO_IPV6, and only ignoring the path MTU and label 0 need a mode", () => {
  const encoder = new PacketEncoder("inet6");
  const cases: [PacketOptions, Record<string, string>, number][] = [
    [{}, {}, MODE.DEFAULT],
    [{ ttl: 3 }, { [V6(IPV6_HOPLIMIT)]: "03000000" }, MODE.DEFAULT],
    [{ dscp: "EF", ecn: 1 }, { [V6(IPV6_TCLASS)]: "b9000000" }, MODE.DEFAULT],
    [{ dontFragment: true }, { [V6(IPV6_DONTFRAG)]: "01000000" }, MODE.DEFAULT],
    [{ dontFragment: false }, { [V6(IPV6_DONTFRAG)]: "00000000" }, MODE.DEFAULT],
    [{ dontFragment: "probe" }, { [V6(IPV6_DONTFRAG)]: "01000000" }, MODE.PROBE_6],
    [{ flowLabel: 0xabcde }, { [V6(IPV6_FLOWINFO)]: "000abcde" }, MODE.DEFAULT],
    [{ flowLabel: 0 }, {}, MODE.UNLABELLED],
    [{ flowLabel: 0, dontFragment: "probe" }, { [V6(IPV6_DONTFRAG)]: "01000000" }, MODE.UNLABELLED | MODE.PROBE_6],
    [{ source: "::1" }, { [V6(IPV6_PKTINFO)]: "00".repeat(15) + "01" + "00000000" }, MODE.DEFAULT],
    [{ interface: "lo" }, { [V6(IPV6_PKTINFO)]: "00".repeat(16) + NAMED_INTERFACE }, MODE.DEFAULT],
  ];
  for (const [given, expected, mode] of cases) {
    const encoded = encoder.encode(given, "inet6");
    assert.deepEqual(parts(encoded.control), expected, JSON.stringify(given));
    assert.equal(encoded.mode, mode, JSON.stringify(given));
  }
});

test("a dual-stack socket has IPv4's control messages for IPv4-mapped destinations", () => {
  const dual = new PacketEncoder("inet6");
  const inet = new PacketEncoder("inet");
  fc.assert(fc.property(inetOptions, (given) => {
    assert.deepEqual(dual.encode(given, "inet"), inet.encode(given, "inet"));
  }));
});

test("raw IPv6 sockets of protocols that the kernel fragments in spite of IPV6_DONTFRAG get a mode", () => {
  const tcp = new PacketEncoder("inet6", IPPROTO_TCP);

  assert.equal(tcp.encode({ dontFragment: true }, "inet6").mode, MODE.DONT_FRAGMENT_6);
  assert.equal(tcp.encode({ dontFragment: false }, "inet6").mode, MODE.FRAGMENT_6);
  assert.equal(tcp.encode({ dontFragment: "probe" }, "inet6").mode, MODE.PROBE_6);
  assert.equal(tcp.encode({}, "inet6").mode, MODE.DEFAULT);
  assert.equal(new PacketEncoder("inet6", IPPROTO_ICMPV6).encode({ dontFragment: true }, "inet6").mode, MODE.DEFAULT);
});

test("equal options give the same object, whatever was encoded between, and others never change it", () => {
  const cases = fc.array(
    fc.oneof(
      inetOptions.map((given): [PacketOptions, Family] => [given, "inet"]),
      inet6Options.map((given): [PacketOptions, Family] => [given, "inet6"]),
    ),
    { minLength: 1, maxLength: 60 },
  );
  fc.assert(fc.property(cases, (list) => {
    const encoder = new PacketEncoder("inet6");
    const first = list.map(([given, family]) => encoder.encode({ ...given }, family));
    const bytes = first.map(({ control }) => control?.slice());

    for (const [index, [given, family]] of list.entries()) {
      assert.equal(encoder.encode({ ...given }, family), first[index]);
      assert.deepEqual(first[index].control, bytes[index]);
      const alone = new PacketEncoder("inet6").encode(given, family);
      assert.deepEqual(first[index], alone);
      assert((alone.control?.length ?? 0) <= PACKET_CONTROL_BYTES);
    }
  }));
});

test("options that differ give encodings that differ", () => {
  const encoder = new PacketEncoder("inet6");
  const seen = new Map<string, string>();
  fc.assert(
    fc.property(inet6Options, (given) => {
      const { control, mode } = encoder.encode(given, "inet6");
      const { interface: name, ...rest } = given;
      const meaning = JSON.stringify({ ...rest, interface: name === "lo" ? ifNameToIndex("lo") : name }, [
        "ttl",
        "tos",
        "dontFragment",
        "flowLabel",
        "source",
        "interface",
      ]);
      const encoded = `${mode} ${control && toHex(control)}`;
      assert.equal(seen.get(encoded) ?? meaning, meaning);
      seen.set(encoded, meaning);
    }),
    { numRuns: 1000 },
  );
});

test("options that are out of range are refused also where all else is remembered", () => {
  const encoder = new PacketEncoder("inet6");
  for (const family of ["inet", "inet6"] as const) {
    encoder.encode({ ttl: 1, tos: 1 }, family);
    for (const wrong of [{ ttl: 257 }, { ttl: 0 }, { tos: 257 }, { dscp: 64 }, { ecn: 4 }, { interface: "" }]) {
      assert.throws(() => encoder.encode({ ttl: 1, tos: undefined, ...wrong }, family), ArgumentError);
    }
  }
  assert.throws(() => encoder.encode({ source: "::1" }, "inet"), /options\.source: /);
  assert.throws(() => encoder.encode({ flowLabel: 3 }, "inet", "messages[1]"), /messages\[1\]\.flowLabel: /);
  assert.throws(() => new PacketEncoder("inet").encode({}, "inet6"), /destination: is IPv6, the socket is IPv4/);
});

test("an interface that isn't there is the system's error", () => {
  const encoder = new PacketEncoder("inet");
  assert.throws(
    () => encoder.encode({ interface: "no-such-one" }, "inet"),
    (error) => error instanceof SystemError && error.code === "ENODEV",
  );
});

test("no more than a bounded number of encodings is remembered, and earlier ones stay whole", () => {
  const encoder = new PacketEncoder("inet6");
  const early = encoder.encode({ flowLabel: 1 }, "inet6");
  for (let flowLabel = 2; flowLabel < 10_000; flowLabel++) encoder.encode({ flowLabel }, "inet6");

  assert.deepEqual(parts(early.control), { [V6(IPV6_FLOWINFO)]: "00000001" });
  assert.notEqual(encoder.encode({ flowLabel: 1 }, "inet6"), early);
  assert.deepEqual(encoder.encode({ flowLabel: 1 }, "inet6"), early);
});

/** What a socket has now for each of the options behind the modes. */
function settings(fd: number, family: Family): number[] {
  const inet = [getsockoptInt(fd, IPPROTO_IP, IP_MTU_DISCOVER)];
  if (family === "inet") return inet;
  return [
    ...inet,
    getsockoptInt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER),
    getsockoptInt(fd, IPPROTO_IPV6, IPV6_AUTOFLOWLABEL),
  ];
}

test("each mode sets what it says and nothing else, and mode 0 brings back what the socket had", () => {
  for (const own of [IP_PMTUDISC_DONT, IP_PMTUDISC_DO, IP_PMTUDISC_PROBE]) {
    const fd = socket(AF_INET6, SOCK_DGRAM);
    try {
      setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, own);
      setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, own);
      const before = settings(fd, "inet6");
      const setMode = packetModes(fd, "inet6");
      const [, , label] = before;

      for (
        const [mode, expected] of [
          [MODE.DONT_FRAGMENT, [IP_PMTUDISC_DO, own, label]],
          [MODE.FRAGMENT, [IP_PMTUDISC_OMIT, own, label]],
          [MODE.PROBE, [IP_PMTUDISC_PROBE, own, label]],
          [MODE.PROBE_6, [own, IP_PMTUDISC_PROBE, label]],
          [MODE.DONT_FRAGMENT_6, [own, IP_PMTUDISC_DO, label]],
          [MODE.FRAGMENT_6, [own, IP_PMTUDISC_DONT, label]],
          [MODE.UNLABELLED, [own, own, 0]],
          [MODE.PROBE_6 | MODE.UNLABELLED, [own, IP_PMTUDISC_PROBE, 0]],
          [MODE.DEFAULT, before],
        ] as const
      ) {
        setMode(fd, mode);
        assert.deepEqual(settings(fd, "inet6"), expected, `mode ${mode}`);
      }
    } finally {
      close(fd);
    }
  }
});

test("any order of modes ends where it began", () => {
  const fd = socket(AF_INET, SOCK_DGRAM);
  try {
    const before = settings(fd, "inet");
    const setMode = packetModes(fd, "inet");
    fc.assert(fc.property(fc.array(fc.nat(3)), (modes) => {
      for (const mode of modes) setMode(fd, mode);
      setMode(fd, MODE.DEFAULT);
      assert.deepEqual(settings(fd, "inet"), before);
    }));
  } finally {
    close(fd);
  }
});

test("what the kernel says to a change of modes is passed on", () => {
  const fd = socket(AF_INET, SOCK_DGRAM);
  const setMode = packetModes(fd, "inet");
  close(fd);

  assert.throws(() => setMode(fd, MODE.PROBE), (error) => error instanceof SystemError && error.code === "EBADF");
  assert.throws(() => packetModes(fd, "inet"), (error) => error instanceof SystemError && error.code === "EBADF");
});

function canOpenRaw(): boolean {
  try {
    close(socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6));
    return true;
  } catch {
    return false;
  }
}

test("a raw IPv6 socket, which has none of IPv4's options, has modes too", () => {
  const fd = socket(AF_INET6, SOCK_RAW, IPPROTO_TCP);
  try {
    const setMode = packetModes(fd, "inet6");
    setMode(fd, MODE.DONT_FRAGMENT_6);
    assert.equal(getsockoptInt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER), IP_PMTUDISC_DO);
  } finally {
    close(fd);
  }
}, { skip: canOpenRaw() ? undefined : "raw sockets need CAP_NET_RAW" });

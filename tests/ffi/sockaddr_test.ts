import assert from "node:assert/strict";
import fc from "fast-check";
import { AddressError, ArgumentError } from "../../common/errors.ts";
import { formatIPv6 } from "../../ffi/ip.ts";
import {
  decodeSockaddr,
  encodeSockaddr,
  encodeSockaddrInto,
  formatSocketAddress,
  SOCKADDR_STORAGE_SIZE,
  type SocketAddress,
  type UnixAddress,
} from "../../ffi/sockaddr.ts";
import { test } from "../support/harness.ts";
import { assertGuardIntact, fromHex, guarded, readGuarded, toHex } from "./guarded.ts";

const port = fc.nat(65535);
const uint32 = fc.integer({ min: 0, max: 0xffffffff });
const inet = fc.tuple(fc.ipV4(), port).map(([address, port]) => ({ family: "inet" as const, address, port }));
const inet6 = fc.tuple(fc.uint8Array({ minLength: 16, maxLength: 16 }), port, uint32, uint32)
  .map(([bytes, port, flowInfo, scopeId]) => ({
    family: "inet6" as const,
    address: formatIPv6(bytes),
    port,
    ...(flowInfo === 0 ? {} : { flowInfo }),
    ...(scopeId === 0 ? {} : { scopeId }),
  }));

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

const unix: fc.Arbitrary<UnixAddress> = fc.oneof(
  fc.string({ unit: "binary", minLength: 1, maxLength: 107 })
    .filter((path) => !path.includes("\0") && bytesOf(path) <= 107)
    .map((path) => ({ family: "unix" as const, path })),
  fc.string({ unit: "binary", maxLength: 107 })
    .filter((name) => bytesOf(name) <= 107)
    .map((name) => ({ family: "unix" as const, abstract: name })),
  // 0xff begins no UTF-8 sequence, so these names are no text.
  fc.uint8Array({ maxLength: 106 }).map((rest) => ({
    family: "unix" as const,
    abstract: Uint8Array.from([0xff, ...rest]),
  })),
  fc.constant({ family: "unix" as const, unnamed: true as const }),
);
const anyAddress: fc.Arbitrary<SocketAddress> = fc.oneof(inet, inet6, unix);

test("the bytes are those of the C structs", () => {
  // C: the structs filled by hand, with inet_pton and htons, and the bytes printed in hexadecimal.
  const printed: [SocketAddress, string][] = [
    [{ family: "inet", address: "192.0.2.33", port: 3868 }, "02000f1cc00002210000000000000000"],
    [
      { family: "inet6", address: "fe80::1:2", port: 5000, flowInfo: 0xabcde, scopeId: 7 },
      "0a001388000abcdefe80000000000000000000000001000207000000",
    ],
    [{ family: "unix", path: "/run/clock" }, "01002f72756e2f636c6f636b00"],
    [{ family: "unix", abstract: "name" }, "0100006e616d65"],
    [{ family: "unix", unnamed: true }, "0100"],
  ];
  for (const [address, hex] of printed) {
    assert.equal(toHex(encodeSockaddr(address)), hex);
    assert.deepEqual(decodeSockaddr(fromHex(hex)), address);
  }
});

test("decoding inverts encoding", () => {
  fc.assert(fc.property(anyAddress, (address) => {
    assert.deepEqual(decodeSockaddr(encodeSockaddr(address)), address);
  }));
});

test("encoding into memory writes the same bytes, and none around them", () => {
  fc.assert(fc.property(anyAddress, (address) => {
    const expected = encodeSockaddr(address);
    const target = guarded(expected.length, 0xa5);

    assert.equal(encodeSockaddrInto(address, target), expected.length);
    assert.deepEqual(target, expected);
    assertGuardIntact(target, 0xa5);
  }));
});

test("encoding at an offset leaves what comes before", () => {
  const arena = new Uint8Array(160).fill(0xee);

  const length = encodeSockaddrInto({ family: "inet", address: "192.0.2.1", port: 1 }, arena, 100);

  assert.deepEqual(decodeSockaddr(arena, 100, length), { family: "inet", address: "192.0.2.1", port: 1 });
  assert(arena.subarray(0, 100).every((byte) => byte === 0xee));
  assert(arena.subarray(116).every((byte) => byte === 0xee));
});

test("a target that is too small is refused, and nothing outside is written", () => {
  fc.assert(fc.property(anyAddress, fc.nat(120), (address, room) => {
    const needed = encodeSockaddr(address).length;
    const target = guarded(room, 0x5a);
    if (room >= needed) return;

    assert.throws(() => encodeSockaddrInto(address, target), ArgumentError);
    assertGuardIntact(target, 0x5a);
  }));
});

test("arbitrary bytes decode to an address or to none, by the given bytes alone", () => {
  const family = fc.constantFrom([0, 0], [1, 0], [2, 0], [10, 0], [2, 1], [255, 255]);
  const hostile = fc.tuple(family, fc.uint8Array({ maxLength: 140 })).map(([head, rest]) =>
    Uint8Array.from([...head, ...rest])
  );
  fc.assert(fc.property(fc.oneof(hostile, fc.uint8Array({ maxLength: 3 })), (bytes) => {
    const address = readGuarded(bytes, (view) => decodeSockaddr(view));
    if (address !== undefined) assert.equal(typeof formatSocketAddress(address), "string");
  }));
});

test("an absurd offset or length is no address, and a length beyond the bytes ends with them", () => {
  const bytes = encodeSockaddr({ family: "unix", path: "/run/clock" });
  for (const offset of [-1, 0.5, NaN, Infinity, 1000]) assert.equal(decodeSockaddr(bytes, offset), undefined);
  for (const length of [-1, 0, 1, NaN]) assert.equal(decodeSockaddr(bytes, 0, length), undefined);
  assert.deepEqual(decodeSockaddr(bytes, 0, 1e9), { family: "unix", path: "/run/clock" });
});

test("too few bytes for the family's struct are no address", () => {
  const inetBytes = encodeSockaddr({ family: "inet", address: "192.0.2.1", port: 1 });
  const inet6Bytes = encodeSockaddr({ family: "inet6", address: "::1", port: 1, scopeId: 3 });
  for (let length = 0; length < 8; length++) assert.equal(decodeSockaddr(inetBytes, 0, length), undefined);
  for (let length = 0; length < 24; length++) assert.equal(decodeSockaddr(inet6Bytes, 0, length), undefined);
  assert.deepEqual(decodeSockaddr(inet6Bytes, 0, 24), { family: "inet6", address: "::1", port: 1 });
});

test("AF_UNSPEC and unknown families are no address", () => {
  assert.equal(decodeSockaddr(new Uint8Array(SOCKADDR_STORAGE_SIZE)), undefined);
  assert.equal(decodeSockaddr(Uint8Array.from([16, 0, ...new Uint8Array(20)])), undefined);
  assert.equal(decodeSockaddr(new Uint8Array(0)), undefined);
});

test("a path that fills sun_path needs no NUL, and what follows sun_path is not read", () => {
  const bytes = new Uint8Array(SOCKADDR_STORAGE_SIZE).fill("b".charCodeAt(0));
  bytes.set([1, 0]);
  bytes.fill("a".charCodeAt(0), 2, 110);

  assert.deepEqual(decodeSockaddr(bytes), { family: "unix", path: "a".repeat(108) });
});

test("a path in a storage of full length ends at its NUL", () => {
  const storage = new Uint8Array(SOCKADDR_STORAGE_SIZE);
  encodeSockaddrInto({ family: "unix", path: "/run/clock" }, storage);

  assert.deepEqual(decodeSockaddr(storage), { family: "unix", path: "/run/clock" });
});

test("an abstract name may be empty, and may contain NULs", () => {
  for (const name of ["", "a\0b", "\0"]) {
    const address = { family: "unix", abstract: name } as const;
    assert.deepEqual(decodeSockaddr(encodeSockaddr(address)), address);
  }
});

test("an abstract name that is no text is the caller's own copy", () => {
  const bytes = encodeSockaddr({ family: "unix", abstract: Uint8Array.of(0xff, 1) });
  const decoded = decodeSockaddr(bytes) as { abstract: Uint8Array };
  bytes.fill(0);

  assert.deepEqual(decoded.abstract, Uint8Array.of(0xff, 1));
});

test("a path that is no text decodes with replacement characters", () => {
  assert.deepEqual(decodeSockaddr(Uint8Array.of(1, 0, 0x2f, 0xff, 0)), { family: "unix", path: "/\ufffd" });
});

test("numbers out of range are refused by name", () => {
  for (const wrong of [-1, 65536, 1.5, NaN, "80" as unknown as number]) {
    assert.throws(
      () => encodeSockaddr({ family: "inet", address: "192.0.2.1", port: wrong }),
      (error) =>
        error instanceof ArgumentError && error.argument === "address.port" && /0 to 65535/.test(error.message),
    );
    assert.throws(() => encodeSockaddr({ family: "inet6", address: "::1", port: wrong }), ArgumentError);
  }
  for (const wrong of [-1, 2 ** 32, 0.5, NaN]) {
    assert.throws(
      () => encodeSockaddr({ family: "inet6", address: "::1", port: 1, scopeId: wrong }),
      (error) => error instanceof ArgumentError && error.argument === "address.scopeId",
    );
    assert.throws(
      () => encodeSockaddr({ family: "inet6", address: "::1", port: 1, flowInfo: wrong }),
      (error) => error instanceof ArgumentError && error.argument === "address.flowInfo",
    );
  }
});

test("malformed addresses are refused, and the message shows the right form", () => {
  const cases: [SocketAddress, RegExp][] = [
    [{ family: "inet", address: "localhost", port: 1 }, /"localhost" is not an IPv4 address.*192\.0\.2\.1/],
    [{ family: "inet", address: "::1", port: 1 }, /is not an IPv4 address/],
    [{ family: "inet6", address: "127.0.0.1", port: 1 }, /is not an IPv6 address/],
    [{ family: "inet6", address: "fe80::1%eth0", port: 1 }, /`scopeId`/],
    [{ family: "unix", path: "" }, /1 to 107/],
    [{ family: "unix", path: "a".repeat(108) }, /has 108 bytes: 1 to 107/],
    [{ family: "unix", path: "ä".repeat(54) }, /has 108 bytes/],
    [{ family: "unix", path: "a\0b" }, /without NUL/],
    [{ family: "unix", abstract: "a".repeat(108) }, /has 108 bytes: up to 107/],
    [{ family: "unix", abstract: new Uint8Array(108) }, /up to 107/],
  ];
  for (const [address, message] of cases) {
    assert.throws(
      () => encodeSockaddr(address),
      (error) => error instanceof AddressError && message.test(error.message),
    );
  }
});

test("an enormous address makes a short message", () => {
  assert.throws(
    () => encodeSockaddr({ family: "inet", address: "1".repeat(1e6), port: 1 }),
    (error) => error instanceof AddressError && error.message.length < 300,
  );
});

test("a family or a unix address of no known kind is refused", () => {
  assert.throws(() => encodeSockaddr({ family: "ipx" } as never), /"inet", "inet6" or "unix"/);
  assert.throws(() => encodeSockaddr({ family: "unix" } as never), /`path`, `abstract` or `unnamed: true`/);
});

test("addresses are formatted as people write them, on one line", () => {
  const cases: [SocketAddress, string][] = [
    [{ family: "inet", address: "127.0.0.1", port: 80 }, "127.0.0.1:80"],
    [{ family: "inet6", address: "::1", port: 80 }, "[::1]:80"],
    [{ family: "inet6", address: "fe80::1", port: 80, scopeId: 2 }, "[fe80::1%2]:80"],
    [{ family: "unix", path: "/run/x" }, "/run/x"],
    [{ family: "unix", path: "/run/a\nb" }, "/run/a\\x0ab"],
    [{ family: "unix", abstract: "name" }, "@name"],
    [{ family: "unix", abstract: "a\0b" }, "@a\\x00b"],
    [{ family: "unix", abstract: Uint8Array.of(0xff, 0x61) }, "@\\xffa"],
    [{ family: "unix", unnamed: true }, "(unnamed)"],
  ];
  for (const [address, text] of cases) assert.equal(formatSocketAddress(address), text);
});

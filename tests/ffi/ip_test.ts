import assert from "node:assert/strict";
import fc from "fast-check";
import { ArgumentError } from "../../common/errors.ts";
import { AF_INET, AF_INET6 } from "../../ffi/constants.ts";
import { formatIPv4, formatIPv6, parseIPv4, parseIPv4Into, parseIPv6, parseIPv6Into } from "../../ffi/ip.ts";
import { test } from "../support/harness.ts";
import { assertGuardIntact, guarded, readGuarded, toHex } from "./guarded.ts";

type InetPton = (family: number, text: string) => Uint8Array | undefined;

/** Lends out glibc's own parser, with which ours must agree. */
function withInetPton(use: (inetPton: InetPton) => void): void {
  const libc = Deno.dlopen("libc.so.6", { inet_pton: { parameters: ["i32", "buffer", "buffer"], result: "i32" } });
  try {
    use((family, text) => {
      const bytes = new Uint8Array(family === AF_INET ? 4 : 16);
      return libc.symbols.inet_pton(family, new TextEncoder().encode(`${text}\0`), bytes) === 1 ? bytes : undefined;
    });
  } finally {
    libc.close();
  }
}

/** Texts that look much like addresses, so that a good part of them is one. */
const almostIPv6 = fc.oneof(
  fc.string({ unit: fc.constantFrom(..."01fF:.".split("")), maxLength: 12 }),
  fc.array(fc.constantFrom("0", "1", "00ff", "12345", "g", "", "1.2.3.4", "256.1.1.1"), { maxLength: 10 })
    .map((groups) => groups.join(":")),
  fc.tuple(fc.ipV6(), fc.nat(45), fc.constantFrom("", ":", ".", "0", "%"))
    .map(([text, index, inserted]) => text.slice(0, index) + inserted + text.slice(index)),
);
const almostIPv4 = fc.oneof(
  fc.string({ unit: fc.constantFrom(..."0129.".split("")), maxLength: 15 }),
  fc.array(fc.constantFrom("0", "00", "01", "1", "9", "255", "256", "1000", "", "-1", "+1", " 1", "0x1"), {
    minLength: 3,
    maxLength: 5,
  }).map((parts) => parts.join(".")),
);

test("exactly those texts are IPv4 addresses that inet_pton takes", () => {
  withInetPton((inetPton) => {
    fc.assert(
      fc.property(
        fc.oneof(almostIPv4, fc.ipV4()),
        (text) => assert.deepEqual(parseIPv4(text), inetPton(AF_INET, text)),
      ),
      { numRuns: 3000 },
    );
  });
});

test("exactly those texts are IPv6 addresses that inet_pton takes", () => {
  withInetPton((inetPton) => {
    fc.assert(
      fc.property(
        fc.oneof(almostIPv6, fc.ipV6()),
        (text) => assert.deepEqual(parseIPv6(text), inetPton(AF_INET6, text)),
      ),
      { numRuns: 5000 },
    );
  });
});

test("zones, prefix lengths, brackets, spaces and NULs are no part of an address", () => {
  for (const text of ["fe80::1%eth0", "fe80::1%2", "2001:db8::/32", "[::1]", " ::1", "::1 ", "::1\0", "", ":", ":::"]) {
    assert.equal(parseIPv6(text), undefined, text);
  }
  for (const text of ["192.0.2.1/24", " 192.0.2.1", "192.0.2.1\n", "192.0.2.1\0", "192.0.2", "3221225985", "٣.1.1.1"]) {
    assert.equal(parseIPv4(text), undefined, text);
  }
});

test("the bytes and the canonical text are those that C prints", () => {
  // C: inet_pton(AF_INET6, text, x); the bytes of x in hexadecimal; inet_ntop(AF_INET6, x, …)
  const printed = [
    ["::", "00000000000000000000000000000000", "::"],
    ["::1", "00000000000000000000000000000001", "::1"],
    ["2001:db8::", "20010db8000000000000000000000000", "2001:db8::"],
    ["2001:DB8:0:0:1:0:0:1", "20010db8000000000001000000000001", "2001:db8::1:0:0:1"],
    ["2001:db8:0:1:1:1:1:1", "20010db8000000010001000100010001", "2001:db8:0:1:1:1:1:1"],
    ["::ffff:192.0.2.1", "00000000000000000000ffffc0000201", "::ffff:192.0.2.1"],
    ["64:ff9b::192.0.2.33", "0064ff9b0000000000000000c0000221", "64:ff9b::c000:221"],
    ["1:2:3:4:5:6:7:8", "00010002000300040005000600070008", "1:2:3:4:5:6:7:8"],
    ["1:0:0:4:0:0:0:8", "00010000000000040000000000000008", "1:0:0:4::8"],
    ["::12", "00000000000000000000000000000012", "::12"],
    ["1::8", "00010000000000000000000000000008", "1::8"],
    ["fe80::", "fe800000000000000000000000000000", "fe80::"],
  ];
  for (const [text, hex, canonical] of printed) {
    const bytes = parseIPv6(text)!;
    assert.equal(toHex(bytes), hex, text);
    assert.equal(formatIPv6(bytes), canonical);
  }
});

test("deprecated IPv4-compatible addresses are written in hexadecimal (RFC 5952 section 5)", () => {
  assert.equal(formatIPv6(parseIPv6("::1.2.3.4")!), "::102:304");
});

test("parsing inverts formatting, and a canonical text is stable", () => {
  const sparse = fc.array(fc.oneof(fc.constant(0), fc.nat(255)), { minLength: 16, maxLength: 16 });
  fc.assert(fc.property(sparse, (values) => {
    const bytes = Uint8Array.from(values);
    const text = readGuarded(bytes, (view) => formatIPv6(view));
    assert.deepEqual(parseIPv6(text), bytes);
    assert.equal(text, text.toLowerCase());
    assert.doesNotMatch(text, /(^|:)0[0-9a-f]/);
  }));
  fc.assert(fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), (bytes) => {
    assert.deepEqual(parseIPv4(readGuarded(bytes, (view) => formatIPv4(view))), bytes);
  }));
});

test("a text that is no address leaves the target alone, and one that is fills its bytes only", () => {
  const four = guarded(4, 0xee);
  const sixteen = guarded(16, 0xee);

  assert(!parseIPv4Into("192.0.2.256", four, 0));
  assert(!parseIPv6Into("1:2:3:4:5:6:7:x", sixteen, 0));
  assert([...four, ...sixteen].every((byte) => byte === 0xee));

  assert(parseIPv4Into("192.0.2.255", four, 0));
  assert(parseIPv6Into("::", sixteen, 0));
  assertGuardIntact(four, 0xee);
  assertGuardIntact(sixteen, 0xee);
});

test("formatting refuses to read outside", () => {
  assert.throws(() => formatIPv4(new Uint8Array(7), 4), ArgumentError);
  assert.throws(() => formatIPv6(new Uint8Array(16), 1), ArgumentError);
  assert.throws(() => formatIPv6(new Uint8Array(16), -1), ArgumentError);
});

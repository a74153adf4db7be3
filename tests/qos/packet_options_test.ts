import assert from "node:assert/strict";
import fc from "fast-check";
import { ArgumentError } from "../../common/errors.ts";
import { DSCP, ECN } from "../../qos/dscp.ts";
import { checkPacketOptions, type PacketOptions } from "../../qos/packet_options.ts";
import { test } from "../support/harness.ts";

const families = fc.constantFrom<"inet" | "inet6">("inet", "inet6");

/** Options that are in range for both families. */
const valid: fc.Arbitrary<PacketOptions> = fc.oneof(
  fc.record({ tos: fc.nat(255) }, { requiredKeys: [] }),
  fc.record({
    dscp: fc.oneof(fc.nat(63), fc.constantFrom(...Object.keys(DSCP) as (keyof typeof DSCP)[])),
    ecn: fc.oneof(fc.nat(3), fc.constantFrom(...Object.keys(ECN) as (keyof typeof ECN)[])),
  }, { requiredKeys: [] }),
).chain((marking) =>
  fc.record({
    ttl: fc.integer({ min: 1, max: 255 }),
    dontFragment: fc.constantFrom<boolean | "probe">(true, false, "probe"),
    interface: fc.oneof(fc.integer({ min: 1, max: 0x7fffffff }), fc.constantFrom("lo", "eth0.100", "ppp0")),
  }, { requiredKeys: [] }).map((rest) => ({ ...marking, ...rest }))
);

/** Each value that no packet can have, with what the error names. */
const WRONG: [string, unknown, ("inet" | "inet6")?][] = [
  ...[0, 256, -1, 1.5, NaN, Infinity, "3", null, 2 ** 32 + 1].map((ttl): [string, unknown] => ["ttl", ttl]),
  ...[-1, 256, 0.5, NaN, "0", null, 2 ** 32].map((tos): [string, unknown] => ["tos", tos]),
  ...[-1, 64, 0.5, NaN, "ef", "AF44", "constructor", null].map((dscp): [string, unknown] => ["dscp", dscp]),
  ...[-1, 4, 0.5, "ect(0)", "length", null].map((ecn): [string, unknown] => ["ecn", ecn]),
  ...["no", 1, 0, null, "PROBE"].map((df): [string, unknown] => ["dontFragment", df]),
  ...[-1, 0x100000, 0.5, "1", null].map((label): [string, unknown, "inet6"] => ["flowLabel", label, "inet6"]),
  ...["", "localhost", "::1", "1.2.3", null, 3].map((source): [string, unknown, "inet"] => ["source", source, "inet"]),
  ...["", "127.0.0.1", "::ffff:127.0.0.1", "fe80::1%lo", null].map((source): [string, unknown, "inet6"] => [
    "source",
    source,
    "inet6",
  ]),
  ...["", "a name", "sixteen-letters!", "a/b", "a\0", 0, -1, 1.5, 2 ** 31, null].map((name): [string, unknown] => [
    "interface",
    name,
  ]),
];

test("options in range are accepted", () => {
  fc.assert(fc.property(valid, families, (options, family) => checkPacketOptions(options, family)));
  checkPacketOptions({}, "inet");
  checkPacketOptions({ ttl: undefined, tos: undefined, source: undefined }, "inet");
  checkPacketOptions({ flowLabel: 0xfffff, source: "2001:db8::1" }, "inet6");
  checkPacketOptions({ flowLabel: 0, source: "::" }, "inet6");
  checkPacketOptions({ source: "192.0.2.1" }, "inet");
});

test("each option out of range is refused by its name", () => {
  for (const [name, value, only] of WRONG) {
    for (const family of only === undefined ? ["inet", "inet6"] as const : [only]) {
      assert.throws(
        () => checkPacketOptions({ [name]: value }, family),
        (error) => error instanceof ArgumentError && error.argument === `options.${name}`,
        `${name} ${String(value)}`,
      );
    }
  }
});

test("tos beside dscp or ecn is refused", () => {
  for (const beside of [{ dscp: 0 }, { ecn: 0 }, { dscp: "EF", ecn: "CE" }] as const) {
    assert.throws(() => checkPacketOptions({ tos: 0, ...beside }, "inet"), /options\.tos: is the whole byte/);
  }
});

test("a flow label for an IPv4 destination is refused, not left out", () => {
  assert.throws(() => checkPacketOptions({ flowLabel: 1 }, "inet"), /options\.flowLabel: is for IPv6/);
});

test("errors call the options what the caller calls them", () => {
  assert.throws(() => checkPacketOptions({ ttl: 0 }, "inet", "messages[3]"), /^ArgumentError: messages\[3\]\.ttl: /);
});

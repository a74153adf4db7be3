import assert from "node:assert/strict";
import fc from "fast-check";
import { AddressError } from "../../common/errors.ts";
import { decodeSockaddr } from "../../ffi/sockaddr.ts";
import { resolveSctpAddress, SctpAddress } from "../../sctp/address.ts";
import type { SctpTransportAddress } from "../../sctp/message.ts";

const ipv4 = fc.ipV4();
const plainIpv6 = fc.ipV6();
const zone = fc.stringMatching(/^[a-z][a-z0-9._-]{0,14}$/);
const indexZone = fc.integer({ min: 1, max: 0xffffffff }).map(String);
const linkLocal = (zones: fc.Arbitrary<string>) =>
  fc.tuple(fc.integer({ min: 1, max: 0xffff }), zones).map(([id, name]) => `fe80::${id.toString(16)}%${name}`);
const port = fc.integer({ min: 0, max: 65535 });

/** Several distinct addresses, as the constructor's own canonical form tells them apart, no wildcard among them. */
function addressOf(ip: fc.Arbitrary<string>): fc.Arbitrary<SctpAddress> {
  const canonical = ip.map((text) => new SctpAddress(text, 0).addresses[0]).filter((text) =>
    text !== "::" && text !== "0.0.0.0"
  );
  return fc.tuple(fc.uniqueArray(canonical, { minLength: 1, maxLength: 6 }), port).map(([ips, port]) =>
    new SctpAddress(ips, port)
  );
}

Deno.test("an address reads back from the URL that it formats", () => {
  fc.assert(fc.property(addressOf(fc.oneof(ipv4, plainIpv6, linkLocal(zone))), (address) => {
    const again = SctpAddress.parse(address.toString());

    assert.deepEqual(again.addresses, address.addresses);
    assert.equal(again.port, address.port);
    assert.equal(again.toString(), address.toString());
  }));
});

Deno.test("whatever text is parsed, the outcome is an address or an AddressError", () => {
  const pieces = fc.array(
    fc.oneof(
      fc.constantFrom("sctp://", "[", "]", ":", ",", "%", "::", "10.0.0.1", "[::1]", ":5000", "eth0", "/", "@", "0x7f"),
      fc.string({ maxLength: 4 }),
    ),
    { maxLength: 10 },
  ).map((parts) => parts.join(""));

  fc.assert(fc.property(fc.oneof(fc.string(), pieces, pieces.map((text) => `sctp://${text}:1`)), (text) => {
    try {
      const address = SctpAddress.parse(text);
      assert.deepEqual(SctpAddress.parse(address.toString()).addresses, address.addresses);
    } catch (error) {
      assert(error instanceof AddressError, `${error}`);
    }
  }));
});

Deno.test("a packed array is sockaddr_in and sockaddr_in6 back to back", () => {
  fc.assert(fc.property(addressOf(fc.oneof(ipv4, plainIpv6, linkLocal(indexZone))), (address) => {
    const packed = address.toPackedSockaddrs();

    const decoded: SctpTransportAddress[] = [];
    for (let offset = 0; offset < packed.length;) {
      const length = packed[offset] === 2 ? 16 : 28;
      decoded.push(decodeSockaddr(packed, offset, length) as SctpTransportAddress);
      offset += length;
    }
    assert.deepEqual(SctpAddress.fromSocketAddresses(decoded).addresses, address.addresses);
    assert.equal(SctpAddress.fromSocketAddresses(decoded).port, address.port);
  }));
});

Deno.test("equality ignores the order of the addresses", () => {
  fc.assert(fc.property(addressOf(fc.oneof(ipv4, plainIpv6)), (address) => {
    assert(new SctpAddress([...address.addresses].reverse(), address.port).equals(address));
    assert(!address.withPort((address.port + 1) % 65536).equals(address));
  }));
});

Deno.test("the forms of the URL", () => {
  const cases: [string, string[], number][] = [
    ["sctp://10.0.0.1:3868", ["10.0.0.1"], 3868],
    ["sctp://10.0.0.1,10.0.1.1:3868", ["10.0.0.1", "10.0.1.1"], 3868],
    ["sctp://[::1]:5000", ["::1"], 5000],
    ["sctp://[::1],[fe80::1%eth0]:5000", ["::1", "fe80::1%eth0"], 5000],
    ["sctp://[2001:DB8:0:0::1],192.0.2.7:0", ["2001:db8::1", "192.0.2.7"], 0],
    ["sctp://[::]:65535", ["::"], 65535],
    ["sctp://0.0.0.0:0", ["0.0.0.0"], 0],
    ["sctp://[::ffff:192.0.2.1]:1", ["::ffff:192.0.2.1"], 1],
  ];
  for (const [url, addresses, port] of cases) {
    const address = SctpAddress.parse(url);
    assert.deepEqual([...address.addresses], addresses, url);
    assert.equal(address.port, port, url);
  }
});

Deno.test("malformed URLs and ports out of range are refused with the forms that are allowed", () => {
  const refused = [
    "",
    "10.0.0.1:3868",
    "tcp://10.0.0.1:3868",
    "SCTP://10.0.0.1:3868",
    "sctp:10.0.0.1:3868",
    "sctp://10.0.0.1",
    "sctp://10.0.0.1:",
    "sctp://10.0.0.1:65536",
    "sctp://10.0.0.1:-1",
    "sctp://10.0.0.1:1e3",
    "sctp://10.0.0.1:5000/",
    "sctp://10.0.0.1:5000?x",
    "sctp://user@10.0.0.1:5000",
    "sctp://:5000",
    "sctp://,:5000",
    "sctp://10.0.0.1,:5000",
    "sctp://::1:5000",
    "sctp://[::1:5000",
    "sctp://[10.0.0.1]:5000",
    "sctp://[]:5000",
    "sctp://[fe80::1%]:5000",
    "sctp://[fe80::1%a%b]:5000",
    "sctp://10.0.0.1%eth0:5000",
    "sctp://10.0.0.256:5000",
    "sctp://10.0.1:5000",
    "sctp://localhost:5000",
    "sctp://10.0.0.1,10.0.0.1:5000",
    "sctp://[::1],[0:0::1]:5000",
    "sctp://0.0.0.0,10.0.0.1:5000",
    "sctp://[::],[::1]:5000",
    "sctp://10.0.0.1 :5000",
    "sctp://10.0.0.1:5000\n",
  ];
  for (const url of refused) assert.throws(() => SctpAddress.parse(url), AddressError, url);
  assert.throws(() => SctpAddress.parse("sctp://localhost:5000"), /resolveSctpAddress/);
  assert.throws(() => new SctpAddress([], 1), AddressError);
  for (const bad of [-1, 65536, 1.5, NaN]) assert.throws(() => new SctpAddress("::1", bad), AddressError);
});

Deno.test("an interface index beyond 32 bits is refused when the address is used", () => {
  const address = SctpAddress.parse("sctp://[fe80::1%4294967296]:1");

  assert.throws(() => address.toSocketAddresses(), AddressError);
});

Deno.test("addresses with different ports are not one SCTP address", () => {
  assert.throws(
    () =>
      SctpAddress.fromSocketAddresses([
        { family: "inet", address: "10.0.0.1", port: 1 },
        { family: "inet", address: "10.0.0.2", port: 2 },
      ]),
    AddressError,
  );
});

Deno.test("networks: sctp, sctp4 and sctp6 resolve names and check literals", async () => {
  assert.equal(`${await resolveSctpAddress("sctp", "10.0.0.1,[::1]:9")}`, "sctp://10.0.0.1,[::1]:9");
  assert.equal(`${await resolveSctpAddress("sctp", "sctp://10.0.0.1:9")}`, "sctp://10.0.0.1:9");
  assert.equal(`${await resolveSctpAddress("sctp4", "localhost,10.0.0.1:9")}`, "sctp://127.0.0.1,10.0.0.1:9");
  assert.equal(`${await resolveSctpAddress("sctp4", "localhost,127.0.0.1:9")}`, "sctp://127.0.0.1:9");

  await assert.rejects(resolveSctpAddress("sctp4", "[::1]:9"), /allows only IPv4/);
  await assert.rejects(resolveSctpAddress("sctp6", "10.0.0.1:9"), /allows only IPv6/);
  for (const network of ["tcp", "sctp5", "", "SCTP"]) {
    await assert.rejects(resolveSctpAddress(network as "sctp", "10.0.0.1:9"), /"sctp", "sctp4" .* or "sctp6"/);
  }
  for (const address of ["::1:9", "a b:9", "[host]:9", "host", "host:99999", "1.2.3:9", "0x7f.1:9", "-a:9", ":9"]) {
    await assert.rejects(resolveSctpAddress("sctp", address), AddressError, address);
  }
});

Deno.test("a name that does not exist is an AddressError with the resolver's error as its cause", async () => {
  await assert.rejects(resolveSctpAddress("sctp", "no-such-host.invalid:9"), (error: unknown) => {
    assert(error instanceof AddressError);
    assert(error.cause instanceof Error);
    return true;
  });
});

Deno.test("a look-up that was given up rejects with the signal's reason", async () => {
  const reason = new Error("enough");

  await assert.rejects(resolveSctpAddress("sctp", "localhost:9", { signal: AbortSignal.abort(reason) }), reason);
});

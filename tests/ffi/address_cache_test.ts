import assert from "node:assert/strict";
import { decodeSockaddr, encodeSockaddr, type SocketAddress } from "@sockeye/sockeye/ffi";
import { SenderCache } from "../../ffi/address_cache.ts";
import { test } from "../support/harness.ts";

const MANY = 5000;

const addresses: Record<string, (n: number) => SocketAddress> = {
  IPv4: (n) => ({ family: "inet", address: `10.0.${n >> 8}.${n & 255}`, port: 5000 }),
  IPv6: (n) => ({ family: "inet6", address: `2001:db8::${n.toString(16)}`, port: 5000 }),
  "IPv4 on a dual-stack socket": (n) => ({ family: "inet6", address: `::ffff:10.0.${n >> 8}.${n & 255}`, port: 5000 }),
  unix: (n) => ({ family: "unix", abstract: `peer ${n}` }),
};

for (const [family, addressOf] of Object.entries(addresses)) {
  test(`senders that take turns are the same frozen objects each time, ${family}`, () => {
    const cache = new SenderCache();
    const encoded = [1, 2, 3].map((n) => encodeSockaddr(addressOf(n)));

    const first = encoded.map((bytes) => cache.decode(bytes, 0, bytes.length));
    const second = encoded.map((bytes) => cache.decode(bytes, 0, bytes.length));

    for (const [i, address] of first.entries()) {
      assert.deepEqual(address, decodeSockaddr(encoded[i]));
      assert(Object.isFrozen(address));
      assert.equal(second[i], address);
    }
  });

  test(`more senders than are remembered are told apart, ${family}`, () => {
    const cache = new SenderCache();

    for (let n = 0; n < MANY; n++) {
      const bytes = encodeSockaddr(addressOf(n));
      const padded = new Uint8Array([7, 7, ...bytes, 7]);
      assert.deepEqual(cache.decode(padded, 2, bytes.length), decodeSockaddr(bytes));
    }
  });
}

test("no address is none, and neither are bytes of a family that nobody knows", () => {
  const cache = new SenderCache();

  assert.equal(cache.decode(new Uint8Array(16), 0, 0), undefined);
  assert.equal(cache.decode(Uint8Array.of(0xff, 0xff, 1, 2), 0, 4), undefined);
  assert.equal(cache.decode(Uint8Array.of(0xff, 0xff, 1, 2), 0, 4), undefined);
});

import assert from "node:assert/strict";
import { encodeSockaddr, type Inet6Address, SOCKADDR_STORAGE_SIZE } from "../../ffi/mod.ts";
import { decodeTransportAddress } from "../../sctp/kernel/transport_address.ts";
import { test } from "../support/harness.ts";

function decoded(address: string, scopeId: number): unknown {
  const storage = new Uint8Array(SOCKADDR_STORAGE_SIZE);
  const given: Inet6Address = { family: "inet6", address, port: 5000, scopeId };
  storage.set(encodeSockaddr(given));
  return decodeTransportAddress(storage, 0);
}

test("the zone that Linux fills in is dropped where an address has none", () => {
  for (const address of ["::1", "fd77::2", "2001:db8::1", "fec0::1"]) {
    assert.deepEqual(decoded(address, 4), { family: "inet6", address, port: 5000 });
  }
});

test("a link-local address keeps its zone", () => {
  for (const address of ["fe80::1", "fea0::2", "febf:1::2"]) {
    assert.deepEqual(decoded(address, 4), { family: "inet6", address, port: 5000, scopeId: 4 });
  }
});

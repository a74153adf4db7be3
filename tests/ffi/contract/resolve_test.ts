import { AddressError, ifNameToIndex, resolve, TimeoutError } from "@sockeye/sockeye/ffi";
import assert from "node:assert/strict";
import { test } from "../../support/harness.ts";

test("numeric addresses are taken as they are", async () => {
  assert.deepEqual(await resolve("192.0.2.1", 80), [{ family: "inet", address: "192.0.2.1", port: 80 }]);
  assert.deepEqual(await resolve("2001:DB8:0::1", 0), [{ family: "inet6", address: "2001:db8::1", port: 0 }]);
  assert.deepEqual(await resolve("::", 65535, { family: "inet6" }), [{ family: "inet6", address: "::", port: 65535 }]);
});

test("zones are taken by name and by index", async () => {
  const scopeId = ifNameToIndex("lo");
  const expected = [{ family: "inet6", address: "fe80::1", port: 1, scopeId }];

  assert.deepEqual(await resolve("fe80::1%lo", 1), expected);
  assert.deepEqual(await resolve(`fe80::1%${scopeId}`, 1), expected);
  await assert.rejects(resolve("fe80::1%nothere", 1), { code: "ENODEV", address: "nothere" });
  await assert.rejects(resolve("fe80::1%0", 1), { code: "ARGUMENT" });
});

test("a name is asked of the system's resolver, and the family filters", async () => {
  const all = await resolve("localhost", 5000);
  assert(all.length > 0);
  for (const { family, address, port } of all) {
    assert(family === "inet" && address.startsWith("127.") || family === "inet6" && address === "::1");
    assert.equal(port, 5000);
  }

  const [first, ...others] = await resolve("localhost", 5000, { all: false });
  assert.deepEqual(first, all[0]);
  assert.equal(others.length, 0);
  assert.deepEqual(
    await resolve("localhost", 5000, { family: "inet", timeout: 30_000 }),
    [{ family: "inet", address: "127.0.0.1", port: 5000 }],
  );
});

test("an unknown host, a wrong family and nonsense are AddressErrors that name it", async () => {
  for (const host of ["no-such-host.invalid", "1.2.3.4.5:", "fe80::1::2", "::1%", "a%b"]) {
    await assert.rejects(resolve(host, 1), (error: Error) => {
      assert(error instanceof AddressError, `${host}: ${error}`);
      assert(error.message.includes(JSON.stringify(host)));
      return true;
    });
  }
  await assert.rejects(resolve("127.0.0.1", 1, { family: "inet6" }), AddressError);
  await assert.rejects(resolve("", 1), { code: "ARGUMENT", argument: "host" });
  for (const port of [-1, 65536, 1.5, NaN]) {
    await assert.rejects(resolve("127.0.0.1", port), { code: "ARGUMENT", argument: "port" });
  }
});

test("waiting for the resolver ends by signal and by timeout", async () => {
  const reason = new Error("enough");
  const abort = new AbortController();

  const waiting = resolve("localhost", 1, { signal: abort.signal });
  abort.abort(reason);
  await assert.rejects(waiting, (error) => error === reason);
  await assert.rejects(resolve("127.0.0.1", 1, { signal: AbortSignal.abort(reason) }), (error) => error === reason);
  await assert.rejects(resolve("localhost", 1, { timeout: 0 }), TimeoutError);

  // The answers that nobody waits for any more come before this one.
  await resolve("localhost", 1);
});

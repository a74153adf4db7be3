import { ArgumentError, type SctpAuthOptions, UnsupportedError } from "@sockeye/sockeye/sctp";
import assert from "node:assert/strict";
import { bytes, firstEvent, forEachStack, nextMessage, text, until } from "./stacks.ts";

const DATA = 0;

/** DATA has to be authenticated, with a key that both ends know. */
function authenticated(secret = "secret"): SctpAuthOptions {
  return { supported: true, chunks: [DATA], keys: [{ keyId: 1, key: bytes(secret) }], activeKeyId: 1 };
}

forEachStack((under) => {
  const { test } = under;

  test("messages pass where both ends have the key", async () => {
    await using both = await under.pair({ client: { auth: authenticated() }, server: { auth: authenticated() } });
    const { client, server } = both;

    await client.send("authentic");
    await server.send("me too");

    assert.equal(text(await server.receive()), "authentic");
    assert.equal(text(await client.receive()), "me too");
    assert.equal(client.options.activeAuthKey, 1);
    assert(client.options.localAuthChunks.includes(DATA));
    assert(client.options.peerAuthChunks.includes(DATA));
    assert.equal(client.options.authSupported, true);
  });

  test("messages do not pass where the keys differ", async () => {
    await using both = await under.pair({
      client: { auth: authenticated(), rtoinfo: { initial: 100, min: 100 } },
      server: { auth: authenticated("another") },
    });
    const { client, server } = both;

    await client.send("forged?");
    await until(() => server.statistics().packetsReceived >= 3);

    assert.equal(server.tryReceive(), undefined);
    assert.equal(client.status().unackedData, 1);
  });

  test("a message is authenticated by the key that it names", async () => {
    const auth: SctpAuthOptions = {
      ...authenticated(),
      keys: [{ keyId: 1, key: bytes("one") }, { keyId: 2, key: bytes("two") }],
    };
    await using both = await under.pair({ client: { auth }, server: { auth } });
    const { client, server } = both;

    await client.send("by key 1");
    await client.send("by key 2", { authKeyId: 2 });

    assert.equal(text(await server.receive()), "by key 1");
    assert.equal(text(await server.receive()), "by key 2");
  });

  test("keys are added, activated, deactivated and deleted during an association", async () => {
    await using both = await under.pair({
      client: { auth: authenticated(), events: ["authentication"] },
      server: { auth: authenticated(), events: ["authentication"] },
    });
    const { client, server } = both;
    const next = { keyId: 7, key: bytes("the next secret") };

    client.options.setAuthKey(next);
    server.options.setAuthKey(next);
    client.options.activeAuthKey = 7;
    await client.send("by the new key");

    assert.equal(text(await server.receive()), "by the new key");
    const event = await firstEvent(server, "authentication", ({ indication }) => indication === "new-key");
    assert.equal(event.keyId, 7);
    client.options.deactivateAuthKey(1);
    const free = await firstEvent(client, "authentication", ({ indication }) => indication === "free-key");
    assert.equal(free.keyId, 1);
    client.options.deleteAuthKey(1);
    assert.throws(() => client.options.deleteAuthKey(7), { code: "EINVAL" });
    assert.throws(() => client.options.activeAuthKey = 99, { code: "EINVAL" });
  });

  test("an endpoint's keys are for the associations to come, an association's for itself", async () => {
    using server = under.endpoint({ auth: authenticated() });
    using client = under.endpoint({ auth: authenticated() });
    const associationId = await client.connect(server.localAddresses());
    await until(() => server.associations().length === 1);
    const next = { keyId: 3, key: bytes("third") };

    server.optionsOf(server.associations()[0]).setAuthKey(next);
    client.optionsOf(associationId).setAuthKey(next);
    client.optionsOf(associationId).activeAuthKey = 3;
    await client.send("x", { associationId });

    assert.equal(text(await nextMessage(server)), "x");
    assert.equal(client.options.activeAuthKey, 1);
    assert.equal(client.optionsOf(associationId).activeAuthKey, 3);
  });

  test("hash functions are chosen", () => {
    using endpoint = under.endpoint({ auth: { supported: true, hmacs: ["sha1"] } });

    assert.deepEqual(endpoint.options.authHmacs, ["sha1"]);
    endpoint.options.authHmacs = ["sha256", "sha1"];
    assert.deepEqual(endpoint.options.authHmacs, ["sha256", "sha1"]);
  });

  test("what can't be authenticated, or does not exist, is refused", () => {
    using endpoint = under.endpoint({ auth: { supported: true } });

    for (const chunk of [1, 2, 14, 15, 256, -1]) {
      assert.throws(() => endpoint.options.addAuthChunk(chunk), ArgumentError);
    }
    assert.throws(() => endpoint.options.setAuthKey({ keyId: 65536, key: bytes("x") }), ArgumentError);
    assert.throws(() => endpoint.options.authHmacs = ["sha256"], ArgumentError);
    assert.throws(() => under.endpoint({ auth: { supported: true, hmacs: ["md5" as "sha1"] } }), ArgumentError);
  });

  test("where authentication is off it is an UnsupportedError with the remedy", () => {
    using endpoint = under.endpoint({ auth: { supported: false } });

    assert.throws(() => endpoint.options.addAuthChunk(DATA), (error: unknown) => {
      assert(error instanceof UnsupportedError);
      assert.match(error.message, /supported: true|auth_enable/);
      return true;
    });
  });
});

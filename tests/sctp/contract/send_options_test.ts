import { ArgumentError, ClosedError, NoPeerError, UnsupportedError } from "@sockeye/sockeye/sctp";
import assert from "node:assert/strict";
import { bytes, firstEvent, forEachStack, nextMessage, nextNotification, pattern, text, until } from "./stacks.ts";

forEachStack((under) => {
  const { test } = under;

  test("a message sent with eof is the last, and the association ends in order after it", async () => {
    await using both = await under.pair({ client: { events: ["association"] } });
    const { client, server } = both;

    await client.send("last", { eof: true });

    assert.equal(text(await server.receive()), "last");
    await assert.rejects(server.receive(), ClosedError);
    const ended = await firstEvent(client, "association", ({ state }) => state !== "comm-up");
    assert.equal(ended.state, "shutdown-complete");
    await assert.rejects(client.send("more"), ClosedError);
  });

  test("eof with no data only shuts down", async () => {
    await using both = await under.endpoints({ server: { events: ["shutdown", "association"] } });
    const { client, server, clientId, serverId } = both;
    assert.equal((await nextNotification(server, "association")).state, "comm-up");

    await client.send("", { associationId: clientId, eof: true });

    assert.equal((await nextNotification(server, "shutdown")).associationId, serverId);
    assert.equal((await nextNotification(server, "association")).state, "shutdown-complete");
    assert.deepEqual(client.associations(), []);
  });

  test("a send with abort carries the data as the reason that the peer sees", async () => {
    await using both = await under.endpoints({ server: { events: ["association"] } });
    const { client, server, clientId } = both;
    await nextNotification(server, "association");

    await client.send("that was all", { associationId: clientId, abort: true });

    const lost = await nextNotification(server, "association");
    assert.equal(lost.state, "comm-lost");
    assert.equal(lost.errorName, "user-initiated-abort");
    assert.equal(text(lost.causes[0].data), "that was all");
  });

  test("eof and abort exclude each other", async () => {
    await using both = await under.endpoints();
    const { client, clientId } = both;

    const options = { associationId: clientId, eof: true, abort: true };
    await assert.rejects(client.send("x", options), ArgumentError);
    assert.throws(() => client.trySend("x", options), ArgumentError);

    assert.deepEqual(client.associations(), [clientId]);
  });

  test("a message to all reaches every association once", async () => {
    using hub = under.endpoint();
    using one = under.endpoint();
    using two = under.endpoint();
    using three = under.endpoint();
    const others = [one, two, three];
    for (const other of others) await hub.connect(other.localAddresses());

    await hub.send("to all", { sendAll: true, streamId: 2, ppid: 5 });
    hub.sendSync("again", { sendAll: true });

    for (const other of others) {
      const first = await nextMessage(other);
      assert.deepEqual([text(first), first.streamId, first.ppid], ["to all", 2, 5]);
      assert.equal(text(await nextMessage(other)), "again");
      assert.equal(other.tryReceive(), undefined);
    }
    assert.throws(() => hub.trySend("x", { sendAll: true }), ArgumentError);
  });

  test("a message to all of nobody goes nowhere", async () => {
    using lonely = under.endpoint();

    await lonely.send("hello?", { sendAll: true });

    assert.equal(lonely.stats().messagesSent, 0);
  });

  test("a send needs exactly one destination", async () => {
    using endpoint = under.endpoint();

    await assert.rejects(endpoint.send("x", {}), ArgumentError);
    await assert.rejects(endpoint.send("x", { associationId: 5, sendAll: true }), ArgumentError);
    await assert.rejects(endpoint.send("x", { associationId: 5, to: "sctp://127.0.0.1:9" }), ArgumentError);
  });

  test("a send to an association that there is not is a NoPeerError", async () => {
    using endpoint = under.endpoint();

    await assert.rejects(endpoint.send("x", { associationId: 999_999 }), NoPeerError);
    assert.throws(() => endpoint.trySend("x", { associationId: 999_999 }), NoPeerError);
    assert.throws(() => endpoint.sendSync("x", { associationId: 999_999 }), NoPeerError);
  });

  test("a send to a peer without an association sets one up", async () => {
    using server = under.endpoint({ events: ["association"] });
    using client = under.endpoint();

    await client.send("first", { to: server.localAddresses(), streamId: 1 });
    await client.send("second", { to: server.localAddresses(), streamId: 1 });
    await client.send("third", { to: `${server.localAddresses()}`, streamId: 1 });

    assert.equal((await nextNotification(server, "association")).state, "comm-up");
    for (const expected of ["first", "second", "third"]) assert.equal(text(await nextMessage(server)), expected);
    assert.equal(client.associations().length, 1);
  });

  test("a reply goes to where the message came from", async () => {
    await using both = await under.endpoints();
    const { client, server, clientId } = both;
    await client.send("question", { associationId: clientId });
    const { from } = await nextMessage(server);

    await server.send("answer", { to: from });

    assert.equal(text(await nextMessage(client)), "answer");
  });

  test("initmsg of a send is that of the association it sets up", async () => {
    using server = under.endpoint({ events: ["association"] });
    using client = under.endpoint();

    await client.send("x", { to: server.localAddresses(), streamId: 20, initmsg: { numOstreams: 21 } });

    assert.equal((await nextNotification(server, "association")).inboundStreams, 21);
    assert.equal((await nextMessage(server)).streamId, 20);
  });

  test("what defaultSendInfo says goes out with messages that say nothing else", async () => {
    await using both = await under.pair({ client: { defaultSendInfo: { streamId: 3, ppid: 77, unordered: true } } });
    const { client, server } = both;

    await client.send("default");
    await client.send("own", { streamId: 1, unordered: false });
    client.options.defaultSendInfo = { ppid: 78 };
    await client.send("later");

    const received = [await server.receive(), await server.receive(), await server.receive()];
    assert.deepEqual(
      received.map((message) => [text(message), message.streamId, message.ppid, message.unordered]),
      [["default", 3, 77, true], ["own", 1, 77, false], ["later", 0, 78, false]],
    );
  });

  test("an endpoint's defaults are for the associations to come, an association's for itself", async () => {
    await using both = await under.endpoints({ client: { defaultSendInfo: { ppid: 1 } } });
    const { client, server, clientId } = both;
    using other = under.endpoint();

    client.options.defaultSendInfo = { ppid: 2 };
    const laterId = await client.connect(other.localAddresses());
    await client.send("before the change", { associationId: clientId });
    await client.send("after the change", { associationId: laterId });
    client.optionsOf(clientId).defaultSendInfo = { ppid: 3 };
    await client.send("its own", { associationId: clientId });

    assert.equal((await nextMessage(server)).ppid, 1);
    assert.equal((await nextMessage(other)).ppid, 2);
    assert.equal((await nextMessage(server)).ppid, 3);
  });

  test("an address override must be one of the peer's", async () => {
    await using both = await under.endpoints();
    const { client, server, clientId } = both;
    const { port } = server.localAddresses();

    await client.send("there", { associationId: clientId, addressOverride: "sctp://127.0.0.1:" + port });
    await client.send("again", {
      associationId: clientId,
      addressOverride: { family: "inet", address: "127.0.0.1", port },
    });

    assert.equal(text(await nextMessage(server)), "there");
    assert.equal(text(await nextMessage(server)), "again");
    await assert.rejects(
      client.send("x", { associationId: clientId, addressOverride: "sctp://127.0.0.1,127.0.0.2:1" }),
      {
        name: "AddressError",
      },
    );
  });

  test("an address override on a one-to-one association may be the IP alone", async () => {
    await using both = await under.pair();
    const { client, server } = both;

    await client.send("there", { addressOverride: "127.0.0.1" });

    assert.equal(text(await server.receive()), "there");
  });

  test("a context comes back with the message that could not be delivered", async () => {
    await using both = await under.pair({
      client: { events: ["send-failed", "association"], sendBufferSize: 16_384, maxMessageSize: 4096 },
      server: { receiveBufferSize: 16_384 },
    });
    const { client, server } = both;
    let sent = 0;
    while (client.trySend(pattern(1000, sent + 1), { streamId: 2, ppid: 46, context: 1000 + sent })) sent++;

    server.abort();

    const failed = await firstEvent(client, "send-failed", ({ context }) => context === 1000 + sent - 1);
    assert.equal(failed.streamId, 2);
    assert.equal(failed.ppid, 46);
    assert.deepEqual(failed.data, pattern(1000, sent));
    assert.equal(failed.fragment, "whole");
  });

  test("a message whose lifetime is over is given up, and the sender is told", async () => {
    await using both = await under.pair({
      client: { events: ["send-failed"], sendBufferSize: 65_536, maxMessageSize: 4096 },
      server: { receiveBufferSize: 16_384 },
    });
    const { client, server } = both;
    // The peer's window is full, so what follows waits in the sender.
    while (client.status().rwnd > 2000) await client.send(pattern(1400));
    await client.send(pattern(1400));

    await client.send("too late", { partialReliability: { policy: "ttl", value: 1 }, context: 7 });
    const sentAt = performance.now();
    await until(() => performance.now() > sentAt + 20);
    const receiving = (async () => {
      for await (const _ of server);
    })();

    const failed = await firstEvent(client, "send-failed");
    assert.equal(failed.context, 7);
    assert.equal(text(failed), "too late");
    assert.equal(client.options.partialReliabilityStatus({ policy: "ttl" }).abandonedUnsent, 1);
    assert.equal(client.options.partialReliabilityStatus({ streamId: 0 }).abandonedUnsent, 1);
    server.close();
    await receiving;
  });

  test("when the send buffer is full, messages of low priority make room for those of high priority", async () => {
    await using both = await under.pair({
      client: { sendBufferSize: 32_768, maxMessageSize: 4096 },
      server: { receiveBufferSize: 16_384 },
    });
    const { client } = both;
    const low = { partialReliability: { policy: "priority", value: 100 } } as const;
    while (client.trySend(pattern(1000), low));

    const isSent = client.trySend(pattern(2000), { partialReliability: { policy: "priority", value: 0 } });

    assert.equal(isSent, true);
    const { abandonedSent, abandonedUnsent } = client.options.partialReliabilityStatus({ policy: "priority" });
    assert(abandonedSent + abandonedUnsent > 0);
  });

  test("a default PR-SCTP policy applies to messages that name none, and null overrides it", async () => {
    await using both = await under.pair({
      client: { defaultPartialReliability: { policy: "retransmissions", value: 3 } },
    });
    const { client, server } = both;
    assert.deepEqual(client.options.defaultPartialReliability, { policy: "retransmissions", value: 3 });

    await client.send("by default");
    await client.send("reliable", { partialReliability: null });
    client.options.defaultPartialReliability = null;

    assert.equal(client.options.defaultPartialReliability, null);
    assert.equal(text(await server.receive()), "by default");
    assert.equal(text(await server.receive()), "reliable");
  });

  test("a one-to-one association is aborted by a send with abort, without a reason", async () => {
    await using both = await under.pair();
    const { client, server } = both;

    if (under.stack === "kernel") await assert.rejects(client.send("why", { abort: true }), UnsupportedError);
    assert.equal(client.isClosed, false);
    await client.send("", { abort: true });

    assert.equal(client.isClosed, true);
    await assert.rejects(server.receive(), { code: "ECONNRESET" });
  });

  test("bytes and text are the same on the wire", async () => {
    await using both = await under.pair();
    const { client, server } = both;

    await client.send("grüße");
    await client.send(bytes("grüße"));

    assert.deepEqual((await server.receive()).data, (await server.receive()).data);
  });
});

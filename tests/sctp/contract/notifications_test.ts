import { SCTP_EVENT_NAMES, SctpEndpoint } from "@sockeye/sockeye/sctp";
import assert from "node:assert/strict";
import { cause, CHUNK, chunk, HandmadePeer } from "./handmade_peer.ts";
import { bytes, firstEvent, forEachStack, nextMessage, nextNotification, pattern, text, until } from "./stacks.ts";
import { maySet, sysctl } from "./sysctl.ts";

const ENCAPSULATION = "net.sctp.udp_port";
const ENCAPSULATION_PORT = 9899;
const needsEncapsulation = {
  skip: !maySet(ENCAPSULATION) && `needs to set ${ENCAPSULATION}, for a peer in UDP`,
};

forEachStack((under) => {
  const { test, stack } = under;

  test("association: comm-up tells the streams and what both ends support", async () => {
    using server = under.endpoint({
      events: ["association"],
      initmsg: { numOstreams: 7, maxInstreams: 20 },
      reconfigSupported: true,
    });
    using client = under.endpoint({ initmsg: { numOstreams: 5 }, reconfigSupported: true });

    await client.connect(server.localAddresses());

    const up = await nextNotification(server, "association");
    assert.equal(up.state, "comm-up");
    assert.equal(up.error, 0);
    assert.equal(up.errorName, "none");
    assert.equal(up.outboundStreams, 7);
    assert.equal(up.inboundStreams, 5);
    assert.deepEqual(up.causes, []);
    assert(up.features.includes("partial-reliability"));
    assert(up.features.includes("reconfig"));
  });

  test("association: a peer that refuses is told as cant-start-assoc", async () => {
    using client = under.endpoint({ events: ["association"] });

    await assert.rejects(client.connect("sctp://127.0.0.1:9"));

    assert.equal((await nextNotification(client, "association")).state, "cant-start-assoc");
  });

  test("association: one-to-one associations tell of their beginning and end", async () => {
    await using both = await under.pair({ client: { events: ["association"] } });
    const { client, server } = both;
    server.close();

    const states: string[] = [];
    for await (const event of client.events()) {
      assert(event.type === "association");
      states.push(event.state);
    }

    assert.deepEqual(states, ["comm-up", "shutdown-complete"]);
  });

  test("address: a path of the peer is confirmed, and a change of the primary is told", async () => {
    using server = under.endpoint({}, "sctp://127.0.0.1,127.0.0.2:0");
    using client = SctpEndpoint.bind("sctp://127.0.0.1,127.0.0.2:0", {
      stack,
      events: ["address"],
      rtoinfo: { initial: 100, min: 100 },
    });
    const { port } = server.localAddresses();
    const associationId = await client.connect(`sctp://127.0.0.1:${port}`);

    // The peer has told its second address, and a heartbeat finds it to be there.
    const confirmed = await nextNotification(client, "address");
    assert.deepEqual([confirmed.state, confirmed.associationId], ["confirmed", associationId]);
    assert.deepEqual(confirmed.address, { family: "inet", address: "127.0.0.2", port });
    client.optionsOf(associationId).primaryAddress = "127.0.0.2";

    const primary = await nextNotification(client, "address");
    assert.equal(primary.state, "made-primary");
    assert.equal(primary.address?.address, "127.0.0.2");
  });

  test("shutdown: the peer asks to send no more", async () => {
    await using both = await under.pair({ server: { events: ["shutdown"] } });
    const { client, server } = both;

    const ended = client.shutdown();

    const event = await firstEvent(server, "shutdown");
    assert.equal(typeof event.associationId, "number");
    await ended;
  });

  test("sender-dry: everything sent has been acknowledged", async () => {
    await using both = await under.pair({ client: { events: ["sender-dry"] } });
    const { client, server } = both;
    await client.send("x");

    await firstEvent(client, "sender-dry");

    assert.equal(client.status().unackedData, 0);
    assert.equal(text(await server.receive()), "x");
  });

  test("adaptation: the peer tells its indication", async () => {
    await using both = await under.pair({
      client: { events: ["adaptation"] },
      server: { adaptationIndication: 0xcafe },
    });

    assert.equal((await firstEvent(both.client, "adaptation")).indication, 0xcafe);
  });

  test("partial-delivery: the rest of a message that is delivered in parts will not come", async () => {
    await using both = await under.pair({
      server: { receiveBufferSize: 16_384, partialDeliveryPoint: 4096, events: ["partial-delivery"] },
    });
    const { client, server } = both;
    await client.send(pattern(150_000), { streamId: 3 });
    const receiving = assert.rejects(server.receive(), { code: "ECONNRESET" });
    await until(() => server.statistics().orderedChunksReceived > 0);
    const event = firstEvent(server, "partial-delivery");

    client.abort();

    assert.equal((await event).indication, "aborted");
    await receiving;
    assert.equal(server.stats().incompleteMessages, 1);
  });

  test("send-failed: an endpoint gets back what it could not deliver", async () => {
    using client = under.endpoint({ events: ["send-failed"] });

    await client.send("for nobody", { to: "sctp://127.0.0.1:9", streamId: 1, ppid: 3, context: 99 });

    const failed = await nextNotification(client, "send-failed");
    assert.equal(text(failed.data), "for nobody");
    assert.equal(failed.sent, false);
    assert.deepEqual([failed.streamId, failed.ppid, failed.context, failed.fragment], [1, 3, 99, "whole"]);
  });

  test("remote-error: the peer reports an operational error", async () => {
    using _udp = sysctl(ENCAPSULATION, ENCAPSULATION_PORT);
    using server = under.endpoint({ events: ["association", "remote-error"] });
    await using peer = await HandmadePeer.associate(server.localAddresses().port, ENCAPSULATION_PORT);
    const { associationId } = await nextNotification(server, "association");

    peer.send(chunk(CHUNK.error, 0, cause(6, bytes("what is this?"))));

    const event = await nextNotification(server, "remote-error");
    assert.equal(event.associationId, associationId);
    assert.equal(event.cause.code, 6);
    assert.equal(event.cause.name, "unrecognized-chunk-type");
    assert.match(text(event.cause.data), /^what is this\?\0*$/);
  }, needsEncapsulation);

  test("association: a peer that restarts is told as restart, and the association goes on", async () => {
    using _udp = sysctl(ENCAPSULATION, ENCAPSULATION_PORT);
    using server = under.endpoint({ events: ["association"] });
    await using peer = await HandmadePeer.associate(server.localAddresses().port, ENCAPSULATION_PORT);
    const { associationId } = await nextNotification(server, "association");
    peer.sendData(bytes("half of a mess"), 2);

    await peer.setUp();
    peer.sendData(bytes("after the restart"), 3);

    const restarted = await nextNotification(server, "association");
    assert.deepEqual([restarted.state, restarted.associationId], ["restart", associationId]);
    assert.equal(text(await nextMessage(server)), "after the restart");
  }, needsEncapsulation);

  test("association: all causes of the peer's ABORT are told", async () => {
    using _udp = sysctl(ENCAPSULATION, ENCAPSULATION_PORT);
    using listener = under.listener({ events: ["association"] });
    await using peer = await HandmadePeer.associate(listener.localAddresses().port, ENCAPSULATION_PORT);
    using association = await listener.accept();

    peer.send(chunk(CHUNK.abort, 0, new Uint8Array([...cause(13, bytes("rude")), ...cause(12, bytes("bye!"))])));

    const lost = await firstEvent(association, "association", ({ state }) => state !== "comm-up");
    assert.deepEqual(lost.causes.map(({ name, data }) => [name, text(data)]), [
      ["protocol-violation", "rude"],
      ["user-initiated-abort", "bye!"],
    ]);
    await assert.rejects(association.receive(), { code: "ECONNRESET", message: /protocol-violation "rude".*"bye!"/ });
  }, needsEncapsulation);

  test("pieces that the peer sends one by one are one message", async () => {
    using _udp = sysctl(ENCAPSULATION, ENCAPSULATION_PORT);
    using server = under.endpoint({ partialDeliveryPoint: 1 });
    await using peer = await HandmadePeer.associate(server.localAddresses().port, ENCAPSULATION_PORT);

    peer.sendData(bytes("one "), 2, 4);
    peer.sendData(bytes("message, "), 0, 4);
    peer.sendData(bytes("in pieces"), 1, 4);

    const message = await nextMessage(server);
    assert.deepEqual([text(message), message.streamId], ["one message, in pieces", 4]);
  }, needsEncapsulation);

  test("every kind of notification can be subscribed to, at opening and later", async () => {
    await using both = await under.pair({ client: { events: SCTP_EVENT_NAMES } });
    using endpoint = under.endpoint({ events: SCTP_EVENT_NAMES });

    for (const name of SCTP_EVENT_NAMES) {
      both.client.unsubscribe(name);
      both.client.subscribe(name);
      endpoint.unsubscribe(name);
      endpoint.subscribe(name);
    }

    await endpoint.send("x", { to: "sctp://127.0.0.1:9" });
    const kinds = new Set<string>();
    for await (const event of endpoint) {
      kinds.add(event.type);
      if (kinds.has("association") && kinds.has("send-failed")) break;
    }
  });

  test("notifications of an association are dropped, the oldest first, when nobody takes them", async () => {
    await using both = await under.pair({ client: { events: ["sender-dry"] } });
    const { client, server } = both;
    await client.send("x");
    await server.receive();
    await until(() => client.status().unackedData === 0);

    // Each subscription is answered at once where nothing is left to be acknowledged (RFC 6458 section 6.1.9).
    for (let index = 0; index < 1030; index++) client.subscribe("sender-dry");
    assert.equal(client.tryReceive(), undefined);

    const { droppedNotifications, queuedNotifications } = client.stats();
    assert.equal(queuedNotifications, 1024);
    assert(droppedNotifications >= 5);
  });
});

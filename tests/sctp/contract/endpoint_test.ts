import { ArgumentError, NoPeerError, SctpEndpoint, type SctpEvent } from "@sockeye/sockeye/sctp";
import assert from "node:assert/strict";
import { firstEvent, forEachStack, nextMessage, nextNotification, pattern, text, until } from "./stacks.ts";

forEachStack((under) => {
  const { test } = under;

  test("messages and notifications come in one stream, in the order in which they happened", async () => {
    using server = under.endpoint({ events: ["association", "shutdown"] });
    using client = under.endpoint();
    const associationId = await client.connect(server.localAddresses());
    await client.send("one", { associationId });
    await client.send("two", { associationId });
    await client.shutdown(associationId);

    const events: string[] = [];
    for await (const event of server) {
      events.push(event.type === "association" ? event.state : event.type === "message" ? text(event) : event.type);
      if (events.length === 5) break;
    }

    assert.deepEqual(events, ["comm-up", "one", "two", "shutdown", "shutdown-complete"]);
  });

  test("what was not subscribed to does not come", async () => {
    await using both = await under.endpoints();
    const { client, server, clientId } = both;

    await client.send("x", { associationId: clientId });
    await client.shutdown(clientId);

    assert.equal((await server.receive()).type, "message");
    await until(() => server.associations().length === 0);
    assert.equal(server.tryReceive(), undefined);
    assert(server.stats().notificationsReceived > 0);
  });

  test("subscriptions can be made and ended later", async () => {
    using server = under.endpoint();
    using one = under.endpoint();
    using two = under.endpoint();
    using three = under.endpoint();

    await one.connect(server.localAddresses());
    await until(() => server.associations().length === 1);
    assert.equal(server.tryReceive(), undefined);
    server.subscribe("association");
    await two.connect(server.localAddresses());
    assert.equal((await nextNotification(server, "association")).state, "comm-up");
    server.unsubscribe("association");
    await three.connect(server.localAddresses());
    await until(() => server.associations().length === 3);

    assert.equal(server.tryReceive(), undefined);
    assert.throws(() => server.subscribe("weather" as "shutdown"), ArgumentError);
    assert.throws(() => under.endpoint({ events: ["weather" as "shutdown"] }), ArgumentError);
  });

  test("associations are listed, and told apart by their identifiers", async () => {
    using server = under.endpoint();
    const clients = [under.endpoint(), under.endpoint(), under.endpoint()];
    const ids: number[] = [];
    for (const client of clients) ids.push(await client.connect(server.localAddresses()));
    clients.forEach((client, index) => assert.deepEqual(client.associations(), [ids[index]]));
    for (const [index, client] of clients.entries()) await client.send(`${index}`, { associationId: ids[index] });

    const seen = new Map<number, string>();
    for (let count = 0; count < 3; count++) {
      const message = await nextMessage(server);
      seen.set(message.associationId, text(message));
    }

    assert.deepEqual([...seen.keys()].sort(), server.associations().sort());
    for (const [associationId, index] of seen) {
      const { port } = server.peerAddresses(associationId);
      assert.equal(port, clients[Number(index)].localAddresses().port);
    }
    for (const client of clients) client.close();
  });

  test("an endpoint may associate with several peers, and with each only once", async () => {
    using hub = under.endpoint();
    using one = under.endpoint();
    using two = under.endpoint();

    const ids = await Promise.all([hub.connect(one.localAddresses()), hub.connect(two.localAddresses())]);
    await hub.send("for one", { associationId: ids[0] });
    await hub.send("for two", { associationId: ids[1] });

    assert.equal(text(await nextMessage(one)), "for one");
    assert.equal(text(await nextMessage(two)), "for two");
    await assert.rejects(hub.connect(one.localAddresses()), { code: "EISCONN" });
  });

  test("what arrives while a connection is set up waits for receive", async () => {
    using server = under.endpoint();
    await using both = await under.endpoints();
    const { client, clientId, serverId } = both;
    await both.server.send("meanwhile", { associationId: serverId });
    await both.server.send("and again", { associationId: serverId });

    const laterId = await client.connect(server.localAddresses());

    assert.notEqual(laterId, clientId);
    assert.equal(text(await nextMessage(client)), "meanwhile");
    assert.equal(text(await nextMessage(client)), "and again");
  });

  test("an association ends alone, the others live on", async () => {
    using server = under.endpoint({ events: ["association"] });
    using one = under.endpoint();
    using two = under.endpoint();
    const oneId = await one.connect(server.localAddresses());
    const { associationId: serverOne } = await nextNotification(server, "association");
    const twoId = await two.connect(server.localAddresses());
    const { associationId: serverTwo } = await nextNotification(server, "association");

    await server.shutdown(serverOne);

    assert.deepEqual(server.associations(), [serverTwo]);
    await until(() => one.associations().length === 0);
    await assert.rejects(one.send("x", { associationId: oneId }), NoPeerError);
    await two.send("still here", { associationId: twoId });
    assert.equal((await nextNotification(server, "association")).state, "shutdown-complete");
    assert.equal(text(await nextMessage(server)), "still here");
  });

  test("an abort tells the peer the reason", async () => {
    await using both = await under.endpoints({ client: { events: ["association"] } });
    const { client, server, clientId, serverId } = both;
    assert.equal((await nextNotification(client, "association")).state, "comm-up");

    server.abort(serverId, "you talk too much");

    const lost = await nextNotification(client, "association");
    assert.equal(lost.associationId, clientId);
    assert.equal(lost.state, "comm-lost");
    assert.equal(lost.errorName, "user-initiated-abort");
    assert.equal(lost.causes.length, 1);
    assert.equal(lost.causes[0].code, 12);
    assert.equal(text(lost.causes[0].data), "you talk too much");
    assert.deepEqual(server.associations(), []);
  });

  test("an abort does not wait for room in the send buffer", async () => {
    await using both = await under.endpoints({
      client: { sendBufferSize: 16_384, maxMessageSize: 4096 },
      server: { receiveBufferSize: 16_384, events: ["association"] },
    });
    const { client, server, clientId } = both;
    while (client.trySend(pattern(1000), { associationId: clientId }));
    const waiting = client.send(pattern(1000), { associationId: clientId });
    const refused = assert.rejects(waiting, NoPeerError);

    client.abort(clientId, "enough");

    await refused;
    for await (const event of server) {
      if (event.type === "association" && event.state === "comm-lost") {
        assert.equal(text(event.causes[0].data), "enough");
        break;
      }
    }
  });

  test("all associations are shut down, or aborted, at once", async () => {
    using server = under.endpoint();
    const clients = [under.endpoint({ events: ["association"] }), under.endpoint({ events: ["association"] })];
    for (const client of clients) await client.connect(server.localAddresses());
    await until(() => server.associations().length === 2);

    server.abort("all", "going home");
    for (const client of clients) {
      assert.equal((await nextNotification(client, "association")).state, "comm-up");
      assert.equal((await nextNotification(client, "association")).causes[0].name, "user-initiated-abort");
    }
    for (const client of clients) await client.connect(server.localAddresses());
    await until(() => server.associations().length === 2);
    await server.shutdown("all");

    assert.deepEqual(server.associations(), []);
    for (const client of clients) {
      assert.equal((await nextNotification(client, "association")).state, "comm-up");
      assert.equal((await nextNotification(client, "association")).state, "shutdown-complete");
      client.close();
    }
    await server.shutdown("all");
    server.abort("all");
  });

  test("ending an association that there is not is a NoPeerError", async () => {
    using endpoint = under.endpoint();

    await assert.rejects(endpoint.shutdown(999_999), NoPeerError);
    assert.throws(() => endpoint.abort(999_999), NoPeerError);
    assert.throws(() => endpoint.peelOff(999_999), NoPeerError);
    assert.throws(() => endpoint.status(999_999), { code: "EINVAL" });
  });

  test("an association that is peeled off takes along what has arrived for it", async () => {
    await using both = await under.endpoints({ server: { events: ["association"] } });
    const { client, server, clientId, serverId } = both;
    using other = under.endpoint();
    const otherId = await other.connect(server.localAddresses());
    for (const word of ["one", "two", "three"]) {
      await client.send(word, { associationId: clientId });
      await other.send(`other ${word}`, { associationId: otherId });
    }
    const first: SctpEvent = await server.receive();
    assert.equal(first.type === "association" && first.associationId, serverId);
    await until(() => server.statistics(serverId).orderedChunksReceived === 3);

    const peeled = server.peelOff(serverId);
    await client.send("four", { associationId: clientId });

    for (const word of ["one", "two", "three", "four"]) assert.equal(text(await peeled.receive()), word);
    await peeled.send("answer", { streamId: 2 });
    assert.equal(text(await nextMessage(client)), "answer");
    for (const word of ["one", "two", "three"]) assert.equal(text(await nextMessage(server)), `other ${word}`);
    assert.equal(server.associations().length, 1);
    await assert.rejects(server.send("x", { associationId: serverId }), NoPeerError);
    peeled.close();
  });

  test("a message of which half has arrived is whole on the association that is peeled off", async () => {
    await using both = await under.endpoints({ server: { receiveBufferSize: 32_768, partialDeliveryPoint: 4096 } });
    const { client, server, clientId, serverId } = both;
    const sent = client.send(pattern(150_000), { associationId: clientId });
    // Reads what there is of the message, which is not all of it.
    await until(() => server.tryReceive() === undefined && server.statistics(serverId).orderedChunksReceived > 0);

    const peeled = server.peelOff(serverId);

    assert.deepEqual((await peeled.receive()).data, pattern(150_000));
    await sent;
    peeled.close();
  });

  test("a peeled-off association delivers the notifications that the endpoint had subscribed to", async () => {
    await using both = await under.endpoints({ server: { events: ["shutdown"] } });
    const { client, server, clientId, serverId } = both;
    using peeled = server.peelOff(serverId);

    const ended = client.shutdown(clientId);

    assert.equal((await firstEvent(peeled, "shutdown")).type, "shutdown");
    await assert.rejects(peeled.receive(), { name: "ClosedError" });
    await ended;
  });

  test("a peeled-off association is aborted with a reason", async () => {
    await using both = await under.endpoints({ client: { events: ["association"] } });
    const { client, server, serverId } = both;
    await nextNotification(client, "association");

    server.peelOff(serverId).abort("no more");

    const lost = await nextNotification(client, "association");
    assert.equal(text(lost.causes[0].data), "no more");
  });

  test("a peeled-off association shuts down gracefully", async () => {
    await using both = await under.endpoints({ client: { events: ["association"] } });
    const { client, server, serverId } = both;
    await nextNotification(client, "association");
    await using peeled = server.peelOff(serverId);
    await peeled.send("last");

    await peeled.shutdown();

    assert.equal(text(await nextMessage(client)), "last");
    assert.equal((await nextNotification(client, "association")).state, "shutdown-complete");
  });

  test("a view on a peeled-off association gets what had arrived for its stream", async () => {
    await using both = await under.endpoints();
    const { client, server, clientId, serverId } = both;
    await client.send("0", { associationId: clientId, streamId: 0 });
    await client.send("5", { associationId: clientId, streamId: 5 });
    await until(() => server.statistics(serverId).orderedChunksReceived === 2);

    using peeled = server.peelOff(serverId);

    assert.equal(text(await peeled.stream(5).receive()), "5");
    assert.equal(text(await peeled.receive()), "0");
  });

  test("an endpoint that does not listen refuses peers", async () => {
    using server = under.endpoint();
    using silent = SctpEndpoint.bind("sctp://127.0.0.1:0", { stack: under.stack });

    await assert.rejects(server.connect(silent.localAddresses()), { code: "ECONNREFUSED" });
    await silent.connect(server.localAddresses());
  });

  test("counters count", async () => {
    await using both = await under.endpoints();
    const { client, server, clientId } = both;

    for (const size of [1, 10, 100]) await client.send(pattern(size), { associationId: clientId });
    for (let count = 0; count < 3; count++) await nextMessage(server);

    assert.equal(client.stats().messagesSent, 3);
    assert.equal(client.stats().bytesSent, 111);
    assert.equal(server.stats().messagesReceived, 3);
    assert.equal(server.stats().bytesReceived, 111);
    assert.equal(server.stats().queuedEvents, 0);
    assert.equal(server.stats().queuedBytes, 0);
    await client.shutdown(clientId);
    assert.equal(client.stats().messagesSent, 3);
  });
});

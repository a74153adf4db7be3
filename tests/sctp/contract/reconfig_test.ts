import { ArgumentError, UnsupportedError } from "@sockeye/sockeye/sctp";
import assert from "node:assert/strict";
import { firstEvent, forEachStack, nextMessage, nextNotification, text } from "./stacks.ts";

const events = ["stream-reset", "association-reset", "stream-change"] as const;

/** Both ends may do everything of RFC 6525. */
const reconfigurable = {
  reconfigSupported: true,
  streamReset: { streams: true, association: true, addStreams: true },
  events,
};

forEachStack((under) => {
  const { test } = under;

  test("a reset of outgoing streams starts their sequence numbers anew, and both ends are told", async () => {
    await using both = await under.pair({ client: reconfigurable, server: reconfigurable });
    const { client, server } = both;
    for (const streamId of [1, 1, 2]) {
      await client.send("before", { streamId });
      await server.receive();
    }

    client.options.resetStreams({ outgoing: true, streamIds: [1] });

    const [here, there] = await Promise.all([firstEvent(client, "stream-reset"), firstEvent(server, "stream-reset")]);
    assert.deepEqual([here.outgoing, here.incoming, here.denied, here.failed], [true, false, false, false]);
    assert.deepEqual(here.streamIds, [1]);
    assert.deepEqual([there.outgoing, there.incoming, there.streamIds], [false, true, [1]]);
    await client.send("after", { streamId: 1 });
    await client.send("after", { streamId: 2 });
    assert.deepEqual([(await server.receive()).ssn, (await server.receive()).ssn], [0, 1]);
  });

  test("a reset of incoming streams asks the peer to reset", async () => {
    await using both = await under.pair({ client: reconfigurable, server: reconfigurable });
    const { client, server } = both;
    await server.send("before", { streamId: 3 });
    assert.equal((await client.receive()).ssn, 0);

    client.options.resetStreams({ incoming: true, streamIds: [3] });

    const event = await firstEvent(client, "stream-reset");
    assert.equal(event.incoming, true);
    await server.send("after", { streamId: 3 });
    assert.equal((await client.receive()).ssn, 0);
  });

  test("streams are added, and can be used", async () => {
    const few = { ...reconfigurable, initmsg: { numOstreams: 2 } };
    await using both = await under.pair({ client: few, server: few });
    const { client, server } = both;
    await assert.rejects(client.send("x", { streamId: 5 }), ArgumentError);

    client.options.addStreams({ outbound: 4 });

    const here = await firstEvent(client, "stream-change");
    assert.deepEqual([here.outboundStreams, here.denied, here.failed], [4, false, false]);
    assert.equal((await firstEvent(server, "stream-change")).inboundStreams, 4);
    assert.equal(client.status().outboundStreams, 6);
    await client.send("on a new one", { streamId: 5 });
    assert.equal((await server.receive()).streamId, 5);
  });

  test("the peer is asked for more streams", async () => {
    const few = { ...reconfigurable, initmsg: { numOstreams: 2 } };
    await using both = await under.pair({ client: few, server: few });
    const { client, server } = both;

    client.options.addStreams({ inbound: 3 });

    assert.equal((await firstEvent(client, "stream-change")).inboundStreams, 3);
    assert.equal(server.status().outboundStreams, 5);
    await server.send("on a new one", { streamId: 4 });
    assert.equal((await client.receive()).streamId, 4);
  });

  test("a reset of the association starts everything anew", async () => {
    await using both = await under.pair({ client: reconfigurable, server: reconfigurable });
    const { client, server } = both;
    await client.send("before", { streamId: 1 });
    const before = await server.receive();

    client.options.resetAssociation();

    const event = await firstEvent(client, "association-reset");
    assert.deepEqual([event.denied, event.failed], [false, false]);
    await firstEvent(server, "association-reset");
    await client.send("after", { streamId: 1 });
    const after = await server.receive();
    assert.equal(text(after), "after");
    assert.equal(after.ssn, 0);
    assert.equal(after.tsn, event.localTsn);
    assert.notEqual(after.tsn, before.tsn);
  });

  test("an endpoint reconfigures one of its associations", async () => {
    await using both = await under.endpoints({ client: reconfigurable, server: reconfigurable });
    const { client, server, clientId, serverId } = both;

    client.optionsOf(clientId).resetStreams({ outgoing: true });

    const here = await nextNotification(client, "stream-reset");
    assert.deepEqual([here.associationId, here.streamIds, here.outgoing], [clientId, [], true]);
    assert.equal((await nextNotification(server, "stream-reset")).associationId, serverId);
    await client.send("x", { associationId: clientId });
    assert.equal(text(await nextMessage(server)), "x");
  });

  test("where reconfiguration is not enabled it is an UnsupportedError with the remedy", async () => {
    await using both = await under.pair();

    for (
      const call of [
        () => both.client.options.resetStreams({ outgoing: true }),
        () => both.client.options.addStreams({ outbound: 1 }),
        () => both.client.options.resetAssociation(),
      ]
    ) {
      assert.throws(call, (error: unknown) => {
        assert(error instanceof UnsupportedError);
        assert.match(error.message, /streamReset/);
        return true;
      });
    }
  });

  test("a reconfiguration that says nothing is refused", async () => {
    await using both = await under.pair({ client: reconfigurable, server: reconfigurable });
    const { options } = both.client;

    assert.throws(() => options.resetStreams({}), ArgumentError);
    assert.throws(() => options.resetStreams({ outgoing: true, streamIds: [65536] }), ArgumentError);
    assert.throws(() => options.addStreams({}), ArgumentError);
    assert.throws(() => options.addStreams({ outbound: 65536 }), ArgumentError);
  });
});

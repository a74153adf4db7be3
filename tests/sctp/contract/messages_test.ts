import { ArgumentError, MessageTooLargeError, type SctpMessage } from "@sockeye/sockeye/sctp";
import assert from "node:assert/strict";
import { bytes, forEachStack, nextMessage, pattern, text, until } from "./stacks.ts";

forEachStack((under) => {
  const { test } = under;

  test("a message arrives with its stream, PPID and sender", async () => {
    await using both = await under.pair();
    const { client, server } = both;

    await client.send("hello", { streamId: 7, ppid: 0xfedcba98 });

    const message = await server.receive();
    assert.equal(text(message), "hello");
    assert.equal(message.type, "message");
    assert.equal(message.streamId, 7);
    assert.equal(message.ppid, 0xfedcba98);
    assert.equal(message.unordered, false);
    assert.equal(message.ssn, 0);
    assert.equal(message.associationId, server.id);
    assert.equal(message.from.port, client.localAddresses().port);
    assert.equal(message.from.address, "127.0.0.1");
  });

  test("each stream counts its own sequence numbers, and TSNs count all", async () => {
    await using both = await under.pair();
    const { client, server } = both;

    for (const streamId of [0, 1, 0, 1, 0]) await client.send("x", { streamId });

    const received: SctpMessage[] = [];
    for (let count = 0; count < 5; count++) received.push(await server.receive());
    assert.deepEqual(received.map(({ streamId, ssn }) => [streamId, ssn]), [[0, 0], [1, 0], [0, 1], [1, 1], [0, 2]]);
    received.forEach(({ tsn }, index) => assert.equal(tsn, (received[0].tsn + index) >>> 0));
  });

  test("messages of one stream keep their order, whichever way they are sent", async () => {
    await using both = await under.pair();
    const { client, server } = both;
    const sends: Promise<void>[] = [];

    for (let index = 0; index < 300; index++) {
      if (index % 3 === 0) sends.push(client.send(`${index}`));
      else if (index % 3 === 1) sends.push(client.send(bytes(`${index}`), { ppid: index }));
      else if (!client.trySend(`${index}`)) sends.push(client.send(`${index}`));
    }

    for (let index = 0; index < 300; index++) assert.equal(text(await server.receive()), `${index}`);
    await Promise.all(sends);
  });

  test("a message keeps its boundary, whatever its size", async () => {
    await using both = await under.pair();
    const { client, server } = both;
    const sizes = [1, 2, 63, 64, 1451, 1452, 1453, 4096, 65535, 65536, 65537, 200_000];

    for (const size of sizes) {
      const data = pattern(size, size);
      const [message] = await Promise.all([server.receive(), client.send(data, { streamId: 2, ppid: size })]);
      assert.equal(message.ppid, size);
      assert.deepEqual(message.data, data);
    }
  });

  test("a message of 256 KiB is put together from its pieces, and so are those around it", async () => {
    await using both = await under.pair();
    const { client, server } = both;
    const large = pattern(262_144);
    const sent = (async () => {
      await client.send("before");
      await client.send(large);
      await client.send("after");
    })();

    assert.equal(text(await server.receive()), "before");
    assert.deepEqual((await server.receive()).data, large);
    assert.equal(text(await server.receive()), "after");
    await sent;
  });

  test("an unordered message says so, and has no place in its stream's order", async () => {
    await using both = await under.pair();
    const { client, server } = both;

    await client.send("ordered", { streamId: 1 });
    await client.send("unordered", { streamId: 1, unordered: true });
    await client.send("ordered again", { streamId: 1 });

    const received = [await server.receive(), await server.receive(), await server.receive()];
    const unordered = received.filter((message) => message.unordered);
    assert.deepEqual(unordered.map((message) => text(message)), ["unordered"]);
    assert.deepEqual(received.filter((message) => !message.unordered).map(({ ssn }) => ssn), [0, 1]);
  });

  test("bytes that are sent are the caller's again when the send has settled", async () => {
    await using both = await under.pair();
    const { client, server } = both;
    const data = bytes("first");

    await client.send(data);
    data.set(bytes("FIRST"));
    await client.send(data);

    assert.equal(text(await server.receive()), "first");
    assert.equal(text(await server.receive()), "FIRST");
  });

  test("an empty message is refused before anything is sent", async () => {
    await using both = await under.pair();
    const { client, server } = both;

    await assert.rejects(client.send(""), ArgumentError);
    assert.throws(() => client.trySend(new Uint8Array(0)), ArgumentError);
    assert.throws(() => client.sendSync(""), ArgumentError);
    await assert.rejects(client.send(5 as unknown as string), ArgumentError);

    await client.send("still there");
    assert.equal(text(await server.receive()), "still there");
  });

  test("a stream beyond the negotiated number is refused, and the error says how many there are", async () => {
    await using both = await under.pair({ client: { initmsg: { numOstreams: 4 } } });
    const { client, server } = both;
    assert.equal(client.status().outboundStreams, 4);

    await assert.rejects(client.send("x", { streamId: 4 }), (error: unknown) => {
      assert(error instanceof ArgumentError);
      assert.equal(error.argument, "options.streamId");
      assert.match(error.message, /below 4/);
      return true;
    });
    for (const streamId of [65536, -1, 1.5, NaN]) {
      await assert.rejects(client.send("x", { streamId }), ArgumentError);
      assert.throws(() => client.trySend("x", { streamId }), ArgumentError);
    }

    await client.send("on the last", { streamId: 3 });
    assert.equal((await server.receive()).streamId, 3);
  });

  test("metadata out of range is refused with the option's name", async () => {
    await using both = await under.pair();
    const { client } = both;

    for (const options of [{ ppid: -1 }, { ppid: 2 ** 32 }, { context: 1.5 }, { authKeyId: 65536 }]) {
      const [name] = Object.keys(options);
      await assert.rejects(client.send("x", options), { name: "ArgumentError", argument: `options.${name}` });
    }
    const partialReliability = { policy: "never" as "ttl", value: 1 };
    await assert.rejects(client.send("x", { partialReliability }), ArgumentError);
  });

  test("a message that exceeds the send buffer is refused, and the association lives on", async () => {
    await using both = await under.pair();
    const { client, server } = both;
    const limit = client.options.sendBufferSize;

    const refused = client.send(new Uint8Array(limit + 1));

    await assert.rejects(refused, (error: unknown) => {
      assert(error instanceof MessageTooLargeError);
      assert.match(error.message, new RegExp(`${limit + 1} bytes.*${limit}.*sendBufferSize`));
      return true;
    });
    await client.send("small");
    assert.equal(text(await server.receive()), "small");
  });

  test("with disableFragments a message that exceeds a packet is refused", async () => {
    await using both = await under.pair({ client: { disableFragments: true, maxseg: 1200 } });
    const { client, server } = both;

    await assert.rejects(client.send(new Uint8Array(60_000)), MessageTooLargeError);

    await client.send(new Uint8Array(1000));
    assert.equal((await server.receive()).data.length, 1000);
  });

  test("a message beyond the receiver's maxMessageSize is an error in its place, and the next one arrives", async () => {
    await using both = await under.pair({ server: { maxMessageSize: 100_000 } });
    const { client, server } = both;
    const sent = (async () => {
      await client.send("before");
      await client.send(pattern(100_001));
      await client.send(pattern(100_000));
    })();

    assert.equal(text(await server.receive()), "before");
    await assert.rejects(server.receive(), MessageTooLargeError);
    assert.deepEqual((await server.receive()).data, pattern(100_000));
    await sent;
    assert.equal(server.stats().oversizedMessages, 1);
  });

  test("an endpoint tells of a message beyond maxMessageSize by an event, and goes on", async () => {
    await using both = await under.endpoints({ server: { maxMessageSize: 1000 } });
    const { client, server, clientId, serverId } = both;

    await client.send(pattern(1001), { associationId: clientId, streamId: 3, ppid: 9 });
    await client.send("small", { associationId: clientId });

    const event = await server.receive();
    assert.equal(event.type, "message-too-large");
    assert(event.type === "message-too-large");
    assert.equal(event.associationId, serverId);
    assert.equal(event.streamId, 3);
    assert.equal(event.ppid, 9);
    assert(event.error instanceof MessageTooLargeError);
    assert.equal(text(await nextMessage(server)), "small");
  });

  test("sends wait while the send buffer is full, and go on when the peer receives", async () => {
    await using both = await under.pair({
      client: { sendBufferSize: 16_384, maxMessageSize: 4096 },
      server: { receiveBufferSize: 16_384 },
    });
    const { client, server } = both;
    let sent = 0;
    while (client.trySend(pattern(4096, sent + 1))) sent++;
    assert(sent > 0);

    const timedOut = client.send(pattern(4096), { timeout: 0 });
    await assert.rejects(timedOut, { name: "TimeoutError" });
    const reason = new Error("enough");
    await assert.rejects(client.send(pattern(4096), { signal: AbortSignal.abort(reason) }), reason);
    const waiting = client.send("at last");

    for (let index = 0; index < sent; index++) {
      assert.deepEqual((await server.receive()).data, pattern(4096, index + 1));
    }
    assert.equal(text(await server.receive()), "at last");
    await waiting;
  });

  test("a send that was given up while it waited is not sent later", async () => {
    await using both = await under.pair({
      client: { sendBufferSize: 16_384, maxMessageSize: 4096 },
      server: { receiveBufferSize: 16_384 },
    });
    const { client, server } = both;
    let sent = 0;
    while (client.trySend(pattern(4096))) sent++;
    const controller = new AbortController();
    const givenUp = client.send("given up", { signal: controller.signal });
    const last = client.send("last");

    controller.abort(new Error("no more"));
    await assert.rejects(givenUp, /no more/);
    for (let index = 0; index < sent; index++) await server.receive();

    assert.equal(text(await server.receive()), "last");
    await last;
  });

  test("with receiveNextInfo a message tells of the one behind it", async () => {
    await using both = await under.pair({ server: { receiveNextInfo: true } });
    const { client, server } = both;

    await client.send("one", { streamId: 1, ppid: 1 });
    await client.send("second", { streamId: 2, ppid: 2, unordered: true });
    await until(() => {
      const { orderedChunksReceived, unorderedChunksReceived } = server.statistics();
      return orderedChunksReceived + unorderedChunksReceived === 2;
    });

    const first = await server.receive();
    const second = await server.receive();
    assert.equal(text(second), "second");
    assert.equal(first.next?.streamId, 2);
    assert.equal(first.next?.ppid, 2);
    assert.equal(first.next?.length, 6);
    assert.equal(first.next?.unordered, true);
    assert.equal(first.next?.isNotification, false);
    assert.equal(second.next, undefined);
  });
});

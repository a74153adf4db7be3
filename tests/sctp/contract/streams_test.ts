import { ArgumentError, ClosedError, type SctpMessage, StateError } from "@sockeye/sockeye/sctp";
import assert from "node:assert/strict";
import { forEachStack, pattern, text, until } from "./stacks.ts";

forEachStack((under) => {
  const { test } = under;

  test("views and the association itself each get the messages of their streams", async () => {
    await using both = await under.pair();
    const { client, server } = both;
    const two = server.stream(2);
    const five = server.stream(5);
    for (const streamId of [5, 0, 2, 5, 1, 2]) await client.send(`on ${streamId}`, { streamId });

    const received = await Promise.all([
      two.receive(),
      five.receive(),
      server.receive(),
      five.receive(),
      two.receive(),
    ]);

    assert.deepEqual(received.map(({ streamId }) => streamId), [2, 5, 0, 5, 2]);
    assert.equal(text(await server.receive()), "on 1");
    assert.equal(server.tryReceive(), undefined);
    assert.equal(two.tryReceive(), undefined);
  });

  test("a view sends on its stream", async () => {
    await using both = await under.pair();
    const { client, server } = both;
    const three = client.stream(3);

    await three.send("one", { ppid: 9 });
    assert.equal(three.trySend("two"), true);
    three.sendSync("three");

    for (const word of ["one", "two", "three"]) {
      const message = await server.receive();
      assert.deepEqual([text(message), message.streamId], [word, 3]);
    }
  });

  test("a view gets what had arrived for its stream before it was opened", async () => {
    await using both = await under.pair();
    const { client, server } = both;
    for (const streamId of [4, 4, 0]) await client.send(`${streamId}`, { streamId });
    assert.equal((await server.receive()).streamId, 4);

    const view = server.stream(4);

    assert.equal(text(await view.receive()), "4");
    assert.equal(text(await server.receive()), "0");
  });

  test("what a closed view has not handed out, and what comes later, goes to the association, in order", async () => {
    await using both = await under.pair();
    const { client, server } = both;
    const view = server.stream(1);
    for (const word of ["a", "b", "c"]) await client.send(word, { streamId: 1 });
    await client.send("0");
    assert.equal(text(await server.receive()), "0");
    assert.equal(text(await view.receive()), "a");

    view.close();
    view.close();
    await client.send("d", { streamId: 1 });

    for (const word of ["b", "c", "d"]) assert.equal(text(await server.receive()), word);
    await assert.rejects(view.receive(), ClosedError);
    assert.equal(view.isClosed, true);
    assert.notEqual(server.stream(1), view);
  });

  test("a view is the same until it is closed", async () => {
    await using both = await under.pair();

    assert.equal(both.client.stream(1), both.client.stream(1));
    for (const streamId of [-1, 65536, 0.5]) assert.throws(() => both.client.stream(streamId), ArgumentError);
  });

  test("iterations of several views run side by side until the association ends", async () => {
    await using both = await under.pair();
    const { client, server } = both;
    const collect = async (source: AsyncIterable<SctpMessage>) => {
      const texts: string[] = [];
      for await (const message of source) texts.push(text(message));
      return texts;
    };
    const collecting = Promise.all([collect(server), collect(server.stream(1)), collect(server.stream(2))]);

    for (let index = 0; index < 60; index++) await client.send(`${index}`, { streamId: index % 3 });
    client.close();

    const [zero, one, two] = await collecting;
    const expected = (rest: number) => Array.from({ length: 20 }, (_, index) => `${index * 3 + rest}`);
    assert.deepEqual([zero, one, two], [expected(0), expected(1), expected(2)]);
  });

  test("a view that is not read holds up the others once its queue is full, and loses nothing", async () => {
    await using both = await under.pair({ server: { receiveQueueSize: 3000 } });
    const { client, server } = both;
    const view = server.stream(1);
    for (let index = 0; index < 5; index++) await client.send(pattern(1000, index + 1), { streamId: 1 });
    await client.send("behind", { streamId: 0 });

    const behind = server.receive();
    await until(() => server.stats().messagesReceived > 3);
    assert.throws(() => server.receiveSync(), StateError);

    for (let index = 0; index < 5; index++) assert.deepEqual((await view.receive()).data, pattern(1000, index + 1));
    assert.equal(text(await behind), "behind");
  });

  test("messages come by a Web stream, which closes when the peer shuts down", async () => {
    await using both = await under.pair();
    const { client, server } = both;
    for (const word of ["one", "two", "three"]) await client.send(word);
    client.close();

    const texts: string[] = [];
    for await (const message of server.readable) texts.push(text(message));

    assert.deepEqual(texts, ["one", "two", "three"]);
    assert.equal(server.readable, server.readable);
  });

  test("a Web stream fails when the peer aborts", async () => {
    await using both = await under.pair();
    const reader = both.server.readable.getReader();
    const reading = reader.read();

    both.client.abort();

    await assert.rejects(reading, { code: "ECONNRESET" });
  });

  test("a Web stream reads nothing ahead, and leaves everything when it is cancelled", async () => {
    await using both = await under.pair();
    const { client, server } = both;
    const reader = server.readable.getReader();
    const reading = reader.read();
    await client.send("one");
    assert.equal(text((await reading).value!), "one");
    const given = reader.read();

    await reader.cancel("enough");
    assert.deepEqual(await given, { value: undefined, done: true });
    await client.send("two");

    assert.equal(text(await server.receive()), "two");
  });

  test("what is written to a Web stream is sent, and closing it shuts the association down", async () => {
    await using both = await under.pair();
    const { client, server } = both;
    const writer = client.writable.getWriter();

    await writer.write("text");
    await writer.write(new Uint8Array([1, 2, 3]));
    await writer.write({ data: "with metadata", streamId: 4, ppid: 11 });
    await writer.close();

    assert.equal(text(await server.receive()), "text");
    assert.deepEqual((await server.receive()).data, new Uint8Array([1, 2, 3]));
    const last = await server.receive();
    assert.deepEqual([text(last), last.streamId, last.ppid], ["with metadata", 4, 11]);
    await assert.rejects(server.receive(), ClosedError);
  });

  test("aborting a Web stream aborts the association", async () => {
    await using both = await under.pair();

    await both.client.writable.abort();

    await assert.rejects(both.server.receive(), { code: "ECONNRESET" });
  });

  test("an echo is one pipe, and views have Web streams too", async () => {
    await using both = await under.pair();
    const { client, server } = both;
    const echo = server.readable.pipeTo(server.writable);
    const view = client.stream(7);
    const writer = view.writable.getWriter();
    const reader = view.readable.getReader();

    await writer.write("back?");
    const answer = (await reader.read()).value!;

    assert.deepEqual([text(answer), answer.streamId], ["back?", 7]);
    await client.shutdown();
    await echo;
  });
});

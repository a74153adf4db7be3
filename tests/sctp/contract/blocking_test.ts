import { ClosedError, SctpAssociation, SctpEndpoint, TimeoutError } from "@sockeye/sockeye/sctp";
import assert from "node:assert/strict";
import { forEachStack, pattern, text } from "./stacks.ts";
import { program } from "./programs.ts";

forEachStack((under) => {
  const { test, stack } = under;

  test("an association lives its whole life in blocking calls", () => {
    using listener = under.listener();
    using client = SctpAssociation.connectSync(listener.localAddresses(), { stack });
    using server = listener.acceptSync();

    client.sendSync("question", { streamId: 1, ppid: 2 });
    const message = server.receiveSync();
    server.sendSync("answer");

    assert.deepEqual([text(message), message.streamId, message.ppid], ["question", 1, 2]);
    assert.equal(text(client.receiveSync({ timeout: 30_000 })), "answer");
    client.shutdownSync();
    assert.throws(() => server.receiveSync(), ClosedError);
  });

  test("endpoints associate and talk in blocking calls", () => {
    using server = under.endpoint();
    using client = SctpEndpoint.bind("sctp://127.0.0.1:0", { stack });

    const associationId = client.connectSync(server.localAddresses());
    client.sendSync("hello", { associationId });
    const event = server.receiveSync();

    assert.equal(event.type === "message" && text(event), "hello");
  });

  test("a blocking call gives up after its timeout", () => {
    using listener = under.listener();
    using client = SctpAssociation.connectSync(listener.localAddresses(), {
      stack,
      sendBufferSize: 16_384,
      maxMessageSize: 4096,
    });
    using server = listener.acceptSync();
    using endpoint = under.endpoint();
    // Nobody reads, so that what is acknowledged makes room only until the peer's window is full.
    const sendWithoutEnd = () => {
      for (let sent = 0; sent < 100_000; sent++) client.sendSync(pattern(1000), { timeout: 5 });
    };

    assert.throws(sendWithoutEnd, TimeoutError);
    assert.throws(() => client.receiveSync({ timeout: 5 }), TimeoutError);
    assert.throws(() => listener.acceptSync({ timeout: 5 }), TimeoutError);
    assert.throws(() => endpoint.receiveSync({ timeout: 0 }), TimeoutError);
    server.close();
  });

  test("blocking and asynchronous calls may be mixed, and are served in their order", async () => {
    await using both = await under.pair();
    const { client, server } = both;
    const view = server.stream(3);
    const waiting = server.receive();

    client.sendSync("for the view", { streamId: 3 });
    client.sendSync("for the first");
    client.sendSync("for the second");

    assert.equal(text(view.receiveSync()), "for the view");
    assert.equal(text(server.receiveSync()), "for the second");
    assert.equal(text(await waiting), "for the first");
    await assert.rejects(server.receive({ timeout: 1 }), TimeoutError);
    assert.throws(() => server.receiveSync({ timeout: 1 }), TimeoutError);
  });

  test("two processes talk in blocking calls", async () => {
    using listener = under.listener();
    const peer = program(`
      import { SctpAssociation } from "@sockeye/sockeye/sctp";
      const association = SctpAssociation.connectSync("${listener.localAddresses()}", { stack: "${stack}" });
      for (let count = 0; count < 20; count++) association.sendSync(association.receiveSync().data);
      association.shutdownSync();
      association.close();
    `);
    using server = await peer.during(listener.accept());

    for (let count = 0; count < 20; count++) {
      await server.send(`${count}`);
      assert.equal(text(await server.receive()), `${count}`);
    }

    await assert.rejects(server.receive(), ClosedError);
    assert.equal(await peer.ended, 0);
  });
});

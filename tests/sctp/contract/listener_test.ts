import { ClosedError, SctpAssociation, SystemError, TimeoutError } from "@sockeye/sockeye/sctp";
import assert from "node:assert/strict";
import { forEachStack, text, until } from "./stacks.ts";
import { maySet, sysctl } from "./sysctl.ts";

const ENCAPSULATION = "net.sctp.udp_port";

forEachStack((under) => {
  const { test, stack } = under;

  test("associations are accepted in the order in which they came up", async () => {
    using listener = under.listener();
    const clients: SctpAssociation[] = [];
    for (let index = 0; index < 5; index++) {
      clients.push(await SctpAssociation.connect(listener.localAddresses(), { stack }));
      await clients[index].send(`${index}`);
    }

    let expected = 0;
    for await (const server of listener) {
      assert.equal(text(await server.receive()), `${expected}`);
      assert.equal(server.peerAddresses().port, clients[expected].localAddresses().port);
      server.close();
      if (++expected === clients.length) break;
    }

    assert.equal(listener.stats().associationsAccepted, 5);
    assert.equal(listener.tryAccept(), undefined);
    for (const client of clients) client.close();
  });

  test("accepts that wait are served in their order, and may be given up", async () => {
    using listener = under.listener();
    const controller = new AbortController();
    const reason = new Error("closing time");
    const first = listener.accept();
    const givenUp = listener.accept({ signal: controller.signal });
    const second = listener.accept();

    controller.abort(reason);
    await assert.rejects(givenUp, reason);
    await assert.rejects(listener.accept({ timeout: 0 }), TimeoutError);
    await assert.rejects(listener.accept({ signal: controller.signal }), reason);
    using one = await SctpAssociation.connect(listener.localAddresses(), { stack });
    using two = await SctpAssociation.connect(listener.localAddresses(), { stack });
    using acceptedFirst = await first;
    using acceptedSecond = await second;

    assert.equal(acceptedFirst.peerAddresses().port, one.localAddresses().port);
    assert.equal(acceptedSecond.peerAddresses().port, two.localAddresses().port);
  });

  test("an association that the peer aborted before it was accepted says so when it is used", async () => {
    using listener = under.listener();
    const client = await SctpAssociation.connect(listener.localAddresses(), { stack });
    client.abort();

    using server = await listener.accept();

    await assert.rejects(
      server.receive(),
      (error: unknown) => error instanceof SystemError || error instanceof ClosedError,
    );
    await assert.rejects(
      server.send("x"),
      (error: unknown) => error instanceof SystemError || error instanceof ClosedError,
    );
  });

  test("an association that the peer ended before it was accepted still gives what was sent", async () => {
    using listener = under.listener();
    const client = await SctpAssociation.connect(listener.localAddresses(), { stack });
    await client.send("hello and goodbye");
    client.close();

    using server = await listener.accept();

    assert.equal(text(await server.receive()), "hello and goodbye");
    await assert.rejects(server.receive(), ClosedError);
  });

  test("associations outlive their listener", async () => {
    const listener = under.listener();
    using client = await SctpAssociation.connect(listener.localAddresses(), { stack });
    using server = await listener.accept();

    listener.close();
    await client.send("still here");

    assert.equal(text(await server.receive()), "still here");
    await assert.rejects(SctpAssociation.connect(server.localAddresses(), { stack }), { code: "ECONNREFUSED" });
  });

  test("peers that nobody accepted are ended when the listener closes", async () => {
    const listener = under.listener();
    using client = await SctpAssociation.connect(listener.localAddresses(), { stack });

    listener.close();

    await assert.rejects(
      client.receive(),
      (error: unknown) => error instanceof SystemError || error instanceof ClosedError,
    );
  });

  test("messages travel in UDP where both ends say so", async () => {
    using _udp = sysctl(ENCAPSULATION, 9899);
    using listener = under.listener({ remoteUdpEncapsPort: 9899 });
    using client = await SctpAssociation.connect(listener.localAddresses(), { stack, remoteUdpEncapsPort: 9899 });
    using server = await listener.accept();

    await client.send("in a datagram", { streamId: 1, ppid: 2 });

    const message = await server.receive();
    assert.deepEqual([text(message), message.streamId, message.ppid], ["in a datagram", 1, 2]);
    assert.equal(client.options.remoteUdpEncapsPortOf("127.0.0.1"), 9899);
    await client.shutdown();
  }, { skip: !maySet(ENCAPSULATION) && `needs to set ${ENCAPSULATION}` });

  test("more sends at once than sendQueueLength are refused, and those in line are sent", async () => {
    await using both = await under.pair({
      client: { sendQueueLength: 3, sendBufferSize: 16_384, maxMessageSize: 4096 },
      server: { receiveBufferSize: 16_384 },
    });
    const { client, server } = both;
    let sent = 0;
    while (client.trySend(new Uint8Array(1000))) sent++;
    const inLine = [1, 2, 3].map((index) => client.send(`${index}`));

    await assert.rejects(client.send("one too many"), { name: "BufferFullError", message: /sendQueueLength/ });

    for (let index = 0; index < sent; index++) await server.receive();
    for (const expected of ["1", "2", "3"]) assert.equal(text(await server.receive()), expected);
    await Promise.all(inLine);
  });

  test("with busyPoll a receive finds what comes while it looks", async () => {
    await using both = await under.pair({ client: { busyPoll: 100 }, server: { busyPoll: 100 } });
    const { client, server } = both;

    for (let index = 0; index < 10; index++) {
      const receiving = server.receive();
      await client.send(`${index}`);
      assert.equal(text(await receiving), `${index}`);
    }
    await until(() => client.status().unackedData === 0);
  });
});

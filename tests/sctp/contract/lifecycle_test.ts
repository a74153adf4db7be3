import { ArgumentError, ClosedError, SctpAssociation, type SystemError, TimeoutError } from "@sockeye/sockeye/sctp";
import assert from "node:assert/strict";
import { forEachStack, pattern, text, until } from "./stacks.ts";
import { program } from "./programs.ts";

forEachStack((under) => {
  const { test, stack } = under;

  /** A sender that soon has to wait for its peer to receive. */
  const slow = {
    client: { sendBufferSize: 32_768, maxMessageSize: 4096 },
    server: { receiveBufferSize: 16_384 },
  };

  test("what cannot be waited for is refused before anything happens", async () => {
    await using both = await under.pair();
    for (const timeout of [-1, NaN, Infinity, "1" as unknown as number]) {
      await assert.rejects(both.client.receive({ timeout }), ArgumentError);
      await assert.rejects(both.client.shutdown({ timeout }), ArgumentError);
      await assert.rejects(both.client.send("not sent", { timeout }), ArgumentError);
      assert.throws(() => both.client.sendSync("not sent", { timeout }), ArgumentError);
      await assert.rejects(SctpAssociation.connect("sctp://127.0.0.1:9", { stack, timeout }), ArgumentError);
    }
    await both.client.send("still open");
    assert.equal(text(await both.server.receive()), "still open");
  });

  test("a receive gives up after its timeout, or with its signal's reason, and loses nothing", async () => {
    await using both = await under.pair();
    const { client, server } = both;
    const controller = new AbortController();
    const reason = new Error("enough");

    await assert.rejects(server.receive({ timeout: 1 }), TimeoutError);
    await assert.rejects(server.receive({ timeout: 0 }), TimeoutError);
    const givenUp = server.receive({ signal: controller.signal });
    const stays = server.receive();
    controller.abort(reason);
    await assert.rejects(givenUp, reason);
    await assert.rejects(server.receive({ signal: controller.signal }), reason);
    await client.send("here");

    assert.equal(text(await stays), "here");
  });

  test("receives are served in the order in which they were called", async () => {
    await using both = await under.pair();
    const receives = [1, 2, 3].map(() => both.server.receive());

    for (const message of ["1", "2", "3"]) await both.client.send(message);

    assert.deepEqual((await Promise.all(receives)).map((message) => text(message)), ["1", "2", "3"]);
  });

  test("when the peer closes, iteration ends after what was sent, and receive is a ClosedError", async () => {
    await using both = await under.pair();
    const { client, server } = both;
    for (let index = 0; index < 50; index++) await client.send(`${index}`);

    client.close();

    const received: string[] = [];
    for await (const message of server) received.push(text(message));
    assert.deepEqual(received, Array.from({ length: 50 }, (_, index) => `${index}`));
    await assert.rejects(server.receive(), ClosedError);
    assert.throws(() => server.tryReceive(), ClosedError);
    assert.throws(() => server.receiveSync(), ClosedError);
    await assert.rejects(server.send("too late"), ClosedError);
    assert.throws(() => server.trySend("too late"), ClosedError);
    await server.shutdown();
    assert.equal(server.isClosed, false);
  });

  test("a close loses nothing of what was sent", async () => {
    await using both = await under.pair(slow);
    const { client, server } = both;
    let sent = 0;
    while (client.trySend(pattern(1000, sent + 1))) sent++;
    assert(sent > 20);

    client.close();

    let received = 0;
    for await (const { data } of server) assert.deepEqual(data, pattern(1000, ++received));
    assert.equal(received, sent);
  });

  test("a close with unread messages still delivers what was sent", async () => {
    await using both = await under.pair(slow);
    const { client, server } = both;
    await server.send("never read");
    let sent = 0;
    while (client.trySend(pattern(1000, sent + 1))) sent++;

    client.close();

    let received = 0;
    for await (const _ of server) received++;
    assert.equal(received, sent);
  });

  test("an endpoint that is closed with unread messages still delivers what was sent", async () => {
    await using both = await under.endpoints(slow);
    const { client, server, clientId, serverId } = both;
    await server.send("never read", { associationId: serverId });
    server.subscribe("association");
    let sent = 0;
    while (client.trySend(pattern(1000, sent + 1), { associationId: clientId })) sent++;

    client.close();

    let received = 0;
    for await (const event of server) {
      if (event.type === "message") assert.deepEqual(event.data, pattern(1000, ++received));
      if (event.type === "association" && event.state !== "comm-up") {
        assert.equal(event.state, "shutdown-complete");
        break;
      }
    }
    assert.equal(received, sent);
  });

  test("a shutdown waits until the peer has everything, and what the peer sent can still be received", async () => {
    await using both = await under.pair(slow);
    const { client, server } = both;
    await server.send("on its way");
    let sent = 0;
    while (client.trySend(pattern(1000))) sent++;

    const shutdown = client.shutdown();
    let received = 0;
    for await (const _ of server) received++;
    await shutdown;

    assert.equal(received, sent);
    assert.equal(text(await client.receive()), "on its way");
    await assert.rejects(client.receive(), ClosedError);
    await assert.rejects(client.send("more"), ClosedError);
    await client.shutdown();
  });

  test("both sides may shut down at the same time", async () => {
    await using both = await under.pair();

    await Promise.all([both.client.shutdown(), both.server.shutdown()]);

    await assert.rejects(both.client.receive(), ClosedError);
    await assert.rejects(both.server.receive(), ClosedError);
  });

  test("a shutdown that waits for the peer is a ClosedError when the handle is closed", async () => {
    await using both = await under.pair(slow);
    await using many = await under.endpoints(slow);
    while (both.client.trySend(pattern(1000)));
    while (many.client.trySend(pattern(1000), { associationId: many.clientId }));

    const pending = [both.client.shutdown(), many.client.shutdown(many.clientId), many.client.shutdown("all")];
    const outcomes = Promise.allSettled(pending);
    both.client.close();
    many.client.close();

    for (const outcome of await outcomes) {
      assert.equal(outcome.status, "rejected");
      assert(outcome.reason instanceof ClosedError, `${outcome.reason}`);
    }
  });

  test("a shutdown that is given up goes on", async () => {
    await using both = await under.pair(slow);
    const { client, server } = both;
    while (client.trySend(pattern(1000)));

    await assert.rejects(client.shutdown({ timeout: 1 }), TimeoutError);
    const reason = new Error("no time");
    await assert.rejects(client.shutdown({ signal: AbortSignal.abort(reason) }), reason);
    const shutdown = client.shutdown();
    for await (const _ of server);

    await shutdown;
  });

  test("when the peer aborts, receive and iteration fail with ECONNRESET after what had arrived", async () => {
    await using both = await under.pair();
    const { client, server } = both;
    await client.send("before");
    await until(() => server.statistics().orderedChunksReceived === 1);

    client.abort();

    assert.equal(text(await server.receive()), "before");
    await assert.rejects(server.receive(), { name: "SystemError", code: "ECONNRESET" });
    await assert.rejects(
      (async () => {
        for await (const _ of server);
      })(),
      { code: "ECONNRESET" },
    );
    await assert.rejects(server.send("anyone?"), { code: "ECONNRESET" });
    await assert.rejects(server.shutdown(), { code: "ECONNRESET" });
    server.close();
    await assert.rejects(server.receive(), (error: unknown) => {
      assert(error instanceof ClosedError);
      assert.equal((error.cause as SystemError).code, "ECONNRESET");
      return true;
    });
  });

  test("an abort in the middle of a message delivers nothing of it", async () => {
    await using both = await under.pair({ server: { receiveBufferSize: 16_384, partialDeliveryPoint: 4096 } });
    const { client, server } = both;
    await client.send(pattern(200_000));
    const receiving = server.receive();
    await until(() => server.stats().messagesReceived === 0 && server.statistics().orderedChunksReceived > 0);

    client.abort();

    await assert.rejects(receiving, { code: "ECONNRESET" });
    assert.equal(server.stats().messagesReceived, 0);
  });

  test("after close everything pending and everything new is a ClosedError", async () => {
    await using both = await under.pair({ client: { events: ["association"] } });
    const { client } = both;
    const view = client.stream(3);
    const pending = Promise.allSettled([client.receive(), view.receive()]);

    client.close();
    client.close();

    assert.equal(client.isClosed, true);
    assert.equal(view.isClosed, true);
    for (const outcome of await pending) {
      assert(outcome.status === "rejected" && outcome.reason instanceof ClosedError);
    }
    await assert.rejects(client.send("x"), ClosedError);
    await assert.rejects(client.receive(), ClosedError);
    await assert.rejects(client.shutdown(), ClosedError);
    await assert.rejects(view.receive(), ClosedError);
    await assert.rejects(view.send("x"), ClosedError);
    const calls: (() => unknown)[] = [
      () => client.trySend("x"),
      () => client.sendSync("x"),
      () => client.tryReceive(),
      () => client.receiveSync(),
      () => client.shutdownSync(),
      () => client.stream(1),
      () => client.status(),
      () => client.statistics(),
      () => client.localAddresses(),
      () => client.peerAddresses(),
      () => client.addAddress("sctp://127.0.0.2:0"),
      () => client.removeAddress("sctp://127.0.0.2:0"),
      () => client.options.nodelay,
      () => client.options.nodelay = true,
      () => client.subscribe("shutdown"),
      () => client.unsubscribe("association"),
      () => view.tryReceive(),
      () => view.trySend("x"),
    ];
    for (const call of calls) assert.throws(call, ClosedError, `${call}`);
    for await (const _ of client) assert.fail("a message after close");
    client.abort();
    view.close();
    assert.equal(typeof client.stats().messagesSent, "number");
  });

  test("after close of an endpoint everything pending and everything new is a ClosedError", async () => {
    await using both = await under.endpoints();
    const { client, clientId } = both;
    const iterating = (async () => {
      for await (const _ of client) assert.fail("an event after close");
    })();
    const pending = client.receive();

    client.close();
    client.close();

    assert.equal(client.isClosed, true);
    await iterating;
    await assert.rejects(pending, ClosedError);
    await assert.rejects(client.connect("sctp://127.0.0.1:9"), ClosedError);
    await assert.rejects(client.send("x", { associationId: clientId }), ClosedError);
    await assert.rejects(client.receive(), ClosedError);
    await assert.rejects(client.shutdown("all"), ClosedError);
    const calls: (() => unknown)[] = [
      () => client.trySend("x", { associationId: clientId }),
      () => client.sendSync("x", { associationId: clientId }),
      () => client.connectSync("sctp://127.0.0.1:9"),
      () => client.tryReceive(),
      () => client.receiveSync(),
      () => client.abort(clientId),
      () => client.peelOff(clientId),
      () => client.associations(),
      () => client.status(clientId),
      () => client.localAddresses(),
      () => client.addAddress("sctp://127.0.0.2:0"),
      () => client.options.rtoinfo,
      () => client.subscribe("shutdown"),
      () => client.unsubscribe("shutdown"),
    ];
    for (const call of calls) assert.throws(call, ClosedError, `${call}`);
  });

  test("after close of a listener everything pending and everything new is a ClosedError", async () => {
    const listener = under.listener();
    const iterating = (async () => {
      for await (const _ of listener) assert.fail("an association after close");
    })();
    const pending = listener.accept();

    listener.close();
    listener.close();

    assert.equal(listener.isClosed, true);
    await iterating;
    await assert.rejects(pending, ClosedError);
    await assert.rejects(listener.accept(), ClosedError);
    for (
      const call of [() => listener.tryAccept(), () => listener.acceptSync(), () => listener.localAddresses()]
    ) assert.throws(call, ClosedError, `${call}`);
  });

  test("a peer killed with SIGKILL ends the association, after what it had sent", async () => {
    using listener = under.listener();
    const peer = program(`
      import { SctpAssociation } from "@sockeye/sockeye/sctp";
      const association = await SctpAssociation.connect("${listener.localAddresses()}", { stack: "${stack}" });
      await association.send("one");
      await association.send("two");
      await association.receive();
    `);
    using server = await peer.during(listener.accept());
    assert.equal(text(await server.receive()), "one");
    assert.equal(text(await server.receive()), "two");

    peer.child.kill("SIGKILL");

    // The kernel closes what the process leaves open: in order, where it had read everything.
    await assert.rejects(server.receive(), ClosedError);
    assert.equal(await peer.ended, "SIGKILL");
  });

  test("a program with nothing pending ends by itself, whatever it left open", async () => {
    const { ended, line } = program(`
      import { SctpAssociation, SctpEndpoint, SctpListener } from "@sockeye/sockeye/sctp";
      const stack = "${stack}";
      const listener = SctpListener.listen("sctp://127.0.0.1:0", { stack });
      const client = await SctpAssociation.connect(listener.localAddresses(), { stack });
      const server = await listener.accept();
      const endpoint = SctpEndpoint.listen("sctp://127.0.0.1:0", { stack });
      await client.send("x");
      await server.receive();
      await server.receive({ timeout: 1 }).catch(() => {});
      globalThis.open = [listener, client, server, endpoint];
      console.log("done");
    `);

    assert.equal(await line(), "done");
    assert.equal(await ended, 0);
  });

  test("without a descriptor left, opening and accepting are EMFILE, and work again when there is one", async () => {
    const { ended, line } = program(
      `
      import { SctpAssociation, SctpEndpoint, SctpListener } from "@sockeye/sockeye/sctp";
      import { openSync, closeSync } from "node:fs";
      const stack = "${stack}";
      const code = (run) => { try { run(); return "none"; } catch (error) { return error.code; } };
      const listener = SctpListener.listen("sctp://127.0.0.1:0", { stack });
      const client = await SctpAssociation.connect(listener.localAddresses(), { stack });
      const taken = [];
      try { for (;;) taken.push(openSync("/dev/null", "r")); } catch {}
      console.log(code(() => SctpEndpoint.listen("sctp://127.0.0.1:0", { stack })));
      console.log(code(() => SctpListener.listen("sctp://127.0.0.1:0", { stack })));
      console.log(await SctpAssociation.connect(listener.localAddresses(), { stack }).catch((error) => error.code));
      console.log(await listener.accept().catch((error) => error.code));
      for (const fd of taken) closeSync(fd);
      const server = await listener.accept();
      await client.send("x");
      console.log((await server.receive()).data.length);
      for (const handle of [listener, client, server]) handle.close();
      `,
      "ulimit -n 100",
    );

    for (let call = 0; call < 4; call++) assert.equal(await line(), "EMFILE");
    assert.equal(await line(), "1");
    assert.equal(await ended, 0);
  });

  test("handles work with using and await using", async () => {
    let server: SctpAssociation;
    let client: SctpAssociation;
    {
      await using listener = under.listener();
      await using scopedClient = await SctpAssociation.connect(listener.localAddresses(), { stack });
      await using scopedServer = await listener.accept();
      [client, server] = [scopedClient, scopedServer];
      await client.send("x");
    }
    assert(client.isClosed);
    assert(server.isClosed);
    {
      await using endpoint = under.endpoint();
      await using other = under.endpoint();
      await other.connect(endpoint.localAddresses());
    }
  });
});

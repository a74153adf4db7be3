import {
  ArgumentError,
  NoPeerError,
  SctpAssociation,
  type SctpOpeningOptions,
  type SctpSocketControls,
  type SctpSocketOptions,
  UnsupportedError,
} from "@sockeye/sockeye/sctp";
import assert from "node:assert/strict";
import { forEachStack, nextMessage, pattern, text, until } from "./stacks.ts";
import { maySet, sysctl } from "./sysctl.ts";

/** Options that read as they are written: one value to create with, and another for later. */
const PLAIN: {
  readonly [Name in keyof SctpSocketOptions]?: readonly [SctpSocketOptions[Name], SctpSocketOptions[Name]];
} = {
  nodelay: [true, false],
  maxseg: [1200, 1000],
  maxBurst: [7, 0],
  fragmentInterleave: [1, 0],
  partialDeliveryPoint: [5000, 6000],
  disableFragments: [true, false],
  v4Mapped: [false, true],
  adaptationIndication: [0xffffffff, 5],
  defaultPartialReliability: [{ policy: "ttl", value: 1000 }, null],
  partialReliabilitySupported: [false, true],
  context: [0xffffffff, 1],
  reconfigSupported: [true, false],
  ecn: [false, true],
  streamScheduler: ["priority", "round-robin"],
  potentiallyFailedExposure: ["expose", "hide"],
  remoteUdpEncapsPort: [9899, 0],
  plpmtudProbeInterval: [5000, 0],
  receiveNextInfo: [true, false],
};

/** Options with parts, of which all are written. */
const STRUCTURED: SctpSocketOptions = {
  initmsg: { numOstreams: 33, maxInstreams: 44, maxAttempts: 3, maxInitTimeout: 700 },
  rtoinfo: { initial: 600, min: 300, max: 9000 },
  delayedSack: { delay: 50, frequency: 3 },
  defaultSendInfo: { streamId: 2, ppid: 0xdeadbeef, unordered: true, context: 77, sackImmediately: false },
  streamReset: { streams: true, association: false, addStreams: true },
  peerAddressThresholds: { pathMaxRetransmissions: 4, potentiallyFailed: 2, primarySwitchover: 3 },
};

forEachStack((under) => {
  const { test } = under;

  test("an option is as it was created, and as it is assigned later", () => {
    for (const [name, [created, later]] of Object.entries(PLAIN) as [keyof typeof PLAIN, [unknown, unknown]][]) {
      using endpoint = under.endpoint({ [name]: created } as SctpOpeningOptions);
      const options = endpoint.options as unknown as Record<string, unknown>;
      assert.deepEqual(options[name], created, name);
      options[name] = later;
      assert.deepEqual(options[name], later, name);
    }
  });

  test("a structured option is as it was created, and what is left out later stays", () => {
    for (const [name, created] of Object.entries(STRUCTURED)) {
      using endpoint = under.endpoint({ [name]: created } as SctpOpeningOptions);
      assert.deepEqual((endpoint.options as unknown as Record<string, unknown>)[name], created, name);
    }
    using endpoint = under.endpoint(STRUCTURED);
    endpoint.options.initmsg = { maxAttempts: 9 };
    endpoint.options.rtoinfo = { max: 8000 };
    endpoint.options.delayedSack = { frequency: 4 };
    endpoint.options.peerAddressThresholds = { pathMaxRetransmissions: 6 };
    assert.deepEqual(endpoint.options.initmsg, { ...STRUCTURED.initmsg, maxAttempts: 9 });
    assert.deepEqual(endpoint.options.rtoinfo, { ...STRUCTURED.rtoinfo, max: 8000 });
    assert.deepEqual(endpoint.options.delayedSack, { delay: 50, frequency: 4 });
    assert.deepEqual(endpoint.options.peerAddressThresholds, {
      ...STRUCTURED.peerAddressThresholds,
      pathMaxRetransmissions: 6,
    });
  });

  test("association parameters and those of paths are as they were created", () => {
    using endpoint = under.endpoint({
      assocInfo: { maxRetransmissions: 6, cookieLife: 5000 },
      peerAddressParameters: { heartbeatInterval: 4000, pathMaxRetransmissions: 3, dscp: 34, pathMtuDiscovery: true },
    });

    const { maxRetransmissions, cookieLife } = endpoint.options.assocInfo;
    assert.deepEqual([maxRetransmissions, cookieLife], [6, 5000]);
    const parameters = endpoint.options.peerAddressParameters;
    assert.deepEqual([parameters.heartbeatInterval, parameters.pathMaxRetransmissions, parameters.dscp], [4000, 3, 34]);
    assert.deepEqual([parameters.heartbeat, parameters.pathMtuDiscovery], [true, true]);
    endpoint.options.peerAddressParameters = { heartbeat: false };
    assert.equal(endpoint.options.peerAddressParameters.heartbeat, false);
    assert.equal(endpoint.options.peerAddressParameters.dscp, 34);
  });

  test("buffers have at least the size that was asked for", () => {
    using endpoint = under.endpoint({ sendBufferSize: 50_000, receiveBufferSize: 60_000 });

    assert(endpoint.options.sendBufferSize >= 50_000);
    assert(endpoint.options.receiveBufferSize >= 60_000);
    endpoint.options.sendBufferSize = 80_000;
    assert(endpoint.options.sendBufferSize >= 80_000);
  });

  test("autoclose shuts an idle association down", async () => {
    await using both = await under.endpoints({ server: { autoclose: 1000, events: ["association"] } });
    assert.equal(both.server.options.autoclose, 1000);

    for await (const event of both.server) {
      if (event.type === "association" && event.state === "shutdown-complete") break;
    }

    both.server.options.autoclose = 1001;
    assert.equal(both.server.options.autoclose, 2000);
  });

  test("an association inherits the options of its socket, and has its own from then on", async () => {
    const given: SctpOpeningOptions = { rtoinfo: { initial: 400, min: 200, max: 5000 }, delayedSack: { frequency: 1 } };
    await using both = await under.pair({ client: given, server: given });
    await using many = await under.endpoints({ client: given });

    for (const options of [both.client.options, both.server.options, many.client.optionsOf(many.clientId)]) {
      assert.deepEqual(options.rtoinfo, given.rtoinfo);
      options.rtoinfo = { max: 4000 };
      assert.equal(options.rtoinfo.max, 4000);
    }
    assert.equal(many.client.options.rtoinfo.max, 5000);
  });

  test("options are set for all associations at once, those to come included or not", async () => {
    await using both = await under.endpoints();
    const { client, clientId } = both;
    const initial = () => [client.options.maxBurst, client.optionsOf(clientId).maxBurst];

    client.optionsOf("current").maxBurst = 11;
    assert.deepEqual(initial(), [4, 11]);
    client.optionsOf("all").maxBurst = 12;
    assert.deepEqual(initial(), [12, 12]);
    client.optionsOf("future").maxBurst = 13;
    assert.deepEqual(initial(), [13, 12]);
  });

  test("several one-to-one sockets share a local address with reusePort", async () => {
    using one = under.listener();
    using two = under.listener();
    using first = await SctpAssociation.connect(one.localAddresses(), {
      stack: under.stack,
      local: "sctp://127.0.0.1:0",
      reusePort: true,
    });
    const options = { stack: under.stack, local: first.localAddresses() };

    using second = await SctpAssociation.connect(two.localAddresses(), { ...options, reusePort: true });

    assert(second.localAddresses().equals(first.localAddresses()));
    await assert.rejects(SctpAssociation.connect(two.localAddresses(), options), { code: "EADDRINUSE" });
  });

  test("a context is that of every message received", async () => {
    await using both = await under.pair({ server: { context: 4242 } });
    await both.client.send("x");

    assert.equal((await both.server.receive()).context, 4242);
    both.server.options.context = 1;
    await both.client.send("y");
    assert.equal((await both.server.receive()).context, 1);
  });

  test("status and statistics tell of an association", async () => {
    await using both = await under.endpoints({ client: { initmsg: { numOstreams: 3 } } });
    const { client, server, clientId, serverId } = both;
    for (let count = 0; count < 4; count++) await client.send("x", { associationId: clientId, unordered: count === 0 });
    for (let count = 0; count < 4; count++) await nextMessage(server);

    const status = client.status(clientId);
    assert.equal(status.state, "established");
    assert.equal(status.associationId, clientId);
    assert.equal(status.outboundStreams, 3);
    assert.equal(status.primary.address.address, "127.0.0.1");
    assert(status.rwnd > 0 && status.fragmentationPoint > 1000);
    const statistics = server.statistics(serverId);
    assert.deepEqual([statistics.orderedChunksReceived, statistics.unorderedChunksReceived], [3, 1]);
    assert.equal(client.statistics(clientId).orderedChunksSent, 3);
    assert(statistics.packetsReceived > 0 && statistics.sacksSent > 0);
  });

  test("with a priority scheduler the stream of the smallest value goes first", async () => {
    await using both = await under.pair({
      client: { streamScheduler: "priority", sendBufferSize: 100_000, maxMessageSize: 4096 },
      server: { receiveBufferSize: 16_384 },
    });
    const { client, server } = both;
    client.options.setStreamSchedulerValueOf(1, 10);
    client.options.setStreamSchedulerValueOf(2, 1);
    assert.equal(client.options.streamSchedulerValueOf(1), 10);
    // The peer's window is full, so that what follows waits for the scheduler.
    let sent = 0;
    while (client.trySend(pattern(1400), { streamId: 1 })) sent++;
    for (let received = 0; received < sent / 2; received++) await server.receive();
    await client.send("urgent", { streamId: 2 });

    let before = 0;
    while (text(await server.receive()) !== "urgent") before++;

    assert(before < sent / 2, `${before} of ${sent}`);
  });

  test("with interleaving a large message does not block another stream", async () => {
    using _on = sysctl("net.sctp.intl_enable", 1);
    const given: SctpOpeningOptions = { interleaving: true, streamScheduler: "round-robin" };
    await using both = await under.pair({ client: given, server: { ...given, receiveBufferSize: 40_000 } });
    const { client, server } = both;
    assert.equal(client.options.interleaving, true);
    assert.equal(server.options.fragmentInterleave, 1);

    const large = client.send(pattern(200_000), { streamId: 1 });
    await client.send("small", { streamId: 2 });

    assert.equal(text(await server.receive()), "small");
    assert.deepEqual((await server.receive()).data, pattern(200_000));
    await large;
  }, { skip: !maySet("net.sctp.intl_enable") && "needs to set net.sctp.intl_enable" });

  test("with interleaving a send to a new peer does not block", async () => {
    using _on = sysctl("net.sctp.intl_enable", 1);
    using server = under.endpoint({ interleaving: true });
    using client = under.endpoint({ interleaving: true, events: ["association"] });

    assert.equal(client.trySend("first", { to: server.localAddresses() }), true);
    assert.throws(() => client.trySend("for nobody", { to: "sctp://127.0.0.1:9" }), NoPeerError);

    assert.equal(text(await nextMessage(server)), "first");
    await until(() => client.associations().length === 1);
  }, { skip: !maySet("net.sctp.intl_enable") && "needs to set net.sctp.intl_enable" });

  test("where interleaving is off it is an UnsupportedError with the remedy", () => {
    using _off = sysctl("net.sctp.intl_enable", 0);

    assert.throws(() => under.endpoint({ interleaving: true }), (error: unknown) => {
      assert(error instanceof UnsupportedError);
      assert.match(error.message, /net\.sctp\.intl_enable/);
      return true;
    });
  }, { skip: !maySet("net.sctp.intl_enable") && "needs to set net.sctp.intl_enable" });

  test("values out of range are refused by name, and leave no socket behind", () => {
    const refused: [string, SctpOpeningOptions][] = [
      ["initmsg.numOstreams", { initmsg: { numOstreams: 65536 } }],
      ["initmsg.maxAttempts", { initmsg: { maxAttempts: 0 } }],
      ["rtoinfo.initial", { rtoinfo: { initial: -1 } }],
      ["rtoinfo.min", { rtoinfo: { min: 2000, max: 1000 } }],
      ["assocInfo.maxRetransmissions", { assocInfo: { maxRetransmissions: 70_000 } }],
      ["autoclose", { autoclose: -1 }],
      ["peerAddressParameters.dscp", { peerAddressParameters: { dscp: 64 } }],
      ["peerAddressParameters.pathMtu", { peerAddressParameters: { pathMtu: 511 } }],
      ["delayedSack.delay", { delayedSack: { delay: 501 } }],
      ["maxseg", { maxseg: -1 }],
      ["maxBurst", { maxBurst: 1.5 }],
      ["fragmentInterleave", { fragmentInterleave: 3 as 2 }],
      ["adaptationIndication", { adaptationIndication: 2 ** 32 }],
      ["defaultSendInfo.streamId", { defaultSendInfo: { streamId: 65536 } }],
      ["context", { context: -1 }],
      ["streamScheduler", { streamScheduler: "random" as "fcfs" }],
      ["remoteUdpEncapsPort", { remoteUdpEncapsPort: 65536 }],
      ["plpmtudProbeInterval", { plpmtudProbeInterval: 4999 }],
      ["sendBufferSize", { sendBufferSize: 0 }],
      ["options.maxMessageSize", { maxMessageSize: 0 }],
      ["options.receiveQueueSize", { receiveQueueSize: 0.5 }],
      ["options.backlog", { backlog: 0 }],
      ["options.events", { events: ["news" as "shutdown"] }],
      ["options.stack", { stack: "carrier-pigeon" as "kernel" }],
    ];
    for (const [argument, options] of refused) {
      for (const open of [under.endpoint, under.listener]) {
        assert.throws(() => open(options), (error: unknown) => {
          assert(error instanceof ArgumentError, `${argument}: ${error}`);
          assert.equal(error.argument, argument);
          return true;
        });
      }
    }
  });

  test("every option can be read, or says why not", async () => {
    await using both = await under.endpoints({
      client: { auth: { supported: true } },
      server: { auth: { supported: true } },
    });
    const names = new Set<string>();
    for (
      let prototype = Object.getPrototypeOf(both.client.options);
      prototype !== Object.prototype;
      prototype = Object.getPrototypeOf(prototype)
    ) {
      for (const [name, { get }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
        if (get !== undefined) names.add(name);
      }
    }

    assert(names.size > 35);
    for (const name of names) {
      const value = both.client.optionsOf(both.clientId)[name as keyof SctpSocketControls];
      assert.notEqual(value, undefined, name);
    }
  });
});

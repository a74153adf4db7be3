import { SctpAddress, SctpAssociation, SctpEndpoint } from "@sockeye/sockeye/sctp";
import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { bytes, forEachStack, nextMessage, nextNotification, text, until } from "./stacks.ts";

const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === "::1")
);
const needsIpv6 = { skip: !hasIpv6 && "needs IPv6 on loopback" };

/** Both ends can change their addresses during an association: ASCONF has to be authenticated (RFC 5061 section 4). */
const changeable = { asconf: true, auth: { supported: true } };

forEachStack((under) => {
  const { test, stack } = under;

  test("both ends know all addresses of each other", async () => {
    using listener = under.listener({}, "sctp://127.0.0.1,127.0.0.2,127.0.0.3:0");
    using client = await SctpAssociation.connect(listener.localAddresses(), {
      stack,
      local: "sctp://127.0.0.4,127.0.0.5:0",
    });
    using server = await listener.accept();

    assert.deepEqual([...listener.localAddresses().addresses], ["127.0.0.1", "127.0.0.2", "127.0.0.3"]);
    assert(client.peerAddresses().equals(listener.localAddresses()));
    assert(server.localAddresses().equals(listener.localAddresses()));
    assert.deepEqual([...client.localAddresses().addresses].sort(), ["127.0.0.4", "127.0.0.5"]);
    assert(server.peerAddresses().equals(client.localAddresses()));
  });

  test("a message tells which of the peer's addresses it came from", async () => {
    using server = under.endpoint({}, "sctp://127.0.0.1,127.0.0.2:0");
    using client = SctpEndpoint.bind("sctp://127.0.0.1,127.0.0.2:0", { stack });
    const associationId = await client.connect(server.localAddresses());
    const { port } = server.localAddresses();

    for (const address of ["127.0.0.1", "127.0.0.2"]) {
      await client.send(address, { associationId, addressOverride: { family: "inet", address, port } });
      assert.equal(text(await nextMessage(server)), address);
    }
  });

  test("every path has its own state and parameters", async () => {
    using server = under.endpoint({}, "sctp://127.0.0.1,127.0.0.2:0");
    using client = SctpEndpoint.bind("sctp://127.0.0.1:0", { stack });
    const associationId = await client.connect(server.localAddresses());
    const options = client.optionsOf(associationId);

    options.setPeerAddressParametersOf("127.0.0.2", { heartbeatInterval: 5000, pathMaxRetransmissions: 2, dscp: 46 });

    const changed = options.peerAddressParametersOf("127.0.0.2");
    assert.deepEqual([changed.heartbeatInterval, changed.pathMaxRetransmissions, changed.dscp], [5000, 2, 46]);
    assert.equal(options.peerAddressParametersOf("127.0.0.1").heartbeatInterval, 30_000);
    for (const address of ["127.0.0.1", "127.0.0.2"]) {
      const path = client.pathInfo(associationId, new SctpAddress(address, server.localAddresses().port));
      assert.equal(path.address.address, address);
      assert.equal(path.associationId, associationId);
      assert.equal(path.state, "active");
      assert(path.mtu > 500 && path.cwnd > 0 && path.rto > 0);
    }
    options.sendHeartbeat("127.0.0.2");
    assert.throws(() => options.pathInfo("127.0.0.9"), { code: "EINVAL" });
    assert.throws(() => options.pathInfo("nonsense"), { name: "AddressError" });
  });

  test("the primary address can be chosen", async () => {
    using listener = under.listener({}, "sctp://127.0.0.1,127.0.0.2:0");
    using client = await SctpAssociation.connect(listener.localAddresses(), { stack });

    assert.equal(client.options.primaryAddress.address, "127.0.0.1");
    client.options.primaryAddress = "127.0.0.2";

    assert.equal(client.options.primaryAddress.address, "127.0.0.2");
    assert.equal(client.status().primary.address.address, "127.0.0.2");
    assert.throws(() => client.options.primaryAddress = "127.0.0.9", { code: "EINVAL" });
  });

  test("addresses that are added and removed during an association are told to the peer", async () => {
    using server = under.endpoint({ ...changeable, events: ["address"] });
    using client = SctpEndpoint.bind("sctp://127.0.0.1:0", { stack, ...changeable });
    const associationId = await client.connect(server.localAddresses());
    await until(() => server.associations().length === 1);
    const [serverId] = server.associations();

    client.addAddress("sctp://127.0.0.2:0");

    let event = await nextNotification(server, "address");
    while (event.state !== "added") event = await nextNotification(server, "address");
    assert.equal(event.address?.address, "127.0.0.2");
    assert.deepEqual([...client.localAddresses().addresses].sort(), ["127.0.0.1", "127.0.0.2"]);
    assert.deepEqual([...server.peerAddresses(serverId).addresses].sort(), ["127.0.0.1", "127.0.0.2"]);

    client.removeAddress("sctp://127.0.0.1:0");

    while (event.state !== "removed") event = await nextNotification(server, "address");
    assert.equal(event.address?.address, "127.0.0.1");
    assert.deepEqual([...client.localAddresses(associationId).addresses], ["127.0.0.2"]);
    await client.send("from the new address", { associationId });
    const message = await nextMessage(server);
    assert.deepEqual([text(message), message.from.address], ["from the new address", "127.0.0.2"]);
  });

  test("the peer is asked to send to another of our addresses first", async () => {
    using server = under.endpoint({ ...changeable, events: ["address"] });
    using client = SctpEndpoint.bind("sctp://127.0.0.1,127.0.0.2:0", { stack, ...changeable });
    const associationId = await client.connect(server.localAddresses());
    await until(() => server.associations().length === 1);
    const [serverId] = server.associations();
    const before = server.status(serverId).primary.address.address;
    const wanted = before === "127.0.0.1" ? "127.0.0.2" : "127.0.0.1";

    client.optionsOf(associationId).setPeerPrimaryAddress(wanted);

    await until(() => server.status(serverId).primary.address.address === wanted);
    await server.send("there", { associationId: serverId });
    assert.equal(text(await nextMessage(client)), "there");
  });

  test("addresses are bound before any association, and the last one stays", async () => {
    using server = under.endpoint();
    using client = under.endpoint();

    server.addAddress("sctp://127.0.0.2,127.0.0.3:0");
    server.removeAddress("sctp://127.0.0.1:0");

    assert.deepEqual([...server.localAddresses().addresses].sort(), ["127.0.0.2", "127.0.0.3"]);
    const associationId = await client.connect(server.localAddresses());
    assert.deepEqual([...client.peerAddresses(associationId).addresses].sort(), ["127.0.0.2", "127.0.0.3"]);
    assert.throws(() => server.addAddress("sctp://192.0.2.1:0"), { code: "EADDRNOTAVAIL" });
    assert.throws(() => server.removeAddress("sctp://127.0.0.2,127.0.0.3:0"), { code: "EBUSY" });
    assert.throws(() => server.removeAddress("sctp://127.0.0.9:0"), { code: "EINVAL" });
  });

  test("IPv6 peers are associated, in both styles", async () => {
    using listener = under.listener({}, "sctp://[::1]:0");
    using client = await SctpAssociation.connect(listener.localAddresses(), { stack });
    using server = await listener.accept();
    using endpoint = under.endpoint({}, "sctp://[::1]:0");

    await client.send("six");
    await endpoint.send("six again", { to: endpoint.localAddresses().withPort(listener.localAddresses().port) });

    const message = await server.receive();
    assert.equal(text(message), "six");
    assert.equal(message.from.family, "inet6");
    assert.equal(message.from.address, "::1");
    assert.deepEqual([...client.peerAddresses().addresses], ["::1"]);
  }, needsIpv6);

  test("an endpoint with IPv4 and IPv6 addresses talks to peers of both kinds", async () => {
    using server = under.endpoint({ v4Mapped: false }, "sctp://[::1],127.0.0.1:0");
    const { port } = server.localAddresses();
    using four = under.endpoint({}, "sctp://127.0.0.1:0");
    using six = under.endpoint({}, "sctp://[::1]:0");

    assert.deepEqual([...server.localAddresses().addresses].sort(), ["127.0.0.1", "::1"]);
    await four.send("four", { to: `sctp://127.0.0.1:${port}` });
    const fromFour = await nextMessage(server);
    await six.send("six", { to: `sctp://[::1]:${port}` });
    const fromSix = await nextMessage(server);

    assert.deepEqual([text(fromFour), fromFour.from.family, fromFour.from.address], ["four", "inet", "127.0.0.1"]);
    assert.deepEqual([text(fromSix), fromSix.from.family, fromSix.from.address], ["six", "inet6", "::1"]);
    await server.send("back", { to: fromFour.from });
    assert.equal(text(await nextMessage(four)), "back");
  }, needsIpv6);

  test("with v4Mapped an IPv4 peer of an IPv6 socket has a mapped address", async () => {
    using server = under.endpoint({ v4Mapped: true }, "sctp://[::1],127.0.0.1:0");
    using four = under.endpoint({}, "sctp://127.0.0.1:0");

    await four.send(bytes("four"), { to: `sctp://127.0.0.1:${server.localAddresses().port}` });

    assert.equal((await nextMessage(server)).from.address, "::ffff:127.0.0.1");
  }, needsIpv6);

  test("a wildcard stands for every address of the machine", async () => {
    using server = under.endpoint({}, "sctp://0.0.0.0:0");
    using client = under.endpoint();

    const associationId = await client.connect(`sctp://127.0.0.1:${server.localAddresses().port}`);

    assert(server.localAddresses().addresses.includes("127.0.0.1"));
    await client.send("x", { associationId });
    assert.equal(text(await nextMessage(server)), "x");
  });

  test("a URL with a host name is resolved when connecting", async () => {
    using listener = under.listener();

    using client = await SctpAssociation.connect(`sctp://localhost:${listener.localAddresses().port}`, { stack });

    assert(client.peerAddresses().addresses.some((address) => address.endsWith("127.0.0.1")));
    await assert.rejects(SctpAssociation.connect("sctp://no-such-host.invalid:1", { stack }), { name: "AddressError" });
    assert.throws(() => under.listener({}, "sctp://localhost:0"), { name: "AddressError" });
  });

  test("malformed URLs are refused wherever an address is taken", async () => {
    using endpoint = under.endpoint();
    for (
      const url of [
        "",
        "127.0.0.1:5000",
        "tcp://127.0.0.1:1",
        "sctp://127.0.0.1:65536",
        "sctp://127.0.0.1",
        "sctp://:1",
      ]
    ) {
      await assert.rejects(SctpAssociation.connect(url, { stack }), { name: "AddressError" }, url);
      await assert.rejects(endpoint.connect(url), { name: "AddressError" }, url);
      await assert.rejects(endpoint.send("x", { to: url }), { name: "AddressError" }, url);
      assert.throws(() => under.endpoint({}, url), { name: "AddressError" }, url);
      assert.throws(() => under.listener({}, url), { name: "AddressError" }, url);
      assert.throws(() => endpoint.addAddress(url), { name: "AddressError" }, url);
    }
  });
});

// Network topologies, as far as they need no netem.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import { test } from "../support/harness.ts";
import { IprouteError, netemAvailable, netnsUnavailable, Topology } from "../support/netns/topology.ts";
import { dropped, receive, send } from "./datagrams.ts";

const skip = netnsUnavailable();

/** What this process has left of topologies. */
function namespacesLeft(): string[] {
  const names = existsSync("/run/netns") ? readdirSync("/run/netns") : [];
  return names.filter((name) => name.startsWith(`sockeye-${process.pid}-`));
}

test("machines on two links reach each other over each", async () => {
  await using net = await Topology.create({
    namespaces: ["a", "b"],
    links: [{ from: "a", to: "b" }, {
      from: "b",
      to: "a",
      addresses: { from: ["192.0.2.1/24"], to: ["192.0.2.2/24"] },
    }],
  });
  const [first, second] = net.links;
  const received = await receive(net, "b", 2);

  await send(net, "a", first.addresses.to[0], 1);
  await send(net, "a", second.addresses.from[0], 1);

  assert.deepEqual(await received.lines(2), ["1 from 10.77.0.1", "1 from 192.0.2.2"]);
}, { skip });

test("IPv6 addresses are usable at once", async () => {
  await using net = await Topology.create({ namespaces: ["a", "b"], links: [{ from: "a", to: "b" }] });

  const { stdout } = await net.exec("a", ["ip", "-6", "address", "show", "tentative"]);

  assert.equal(stdout, "");
  assert.deepEqual(net.links[0].addresses.from, ["10.77.0.1", "fd77:0::1"]);
}, { skip });

test("two topologies at a time don't see each other", async () => {
  const options = { namespaces: ["a", "b"], links: [{ from: "a", to: "b" }] };

  await using first = await Topology.create(options);
  await using second = await Topology.create(options);

  const received = await receive(first, "b", 1);
  await send(second, "a", second.links[0].addresses.to[0], 1);
  await send(first, "a", first.links[0].addresses.to[0], 1);
  assert.equal(await received.line(), "1 from 10.77.0.1");
  assert.notEqual(first.nameOf("a"), second.nameOf("a"));
}, { skip });

test("packets cross a machine in the middle where routes say so", async () => {
  await using net = await Topology.create({
    namespaces: ["a", "router", "b"],
    links: [{ from: "a", to: "router" }, { from: "router", to: "b" }],
    routes: [{ namespace: "a", to: "default", via: "10.77.0.2" }, { namespace: "b", to: "default", via: "10.77.1.1" }],
  });
  const received = await receive(net, "b", 1);

  await send(net, "a", "10.77.1.2", 1);

  assert.equal(await received.line(), "1 from 10.77.0.1");
}, { skip });

test("a route has as many next hops as it is given, in both families", async () => {
  await using net = await Topology.create({
    namespaces: ["a", "b"],
    links: [{ from: "a", to: "b" }, { from: "a", to: "b" }],
    routes: [
      { namespace: "a", to: "default", via: ["10.77.0.2", "10.77.1.2"] },
      { namespace: "a", to: "default", via: ["fd77:0::2", "fd77:1::2"] },
    ],
  });
  const hops = async (family: string) => {
    const { stdout } = await net.exec("a", ["ip", family, "route", "show", "default"]);
    return [...stdout.matchAll(/nexthop via (\S+)/g)].map(([, address]) => address);
  };

  assert.deepEqual(await hops("-4"), ["10.77.0.2", "10.77.1.2"]);
  assert.deepEqual(await hops("-6"), ["fd77::2", "fd77:1::2"]);
}, { skip });

test("settings hold in every namespace, and the MTU on its link", async () => {
  await using net = await Topology.create({
    namespaces: ["a", "b"],
    links: [{ from: "a", to: "b", mtu: 1280 }],
    sysctls: { "net.ipv4.ip_default_ttl": 17 },
  });

  for (const namespace of ["a", "b"]) {
    const ttl = await net.exec(namespace, ["cat", "/proc/sys/net/ipv4/ip_default_ttl"]);
    const mtu = await net.exec(namespace, ["cat", `/sys/class/net/${net.links[0].interfaces.from}/mtu`]);
    assert.deepEqual([ttl.stdout, mtu.stdout], ["17\n", "1280\n"]);
  }
}, { skip });

test("a cut link loses everything and tells nobody, until it is mended", async () => {
  await using net = await Topology.create({ namespaces: ["a", "b"], links: [{ from: "a", to: "b" }] });
  const [link] = net.links;
  const received = await receive(net, "b", 2);
  await send(net, "a", link.addresses.to[0], 1);

  await link.cut();
  await send(net, "a", link.addresses.to[0], 5);
  const lost = await dropped(net, "a", link);
  await link.mend();
  await send(net, "a", link.addresses.to[0], 1);

  assert(lost >= 5, `${lost} packets were dropped`);
  assert.deepEqual(await received.lines(2), ["1 from 10.77.0.1", "1 from 10.77.0.1"]);
}, { skip });

test("a link that is down has no route, and comes up with its addresses", async () => {
  await using net = await Topology.create({ namespaces: ["a", "b"], links: [{ from: "a", to: "b" }] });
  const [link] = net.links;
  const addresses = async () => {
    const { stdout } = await net.exec("a", ["ip", "-brief", "address", "show", "scope", "global"]);
    // The kernel works out the operational state, which stands between, in its own time.
    return stdout.split(/\s+/).filter((field) => !/^(UP|DOWN|UNKNOWN|LOWERLAYERDOWN)$/.test(field)).sort();
  };
  const route = async () => (await net.exec("a", ["ip", "route", "get", "10.77.0.2"])).code;
  const before = await addresses();

  await link.down();
  const whileDown = await route();
  await link.up();

  assert.notEqual(whileDown, 0);
  assert.equal(await route(), 0);
  assert.deepEqual(await addresses(), before);
}, { skip });

test("disposal kills what runs in the namespaces and removes them", async () => {
  const net = await Topology.create({ namespaces: ["a"] });
  const child = net.spawn("a", ["sleep", "1000"], { stdio: "ignore" });
  const ended = new Promise((resolve) => child.once("exit", (_, signal) => resolve(signal)));

  await net[Symbol.asyncDispose]();

  assert.equal(await ended, "SIGKILL");
  assert.deepEqual(namespacesLeft(), []);
}, { skip });

test("a topology that can't be made is removed as far as it was", async () => {
  const impossible = Topology.create({
    namespaces: ["a", "b"],
    links: [{ from: "a", to: "b", addresses: { from: ["not an address"], to: [] } }],
  });

  await assert.rejects(impossible, IprouteError);
  assert.deepEqual(namespacesLeft(), []);
}, { skip });

test("an unknown namespace is refused by name", async () => {
  await assert.rejects(Topology.create({ namespaces: ["a"], links: [{ from: "a", to: "z" }] }), /"z"/);

  await using net = await Topology.create({ namespaces: ["a"] });
  assert.throws(() => net.within("y", ["true"]), /"y"/);
}, { skip });

if (!netemAvailable()) {
  test("where the kernel lacks netem, asking for it says where to find it", async () => {
    await using net = await Topology.create({ namespaces: ["a", "b"], links: [{ from: "a", to: "b" }] });

    await assert.rejects(net.links[0].setNetem({ loss: 50 }), /deno task rig/);
    await assert.rejects(
      Topology.create({ namespaces: ["a"], links: [{ from: "a", to: "a", netem: {} }] }),
      /deno task rig/,
    );
  }, { skip });
}

test("namespaces of a process that is no more are removed", async () => {
  const ended = new Deno.Command("true").spawn();
  await ended.status;
  const stale = `sockeye-${ended.pid}-abcdef-a`;
  await new Deno.Command("ip", { args: ["netns", "add", stale] }).output();

  await using _net = await Topology.create({ namespaces: ["a"] });

  assert.equal(readFileSync("/proc/self/mounts", "utf8").includes(stale), false);
}, { skip });

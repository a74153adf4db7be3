// A router that answers each datagram with the ICMP error that the datagram asks for. Its argument is a Route as JSON; it
// says "ready", and goes on until it is killed.

import { encodeIpv4Header, encodeIpv6Header, encodeUdpDatagram, RawIpSocket, UdpSocket } from "@sockeye/sockeye/qos";
import process from "node:process";
import type { Family } from "../chain.ts";
import { forge, forgeryOf } from "../forgeries.ts";

/** Where the router is. */
export interface Route {
  /** Its addresses, by family. */
  addresses: Record<Family, string>;
  /** Where it waits for datagrams. */
  port: number;
}

const UDP = 17;

const { addresses, port }: Route = JSON.parse(process.argv[2]);

async function answer(family: Family): Promise<void> {
  const address = addresses[family];
  await using probes = UdpSocket.bind({ family, address, port }, { receiveBuffer: 4 << 20 });
  await using icmp = RawIpSocket.open({ protocol: family === "inet" ? "icmp" : "icmp6", family, icmpTypes: [] });
  console.log("ready");
  for await (const { data, from } of probes) {
    const { address: source, port: sourcePort } = from as { address: string; port: number };
    const between = { source, destination: address };
    const datagram = encodeUdpDatagram({ sourcePort, destinationPort: port }, data, between);
    const fields = { ...between, protocol: UDP, ttl: 1, payloadLength: datagram.length };
    const header = family === "inet" ? encodeIpv4Header(fields) : encodeIpv6Header(fields);
    await icmp.send(forge(family, new Uint8Array([...header, ...datagram]), forgeryOf(data)), source);
  }
}

await Promise.all([answer("inet"), answer("inet6")]);

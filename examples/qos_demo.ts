/**
 * Per-packet control in one program: datagrams with options of their own, ICMP errors back to the packet that caused them,
 * the route to a host, and the largest packet that gets there.
 *
 *     deno run -A examples/qos_demo.ts [HOST]
 *
 * HOST is this machine unless another is named. `deno task demo` runs it in a network of its own, with routers, a silent
 * one and small links among them.
 *
 * @module
 */

import { dscpName, pathMtu, trace, UdpSocket } from "@sockeye/sockeye/qos";
import process from "node:process";

const TEXT = new TextEncoder();

/** Sends datagrams whose headers differ, and shows what each arrived with. */
async function showOptions(): Promise<void> {
  await using receiver = UdpSocket.bind("127.0.0.1:0", { info: ["ttl", "tos"] });
  await using sender = UdpSocket.bind("127.0.0.1:0");
  const to = receiver.localAddress();
  await sender.sendBatch([
    { data: TEXT.encode("voice"), to, ttl: 7, dscp: "EF", dontFragment: true },
    { data: TEXT.encode("video"), to, ttl: 70, dscp: "AF41", ecn: "ECT(0)" },
    { data: TEXT.encode("backup"), to, dscp: "LE", dontFragment: false },
  ]);
  for (let i = 0; i < 3; i++) {
    const datagram = await receiver.receive({ timeout: 5_000 });
    const { ttl, dscp = 0, ecn } = datagram;
    console.log(`arrived: ${datagram.text().padEnd(8)} ttl ${ttl}, dscp ${dscpName(dscp) ?? dscp}, ecn ${ecn}`);
  }
}

/** Sends labelled datagrams that cannot arrive, and shows whose error is whose. */
async function showErrors(host: string): Promise<void> {
  await using prober = UdpSocket.bind();
  for (const ttl of [1, 2]) {
    await prober.send(TEXT.encode(`probe ${ttl}`), `${host}:33434`, { ttl, label: `the probe with ttl ${ttl}` });
  }
  for (let i = 0; i < 2; i++) {
    const error = await prober.receive({ errors: true, timeout: 5_000 });
    if (error.kind === "error") console.log(`error:   ${error.label}: ${error.name} from ${error.router}`);
  }
}

/** Shows the way to a host, and where it narrows. */
async function showRoute(host: string): Promise<void> {
  for await (const event of trace(host, { mtu: true, probes: 1 })) {
    switch (event.type) {
      case "reply":
        console.log(`trace:   ${String(event.ttl).padStart(2)}  ${event.router}  ${event.rtt.toFixed(3)} ms`);
        break;
      case "timeout":
        console.log(`trace:   ${String(event.ttl).padStart(2)}  *`);
        break;
      case "mtu":
        console.log(`trace:       from here on packets have at most ${event.mtu} bytes`);
        break;
      case "summary":
        console.log(`trace:   ${host} ${event.reached ? "reached" : "not reached"} in ${event.duration.toFixed(0)} ms`);
    }
  }
  const { mtu } = await pathMtu(host);
  console.log(`pathMtu: ${mtu} bytes to ${host}`);
}

const host = process.argv[2] ?? "127.0.0.1";
await showOptions();
await showErrors(host.includes(":") ? `[${host}]` : host);
await showRoute(host);

/**
 * ICMP errors back to their packet: probes to several ports where nobody listens, and one where somebody does; each error
 * comes with the label of the very probe that caused it.
 *
 *     deno run -A examples/qos_errors.ts
 *
 * @module
 */

import { UdpSocket } from "@sockeye/sockeye/qos";

await using listener = UdpSocket.bind("127.0.0.1:0");
const closed = Array.from({ length: 3 }, () => UdpSocket.bind("127.0.0.1:0"));
const ports = closed.map((socket) => socket.localAddress());
for (const socket of closed) socket.close();

await using prober = UdpSocket.bind("127.0.0.1:0", { errors: true });
const probe = new TextEncoder().encode("anybody there?");
for (const [index, to] of ports.entries()) await prober.send(probe, to, { label: `closed port ${index}` });
await prober.send(probe, listener.localAddress(), { label: "open port" });

for (let answers = 0; answers < ports.length; answers++) {
  const arrival = await prober.receive({ errors: true, timeout: 5_000 });
  if (arrival.kind === "error") console.log(`${arrival.label}: ${arrival.name} from ${arrival.router}`);
}
const question = await listener.receive({ timeout: 5_000 });
console.log(`open port: heard ${JSON.stringify(question.text())}`);

/**
 * UDP with control messages: each packet goes out with a TTL of its own, and the receiver reads the TTL it came with.
 *
 *     deno run -A examples/udp_ping.ts
 *
 * @module
 */

import {
  AF_INET,
  controlMessages,
  encodeControlMessages,
  IP_RECVTTL,
  IP_TTL,
  IPPROTO_IP,
  type Message,
  MessageSocket,
  setsockopt,
  SOCK_DGRAM,
} from "@sockeye/sockeye/ffi";

const server = MessageSocket.open(AF_INET, SOCK_DGRAM);
const client = MessageSocket.open(AF_INET, SOCK_DGRAM);
try {
  server.bind({ family: "inet", address: "127.0.0.1", port: 0 });
  setsockopt(server.fd, IPPROTO_IP, IP_RECVTTL, 1);
  const serving = serve();

  for (const ttl of [1, 30, 255]) {
    const begin = performance.now();
    const ping = new TextEncoder().encode(`ttl ${ttl}`);
    await client.send(ping, { to: server.localAddress(), control: timeToLive(ttl) });
    const { data } = await client.receive({ timeout: 5_000 });
    const elapsedMs = performance.now() - begin;
    console.log(`${new TextDecoder().decode(data)}, ${elapsedMs.toFixed(2)} ms`);
  }
  server.close();
  await serving;
} finally {
  server.close();
  client.close();
}

/** Answers each packet with what it says and the TTL that it had. */
async function serve(): Promise<void> {
  for await (const message of server) {
    const answer = `${new TextDecoder().decode(message.data)}: arrived with ${receivedTimeToLive(message)}`;
    await server.send(new TextEncoder().encode(answer), { to: message.address });
  }
}

/** ip(7): the option of the socket, for this packet alone. */
function timeToLive(ttl: number): Uint8Array {
  return encodeControlMessages([{ level: IPPROTO_IP, type: IP_TTL, data: new Uint8Array(Int32Array.of(ttl).buffer) }]);
}

function receivedTimeToLive({ control }: Message): number | undefined {
  for (const { level, type, data } of controlMessages(control)) {
    if (level === IPPROTO_IP && type === IP_TTL) return data[0];
  }
}

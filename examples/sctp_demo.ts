/**
 * Sockeye's main job in one program: a multi-homed SCTP endpoint and a client exchange messages on several streams,
 * ordered and unordered, and show what came with each; then a burst, with its rate, and a summary.
 *
 * Run it with `deno task demo`, which brings a kernel with SCTP along where this machine's has none.
 *
 * @module
 */

import { SctpAssociation, SctpEndpoint, type SctpMessage, type SctpNotification } from "@sockeye/sockeye/sctp";
import process from "node:process";
import { parseArgs } from "node:util";

const BURST_BYTES = 1024;

/** What the client says: payload protocol identifiers are those of IANA's list. */
const CONVERSATION = [
  { streamId: 0, ppid: 46, unordered: false, text: "Capabilities-Exchange-Request" }, // Diameter
  { streamId: 1, ppid: 3, unordered: false, text: "ASP up" }, // M3UA
  { streamId: 2, ppid: 18, unordered: false, text: "Initial UE message" }, // S1AP
  { streamId: 2, ppid: 18, unordered: false, text: "Uplink NAS transport" },
  { streamId: 3, ppid: 60, unordered: true, text: "Paging" }, // NGAP
  { streamId: 5, ppid: 51, unordered: true, text: "a WebRTC string" },
];

const decoder = new TextDecoder();

function describeMessage(side: string, message: SctpMessage): string {
  const { streamId, ppid, tsn, ssn, unordered, from, data } = message;
  const order = unordered ? "unordered" : `ssn ${ssn}`;
  const what = data.length > 60 ? `${data.length} bytes` : JSON.stringify(decoder.decode(data));
  return `${side} message      stream ${streamId}  ppid ${ppid}  tsn ${tsn}  ${order}  from ${from.address}:${from.port}  ${what}`;
}

function describeNotification(side: string, notification: SctpNotification): string {
  switch (notification.type) {
    case "association":
      return `${side} association  ${notification.state}  streams out ${notification.outboundStreams}` +
        `, in ${notification.inboundStreams}`;
    case "address":
      return `${side} address      ${notification.address?.address} ${notification.state}`;
    default:
      return `${side} ${notification.type}`;
  }
}

/** Echoes every message on its own stream and in its own way, and prints what happens, until the client has gone. */
async function serve(endpoint: SctpEndpoint, print: (line: string) => void, isQuiet: () => boolean): Promise<void> {
  for await (const event of endpoint) {
    if (event.type === "message") {
      if (!isQuiet()) print(describeMessage("server", event));
      const { associationId, streamId, ppid, unordered } = event;
      await endpoint.send(event.data, { associationId, streamId, ppid, unordered });
    } else if (event.type !== "message-too-large") {
      print(describeNotification("server", event));
      if (event.type === "association" && event.state === "shutdown-complete") return;
    }
  }
}

/** Prints the client's notifications until its association ends. */
async function watch(client: SctpAssociation, print: (line: string) => void): Promise<void> {
  for await (const notification of client.events()) print(describeNotification("client", notification));
}

/** Sends `count` messages over four streams while the echoes come back, and says how fast that went. */
async function burst(client: SctpAssociation, count: number): Promise<{ seconds: number; streams: number[] }> {
  const payload = new Uint8Array(BURST_BYTES).fill(0x2a);
  const streams = [0, 0, 0, 0];
  const begin = performance.now();
  const send = async () => {
    for (let i = 0; i < count; i++) await client.send(payload, { streamId: i % streams.length, ppid: 39 });
  };
  const receive = async () => {
    for (let i = 0; i < count; i++) streams[(await client.receive()).streamId]++;
  };
  await Promise.all([send(), receive()]);
  return { seconds: (performance.now() - begin) / 1000, streams };
}

/** Runs the demonstration, and ends it cleanly when the signal fires. */
export async function main(
  { burstMessages = 2000, signal = new AbortController().signal, print = console.log as (line: string) => void } = {},
): Promise<void> {
  let isQuiet = false;
  // Whoever reads or writes when the interrupt closes the sockets hears of it, too; once is enough.
  const unlessInterrupted = (error: unknown) => {
    if (!signal.aborted) throw error;
  };
  const endpoint = SctpEndpoint.listen("sctp://127.0.0.1,127.0.0.2:0", { events: ["association", "address"] });
  const serving = serve(endpoint, print, () => isQuiet).catch(unlessInterrupted);
  const end = () => endpoint.close();
  signal.addEventListener("abort", end, { once: true });
  let client: SctpAssociation | undefined;
  try {
    print(`server listens on ${endpoint.localAddresses()}`);
    client = await SctpAssociation.connect(endpoint.localAddresses(), {
      local: "sctp://127.0.0.1,127.0.0.2:0",
      initmsg: { numOstreams: 8, maxInstreams: 8 },
      events: ["association", "address", "shutdown"],
      signal,
    });
    const watching = watch(client, print).catch(unlessInterrupted);
    print(`client connected, ${client.localAddresses()} to ${client.peerAddresses()}`);

    for (const { text, ...options } of CONVERSATION) {
      await client.send(text, { ...options, signal });
      print(describeMessage("client", await client.receive({ signal })));
    }

    isQuiet = true;
    print(`burst: ${burstMessages} messages of ${BURST_BYTES} bytes to the server and back, on 4 streams …`);
    const { seconds, streams } = await burst(client, burstMessages);
    const rate = Math.round(burstMessages / seconds);
    const megabytes = (burstMessages * BURST_BYTES * 2 / seconds / 1e6).toFixed(1);
    print(`burst: ${rate} messages/s each way, ${megabytes} MB/s in all, per stream ${streams.join(", ")}`);

    const status = client.status();
    const statistics = client.statistics();
    const sent = client.stats();
    await client.shutdown({ signal });
    await Promise.all([watching, serving]);
    print(
      `summary: client sent ${sent.messagesSent} messages (${sent.bytesSent} bytes) and received ${sent.messagesReceived}; ` +
        `${status.outboundStreams} streams each way; ${statistics.retransmittedChunks} chunks retransmitted; ended gracefully`,
    );
  } catch (error) {
    unlessInterrupted(error);
    print("interrupted: closing");
  } finally {
    signal.removeEventListener("abort", end);
    client?.close();
    endpoint.close();
    await serving;
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { messages: { type: "string", default: "2000" } } });
  const interrupt = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => interrupt.abort());
  await main({ burstMessages: Number(values.messages), signal: interrupt.signal });
  // Signal listeners would keep the program waiting for signals.
  process.exit();
}

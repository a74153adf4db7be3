/**
 * Our side of the comparison over SCTP: `our_sctp.ts receive|send|echo|ask one-to-one|one-to-many PORT SIZE async|sync
 * MILLISECONDS`, as c/sctp.c; "sync" blocks the thread of a Worker. `our_sctp.ts hold COUNT` opens associations, and
 * tells what each takes.
 *
 * @module
 */

import { SctpAssociation, SctpEndpoint, type SctpEvent, SctpListener, type SctpMessage } from "../../sctp/mod.ts";
import { END_BYTES, say } from "./tally.mjs";
import { inWorker, isWorker, serveAsWorker } from "./worker.ts";

const MESSAGES_PER_LOOK = 32;
const TRIPS_PER_LOOK = 8;
const PPID = 46;
/** The same as in c/sctp.c. */
const OPTIONS = { sendBufferSize: 1 << 20, receiveBufferSize: 4 << 20, nodelay: true };

type Command = [role: string, style: string, port: string, size: string, mode: string, ms: string];

/** One association, of either style, in either mode. */
interface Line {
  send(data: Uint8Array): Promise<void> | void;
  receive(): Promise<SctpMessage> | SctpMessage;
  close(): Promise<void>;
}

function oneToOne(association: SctpAssociation, isSync: boolean): Line {
  return {
    send: isSync
      ? (data) => association.sendSync(data, { ppid: PPID })
      : (data) => association.send(data, { ppid: PPID }),
    receive: isSync ? () => association.receiveSync() : () => association.receive(),
    close: () => association[Symbol.asyncDispose](),
  };
}

/** @param associationId Where to send; 0 answers whoever was received from last. */
function oneToMany(endpoint: SctpEndpoint, associationId: number, isSync: boolean): Line {
  const options = { associationId, ppid: PPID };
  const messageOf = (event: SctpEvent): SctpMessage => {
    if (event.type !== "message") throw new Error(`an event of type ${event.type} was not asked for`);
    if (options.associationId === 0) options.associationId = event.associationId;
    return event;
  };
  return {
    send: isSync ? (data) => endpoint.sendSync(data, options) : (data) => endpoint.send(data, options),
    receive: isSync ? () => messageOf(endpoint.receiveSync()) : () => endpoint.receive().then(messageOf),
    close: () => endpoint[Symbol.asyncDispose](),
  };
}

async function served(style: string, port: string, isSync: boolean): Promise<Line> {
  const url = `sctp://127.0.0.1:${port}`;
  if (style === "one-to-many") {
    const endpoint = SctpEndpoint.listen(url, OPTIONS);
    say({ ready: String(endpoint.localAddresses().port) });
    return oneToMany(endpoint, 0, isSync);
  }
  using listener = SctpListener.listen(url, OPTIONS);
  say({ ready: String(listener.localAddresses().port) });
  return oneToOne(isSync ? listener.acceptSync() : await listener.accept(), isSync);
}

async function connected(style: string, port: string, isSync: boolean): Promise<Line> {
  const url = `sctp://127.0.0.1:${port}`;
  if (style === "one-to-one") {
    return oneToOne(
      isSync ? SctpAssociation.connectSync(url, OPTIONS) : await SctpAssociation.connect(url, OPTIONS),
      isSync,
    );
  }
  const endpoint = SctpEndpoint.bind("sctp://127.0.0.1:0", OPTIONS);
  return oneToMany(endpoint, isSync ? endpoint.connectSync(url) : await endpoint.connect(url), isSync);
}

async function receive(line: Line, warmUpMs: number): Promise<void> {
  let total = 0;
  let counted = 0;
  let begun = 0;
  let warm = 0;
  for (;;) {
    const received = line.receive();
    const { data } = received instanceof Promise ? await received : received;
    if (data.length === END_BYTES) break;
    if (total++ % MESSAGES_PER_LOOK !== 0 || warm !== 0) continue;
    const time = performance.now();
    if (begun === 0) begun = time;
    if (time >= begun + warmUpMs) {
      warm = time;
      counted = total;
    }
  }
  say({ received: total - counted, total, seconds: (performance.now() - warm) / 1000 });
}

async function send(line: Line, size: number, runMs: number): Promise<void> {
  const data = new Uint8Array(size);
  let sent = 0;
  const begun = performance.now();
  do {
    for (let i = 0; i < MESSAGES_PER_LOOK; i++, sent++) await line.send(data);
  } while (performance.now() < begun + runMs);
  say({ sent, seconds: (performance.now() - begun) / 1000 });
  await line.send(new Uint8Array(END_BYTES));
}

async function echo(line: Line): Promise<void> {
  for (;;) {
    const received = line.receive();
    const { data } = received instanceof Promise ? await received : received;
    if (data.length === END_BYTES) return;
    const sent = line.send(data);
    if (sent instanceof Promise) await sent;
  }
}

async function ask(line: Line, size: number, runMs: number): Promise<void> {
  const data = new Uint8Array(size);
  const samples: number[] = [];
  const begun = performance.now();
  let before = begun;
  while (before < begun + runMs) {
    for (let i = 0; i < TRIPS_PER_LOOK; i++) {
      const sent = line.send(data);
      if (sent instanceof Promise) await sent;
      const received = line.receive();
      if (received instanceof Promise) await received;
    }
    const after = performance.now();
    samples.push((after - before) / TRIPS_PER_LOOK * 1000);
    before = after;
  }
  await line.send(new Uint8Array(END_BYTES));
  const kept = samples.slice(Math.floor(samples.length / 2)).sort((a, b) => a - b);
  say({
    roundTrips: kept.length * TRIPS_PER_LOOK,
    median: kept[Math.floor(kept.length / 2)],
    p99: kept[Math.floor(kept.length * 99 / 100)],
  });
}

async function run([role, style, port, size, mode, ms]: Command): Promise<void> {
  const isSync = mode === "sync";
  const isServed = role === "receive" || role === "echo";
  const line = await (isServed ? served : connected)(style, port, isSync);
  if (role === "receive") await receive(line, Number(ms));
  else if (role === "send") await send(line, Number(size), Number(ms));
  else if (role === "echo") await echo(line);
  else await ask(line, Number(size), Number(ms));
  await line.close();
}

/** Both ends of many associations in one process, and what they take. */
async function hold(count: number): Promise<void> {
  const collect = (globalThis as unknown as { gc: () => void }).gc;
  const used = () => {
    collect();
    collect();
    const { heapUsed, external, rss } = Deno.memoryUsage();
    return [heapUsed, external, rss];
  };
  using listener = SctpListener.listen("sctp://127.0.0.1:0");
  const url = `sctp://127.0.0.1:${listener.localAddresses().port}`;
  const open = async () => [await SctpAssociation.connect(url), await listener.accept()];
  const held = [await open()];
  const before = used();
  for (let i = 0; i < count; i++) held.push(await open());
  const after = used();
  const [heap, external, resident] = after.map((value, i) => (value - before[i]) / (2 * count));
  say({ heap, external, resident });
  for (const pair of held) for (const association of pair) association.abort();
}

if (isWorker) serveAsWorker(run);
else if (Deno.args[0] === "hold") await hold(Number(Deno.args[1]));
else if (Deno.args[4] === "sync") await inWorker(import.meta.url, Deno.args);
else await run(Deno.args as Command);

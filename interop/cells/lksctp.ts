/**
 * Debian's lksctp-tools: checksctp, sctp_test and sctp_darn, as server and as client.
 *
 * What they print is all there is to go by. Their ways, found by trying:
 *
 * - sctp_test prints the metadata of every message but the first; messages above 64 KiB in pieces; the PPID as the host
 *   reads it, without regard to network order. Its payloads are the digits, over and over in rows of 50, and a final zero.
 * - sctp_darn collects its output in a buffer unless stdbuf(1) tells it not to, prints all but the last byte of a message,
 *   metadata only on one-to-many sockets, and exits with the length of what it sent last. On a one-to-one socket it reads
 *   nothing any more once the association is gone, and prints an end of file as DATA(0). It sends each line with its newline and a final zero, on stream 0 with
 *   PPID 0.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type Cell, type CellContext, Skipped } from "../cell.ts";
import { type Fingerprint, fingerprints, fnv1a, pattern, type SendSpec } from "../messages.ts";
import { isListening } from "../network.ts";
import { Peer, type PeerKind } from "../peers.ts";
import { LineProcess } from "../process.ts";
import { nameOf } from "./conversation.ts";

interface Who {
  kind: PeerKind;
  style: "many" | "one";
}

const STYLES = ["many", "one"] as const;
const GROUP = "lksctp-tools";

/** The cells with one peer of ours on the other side. */
export function lksctpCells(other: (style: "many" | "one") => Who): Cell[] {
  return [
    checksctpCell(),
    ...STYLES.flatMap((style) => [
      sctpTestServerCell(style, other(style), ["127.0.0.1", "127.0.0.2"]),
      sctpTestServerCell(style, other(style === "one" ? "many" : "one"), ["::1"]),
      sctpTestClientCell(style, other(style), ["127.0.0.1", "127.0.0.2"]),
      sctpTestClientCell(style, other(style === "one" ? "many" : "one"), ["::1"]),
      sctpDarnServerCell(style, other(style)),
      sctpDarnClientCell(style, other(style)),
    ]),
  ];
}

function checksctpCell(): Cell {
  return {
    group: GROUP,
    name: "checksctp finds SCTP",
    async run(context) {
      const checksctp = startTool(context, ["checksctp"]);

      assert.equal((await checksctp.ended).code, 0);
      assert.deepEqual(checksctp.lines, ["SCTP supported"]);
    },
  };
}

const TO_SCTP_TEST: readonly SendSpec[] = [
  { stream: 0, ppid: 1, size: 10, seed: 3 },
  { stream: 3, ppid: 0x01020304, size: 10, count: 3, seed: 4 },
  { stream: 4, ppid: 46, size: 1453, count: 2, seed: 40, unordered: true },
  { stream: 5, ppid: 0xfffffffe, size: 100_000, seed: 70 },
];

function sctpTestServerCell(style: "many" | "one", clientEnd: Who, addresses: readonly string[]): Cell {
  return {
    group: GROUP,
    name: `${nameOf(clientEnd)} to sctp_test -l (${style}), ${addresses.join(" and ")}`,
    async run(context) {
      const port = nextPort();
      const tool = startTool(context, ["sctp_test", ...local(addresses, port), "-l", ...tcpStyle(style, "-T")]);
      await tool.line((line) => line.startsWith("Server: Receiving"));
      await listening(port, context);

      const { peer: client } = await Peer.start(
        clientEnd.kind,
        { role: "connect", style: clientEnd.style, peer: addresses, peerPort: port, sends: TO_SCTP_TEST },
        context,
      );
      await client.done;
      await tool.line((line) => line.includes("SCTP_ASSOC_CHANGE(SHUTDOWN_COMPLETE)"));

      checkAgainst(receivedBySctpTest(tool.lines), fingerprints(TO_SCTP_TEST));
    },
  };
}

/** A message as sctp_test tells of it; the first comes without metadata. */
interface Told {
  length: number;
  metadata?: { stream: number; ssn: number; tsn: number; unordered: boolean; ppid: number };
}

function receivedBySctpTest(lines: readonly string[]): Told[] {
  const pieces: Told[] = [];
  for (const line of lines) {
    const data = /Data (\d+) bytes\./.exec(line);
    if (data !== null) pieces.push({ length: Number(data[1]) });
    const info = /SNDRCV\(stream=(\d+) ssn=(\d+) tsn=(\d+) flags=0x(\w+) ppid=(\d+)/.exec(line);
    if (info === null) continue;
    const [stream, ssn, tsn] = info.slice(1, 4).map(Number);
    const metadata = { stream, ssn, tsn, unordered: parseInt(info[4], 16) % 2 === 1, ppid: swapped(Number(info[5])) };
    const last = pieces.pop()!;
    const before = pieces.at(-1);
    if (!metadata.unordered && before?.metadata?.stream === stream && before.metadata.ssn === ssn) {
      before.length += last.length;
    } else pieces.push({ ...last, metadata });
  }
  return pieces;
}

function checkAgainst(told: readonly Told[], sent: readonly Fingerprint[]): void {
  assert.deepEqual(told.map(({ length }) => length), sent.map(({ length }) => length), "lengths");
  const ssns = new Map<number, number>();
  for (const [index, { stream, ppid, unordered }] of sent.entries()) {
    const ssn = ssns.get(stream) ?? 0;
    if (!unordered) ssns.set(stream, ssn + 1);
    if (index === 0) continue;
    const { tsn: _, ...metadata } = told[index].metadata!;
    assert.deepEqual(metadata, { stream, ssn: unordered ? metadata.ssn : ssn, unordered, ppid }, `message ${index}`);
  }
}

function sctpTestClientCell(style: "many" | "one", serverEnd: Who, addresses: readonly string[]): Cell {
  return {
    group: GROUP,
    name: `sctp_test -s (${style}) to ${nameOf(serverEnd)}, ${addresses.join(" and ")}`,
    async run(context) {
      const { peer: server, port } = await Peer.start(
        serverEnd.kind,
        { role: "listen", style: serverEnd.style, local: addresses },
        context,
      );

      const VARIED_SIZES = "4", ALTERNATING_ORDER = "2", STREAMS = "5", SEED = "42";
      const tool = startTool(context, [
        "sctp_test",
        ...local([addresses[0]], nextPort()),
        ...["-h", addresses[0], "-p", String(port), "-s"],
        ...["-c", VARIED_SIZES, "-o", ALTERNATING_ORDER, "-M", STREAMS, "-r", SEED, "-x", "1"],
        ...tcpStyle(style, "-T"),
      ]);
      const { code } = await tool.ended;
      await server.done;

      assert.equal(code, 0);
      const sent = sentBySctpTest(tool.lines);
      assert.deepEqual(sent.map(({ length }) => length), [
        1,
        1000,
        2000,
        3000,
        5000,
        10000,
        15000,
        20000,
        25000,
        32768,
      ]);
      const seen = server.messages.map(({ stream, ppid, unordered, length, fnv }) => ({
        stream,
        ppid,
        unordered,
        length,
        fnv,
      }));
      assert.deepEqual(seen, sent);
      assert.equal(server.notifications.find(({ state }) => state === "SCTP_COMM_UP")?.inbound, Number(STREAMS));
      assert.equal(server.end.how, "SCTP_SHUTDOWN_COMP");
    },
  };
}

function sentBySctpTest(lines: readonly string[]): Fingerprint[] {
  const sent: Fingerprint[] = [];
  for (const [index, line] of lines.entries()) {
    const data = /sendmsg\(sk=\d+, assoc=\d+\) +(\d+) bytes\./.exec(line);
    if (data === null) continue;
    const info = /SNDRCV\(stream=(\d+) flags=0x(\w+) ppid=(\d+)/.exec(lines[index + 1])!;
    const length = Number(data[1]);
    sent.push({
      stream: Number(info[1]),
      ppid: swapped(Number(info[3])),
      unordered: parseInt(info[2], 16) % 2 === 1,
      length,
      fnv: fnv1a(rowsOfDigits(length)),
    });
  }
  return sent;
}

function rowsOfDigits(length: number): Uint8Array {
  const ROW = 50, ZERO = "0".charCodeAt(0);
  return Uint8Array.from({ length }, (_, index) => index === length - 1 ? 0 : ZERO + index % ROW % 10);
}

const TO_SCTP_DARN: readonly SendSpec[] = [
  { stream: 3, ppid: 9, size: 12, count: 2, seed: 4 },
  { stream: 4, ppid: 0x0a0b0c0d, size: 70, unordered: true, seed: 8 },
];

function sctpDarnServerCell(style: "many" | "one", clientEnd: Who): Cell {
  return {
    group: GROUP,
    name: `${nameOf(clientEnd)} to sctp_darn -l (${style})`,
    async run(context) {
      const port = nextPort();
      const tool = startTool(context, [
        ...["stdbuf", "-oL", "sctp_darn"],
        ...local(["127.0.0.1"], port),
        "-l",
        ...tcpStyle(style, "-t"),
      ]);
      await listening(port, context);

      const { peer: client } = await Peer.start(clientEnd.kind, {
        role: "connect",
        style: clientEnd.style,
        peer: ["127.0.0.1"],
        peerPort: port,
        sends: TO_SCTP_DARN,
        end: "peer",
      }, context);
      const printed: string[] = [];
      for (const { size, count = 1, seed = 0 } of TO_SCTP_DARN) {
        for (let index = 0; index < count; index++) {
          printed.push(`DATA(${size}):  ${asPrinted(pattern(size, seed + index)).slice(0, -1)}`);
        }
      }
      await tool.line((line) => line === printed.at(-1));
      client.finish();
      await client.done;

      assert.deepEqual(tool.lines.filter((line) => /^DATA\([1-9]/.test(line)), printed);
      if (style === "many") checkAgainst(receivedBySctpDarn(tool.lines), fingerprints(TO_SCTP_DARN));
    },
  };
}

function receivedBySctpDarn(lines: readonly string[]): Told[] {
  const text = lines.join("\n");
  const field = (block: string, name: string) => Number(new RegExp(`sinfo_${name} +(\\S+)`).exec(block)![1]);
  return [...text.matchAll(/SNDRCV\n([\s\S]*?)DATA\((\d+)\)/g)].map(([, block, length]) => ({
    length: Number(length),
    metadata: {
      stream: field(block, "stream"),
      ssn: field(block, "ssn"),
      tsn: field(block, "tsn"),
      unordered: field(block, "flags") % 2 === 1,
      ppid: swapped(field(block, "ppid")),
    },
  }));
}

function sctpDarnClientCell(style: "many" | "one", serverEnd: Who): Cell {
  return {
    group: GROUP,
    name: `sctp_darn -s (${style}) to ${nameOf(serverEnd)}`,
    async run(context) {
      const { peer: server, port } = await Peer.start(
        serverEnd.kind,
        { role: "listen", style: serverEnd.style },
        context,
      );

      const lines = ["hello", "a second line", "and a third"];
      const tool = startTool(context, [
        "sctp_darn",
        ...local(["127.0.0.1"], nextPort()),
        ...["-h", "127.0.0.1", "-p", String(port), "-s"],
        ...tcpStyle(style, "-t"),
      ], true);
      await tool.write(lines.map((line) => `${line}\n`).join(""));
      await tool.closeInput();
      await tool.ended;
      await server.done;

      const sent = lines.map((line) => new TextEncoder().encode(`${line}\n\0`));
      assert.deepEqual(
        server.messages.map(({ stream, ppid, unordered, length, fnv }) => ({ stream, ppid, unordered, length, fnv })),
        sent.map((bytes) => ({ stream: 0, ppid: 0, unordered: false, length: bytes.length, fnv: fnv1a(bytes) })),
      );
      checkMessagesInOrder(server, lines.length);
    },
  };
}

function checkMessagesInOrder(server: Peer, count: number): void {
  assert.deepEqual(server.messages.map(({ ssn }) => ssn), Array.from({ length: count }, (_, index) => index), "SSNs");
}

/** Bytes as the tools print them. */
function asPrinted(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".").join("");
}

let port = 7100;

/** The tools want to be told a port; these are nobody else's in the runner's namespace. */
function nextPort(): number {
  return port++;
}

function local(addresses: readonly string[], port: number): string[] {
  return ["-H", addresses[0], "-P", String(port), ...addresses.slice(1).flatMap((address) => ["-B", address])];
}

function tcpStyle(style: "many" | "one", flag: string): string[] {
  return style === "one" ? [flag] : [];
}

function startTool(context: CellContext, command: readonly string[], stdin = false): LineProcess {
  let tool: LineProcess;
  try {
    tool = new LineProcess(command, { stdin });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new Skipped("needs lksctp-tools");
    throw error;
  }
  context.explain(() => `${command.join(" ")} said:\n${tool.lines.map((line) => `  ${line}`).join("\n")}`);
  context.defer(async () => {
    tool.kill();
    await tool.ended;
  });
  return tool;
}

/** The tools say that they listen before they do; the kernel knows. */
async function listening(port: number, context: CellContext): Promise<void> {
  const LOOK_EVERY_MS = 5;
  while (!isListening(port)) {
    context.signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

function swapped(ppid: number): number {
  return (ppid << 24 | (ppid & 0xff00) << 8 | ppid >>> 8 & 0xff00 | ppid >>> 24) >>> 0;
}

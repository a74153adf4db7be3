/**
 * What has to be true of what peers report.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type Fingerprint, fingerprints, type SendSpec } from "./messages.ts";
import type { Peer } from "./peers.ts";
import type { MessageReport } from "./reports.ts";

const identity = ({ stream, ppid, unordered, length, fnv }: Fingerprint) =>
  `stream ${stream} ppid ${ppid} ${unordered ? "unordered" : "ordered"} ${length} bytes ${fnv}`;

/** How far `tsn` is after `first`, in the serial number arithmetic of RFC 9260, section 1.6. */
const distance = (first: number, tsn: number) => tsn - first | 0;

/** Everything that was sent arrived once, nothing else did, and the metadata is that of what was sent. */
export function checkMessages(receiver: Peer, sent: readonly SendSpec[], who = `at ${receiver.kind}`): void {
  const expected = fingerprints(sent);
  const received = receiver.messages;
  assert.deepEqual(
    received.map(identity).sort(),
    expected.map(identity).sort(),
    `${who}: messages lost, doubled or changed`,
  );
  checkOrder(received, expected, who);
  checkSequenceNumbers(received, who);
}

/** Ordered messages of one stream arrive as they were sent. */
function checkOrder(received: readonly MessageReport[], expected: readonly Fingerprint[], who: string): void {
  for (const stream of new Set(expected.map(({ stream }) => stream))) {
    const ordered = (all: readonly Fingerprint[]) =>
      all.filter((message) => message.stream === stream && !message.unordered).map(identity);
    assert.deepEqual(ordered(received), ordered(expected), `${who}: stream ${stream} is out of order`);
  }
}

/** SSNs count the ordered messages of each stream from 0; TSNs are distinct, and grow along each stream's ordered messages. */
function checkSequenceNumbers(received: readonly MessageReport[], who: string): void {
  const next = new Map<number, { ssn: number; tsn: number }>();
  const tsns = new Set<number>();
  for (const { stream, ssn, tsn, cumTsn, unordered } of received) {
    assert(!tsns.has(tsn), `${who}: two messages have TSN ${tsn}`);
    tsns.add(tsn);
    if (unordered) {
      // The kernel tells the cumulative TSN of unordered messages only; no message before the first can be meant.
      assert(distance(cumTsn, tsn) < 1 << 20, `${who}: cumulative TSN ${cumTsn} is far from TSN ${tsn}`);
      continue;
    }
    const before = next.get(stream);
    assert.equal(ssn, before?.ssn ?? 0, `${who}: SSN on stream ${stream}`);
    assert(before === undefined || distance(before.tsn, tsn) > 0, `${who}: TSN ${tsn} on stream ${stream} went back`);
    next.set(stream, { ssn: ssn + 1 & 0xffff, tsn });
  }
}

/** Messages that fit into one packet each have neighbouring TSNs. */
export function checkNeighbouringTsns(receiver: Peer): void {
  const tsns = receiver.messages.map(({ tsn }) => tsn);
  const sorted = tsns.map((tsn) => distance(tsns[0], tsn)).sort((left, right) => left - right);
  assert.deepEqual(sorted, sorted.map((_, index) => sorted[0] + index), `at ${receiver.kind}: TSNs have gaps`);
}

/** Both ends know the same addresses, and every message came from one of them. */
export function checkAddresses(server: Peer, client: Peer): void {
  const set = (addresses: readonly string[]) => [...addresses].sort();
  assert.deepEqual(set(client.up.peer), set(server.up.local), "the client's view of the server's addresses");
  assert.deepEqual(set(server.up.peer), set(client.up.local), "the server's view of the client's addresses");
  for (const peer of [server, client]) {
    const strangers = peer.messages.filter(({ from }) => from !== undefined && !peer.up.peer.includes(from));
    assert.deepEqual(strangers, [], `at ${peer.kind}: messages from addresses that the peer does not have`);
  }
}

/** The streams of each direction are the smaller of what one end wants to send and the other is willing to receive. */
export function checkStreams(
  server: Peer,
  client: Peer,
  asked: { server: readonly [number, number]; client: readonly [number, number] },
): void {
  const up = Math.min(asked.client[0], asked.server[1]);
  const down = Math.min(asked.server[0], asked.client[1]);
  assert.deepEqual([client.up.outbound, client.up.inbound], [up, down], "streams at the client");
  assert.deepEqual([server.up.outbound, server.up.inbound], [down, up], "streams at the server");
}

/** Types whose moment depends on timing, or that the kernel sends for its own reasons. */
const UNTIMED = ["SCTP_SENDER_DRY_EVENT", "SCTP_AUTHENTICATION_EVENT", "SCTP_PEER_ADDR_CHANGE"];

/** The notifications in order, as `event` or `event state`, without those whose moment is nobody's business. */
export function story(peer: Peer): string[] {
  return peer.notifications.filter(({ event }) => !UNTIMED.includes(event)).map(({ event, state }) =>
    state === undefined ? event : `${event} ${state}`
  );
}

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { MessageTooLargeError } from "../../../common/errors.ts";
import {
  AF_INET,
  bind,
  encodeSockaddr,
  getsockname,
  getsockopt,
  type InetAddress,
  IPPROTO_SCTP,
  listen,
  type Message,
  MessageSocket,
  MSG_EOR,
  setsockopt,
  SOCK_SEQPACKET,
} from "../../../ffi/mod.ts";
import { MSG_NOTIFICATION, SCTP_RECVRCVINFO } from "../../../sctp/kernel/constants.ts";
import { decodeMessage, encodeSendControl } from "../../../sctp/kernel/control.ts";
import { decodeNotification } from "../../../sctp/kernel/notification_codec.ts";
import { connectAddresses } from "../../../sctp/kernel/option/addresses.ts";
import { subscribe } from "../../../sctp/kernel/option/events.ts";
import { getAssociationId } from "../../../sctp/kernel/option/paths.ts";
import { type OptionSocket, setFlag } from "../../../sctp/kernel/option/socket.ts";
import { readOption, writeSocketOptions } from "../../../sctp/kernel/option/table.ts";
import { MessageReassembler } from "../../../sctp/kernel/reassembly.ts";
import type { SctpMessage, SctpTransportAddress } from "../../../sctp/message.ts";
import type { SctpNotification } from "../../../sctp/notification.ts";
import type { SctpSocketOptions } from "../../../sctp/options.ts";
import { test } from "../../support/harness.ts";

const INTERLEAVING_SYSCTL = "/proc/sys/net/sctp/intl_enable";

/** Small packets, and a low partial delivery point, so that a message comes in many pieces. */
const IN_PIECES: SctpSocketOptions = {
  fragmentInterleave: 2,
  partialDeliveryPoint: 2000,
  peerAddressParameters: { pathMtu: 1500 },
  sendBufferSize: 400_000,
};

function optionsOf(socket: MessageSocket): OptionSocket {
  return {
    getsockopt: (level, name, value) => getsockopt(socket.fd, level, name, value),
    setsockopt: (level, name, value) => setsockopt(socket.fd, level, name, value),
  };
}

/** Reads a socket, and counts the pieces. */
class Reader {
  pieces = 0;
  readonly reassembler = new MessageReassembler({ maxMessageSize: 200_000 });
  readonly #socket: MessageSocket;

  constructor(socket: MessageSocket) {
    this.#socket = socket;
  }

  /** The next whole message or notification. */
  async next(): Promise<SctpMessage | SctpNotification> {
    for (;;) {
      const event = this.#take(await this.#socket.receive({ timeout: 20_000 }));
      if (event !== undefined) return event;
    }
  }

  #take({ data, control, flags, address }: Message): SctpMessage | SctpNotification | undefined {
    const isLast = (flags & MSG_EOR) !== 0;
    if ((flags & MSG_NOTIFICATION) !== 0) {
      const whole = this.reassembler.pushNotification(data, isLast);
      return whole === undefined ? undefined : decodeNotification(whole);
    }
    const piece = decodeMessage(control, data, address as SctpTransportAddress);
    assert.ok(piece !== undefined);
    this.pieces++;
    const result = this.reassembler.push(piece, isLast);
    assert.ok(!(result instanceof MessageTooLargeError));
    return result;
  }
}

/** Two sockets with an association between them, with I-DATA or without. */
function associated(interleaving: boolean, receiveBufferSize: number) {
  const before = readFileSync(INTERLEAVING_SYSCTL, "utf8");
  writeFileSync(INTERLEAVING_SYSCTL, "1");
  const server = MessageSocket.open(AF_INET, SOCK_SEQPACKET, IPPROTO_SCTP, { payloadBytes: 1000 });
  const client = MessageSocket.open(AF_INET, SOCK_SEQPACKET, IPPROTO_SCTP);
  try {
    for (const each of [server, client]) {
      writeSocketOptions(optionsOf(each), { ...IN_PIECES, interleaving, receiveBufferSize });
    }
    setFlag(optionsOf(server), SCTP_RECVRCVINFO, true);
    for (const event of ["association", "partial-delivery"] as const) subscribe(optionsOf(server), 0, event, true);
    bind(server.fd, { family: "inet", address: "127.0.0.1", port: 0 });
    listen(server.fd, 5);
    const address = getsockname(server.fd) as InetAddress;
    connectAddresses(optionsOf(client), encodeSockaddr(address));
    const associationId = getAssociationId(optionsOf(client), address);
    return {
      server,
      client,
      associationId,
      [Symbol.dispose]() {
        server.close();
        client.close();
      },
    };
  } finally {
    writeFileSync(INTERLEAVING_SYSCTL, before);
  }
}

function bytesOf(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => index * 31 + seed);
}

for (const interleaving of [false, true]) {
  const chunks = interleaving ? "I-DATA" : "DATA";

  test(`messages of several streams are put together from pieces, with ${chunks}`, async () => {
    using pair = associated(interleaving, 400_000);
    const { server, client, associationId } = pair;
    const reader = new Reader(server);
    const sent = [0, 1, 2, 3, 4, 5].map((index) => ({
      streamId: index % 3,
      unordered: index > 3,
      ppid: 0x01020300 + index,
      data: bytesOf(20_000 + index, index),
    }));

    const up = await reader.next();
    assert.ok(up.type === "association" && up.state === "comm-up");
    assert.equal(readOption(optionsOf(server), "interleaving", up.associationId), interleaving);
    const sends = sent.map(({ data, ...options }) =>
      client.send(data, { control: encodeSendControl(options, associationId) })
    );
    const received: SctpMessage[] = [];
    while (received.length < sent.length) {
      const event = await reader.next();
      assert.ok(event.type === "message");
      received.push(event);
    }
    await Promise.all(sends);

    assert.ok(reader.pieces > 6 * 20, `${reader.pieces} pieces`);
    received.sort((one, other) => one.ppid - other.ppid);
    assert.deepEqual(
      received.map(({ streamId, unordered, ppid, data }) => ({ streamId, unordered, ppid, data })),
      sent,
    );
    assert.equal(reader.reassembler.incompleteBytes, 0);
  });

  test(`an abort in the middle of a message leaves no piece of it, with ${chunks}`, async () => {
    using pair = associated(interleaving, 20_000);
    const { server, client, associationId } = pair;
    const reader = new Reader(server);
    await reader.next();

    // Larger than the peer's window, and nobody reads: it can't be there whole when the abort overtakes it.
    await client.send(bytesOf(150_000, 1), { control: encodeSendControl({ streamId: 5 }, associationId) });
    await client.send(new TextEncoder().encode("enough"), {
      control: encodeSendControl({ abort: true }, associationId),
    });
    const events: SctpNotification[] = [];
    for (;;) {
      const event = await reader.next();
      assert.ok(event.type !== "message");
      if (event.type === "partial-delivery") {
        assert.ok(reader.reassembler.incompleteBytes > 0);
        reader.reassembler.abort(event.associationId, event.streamId, event.unordered);
        assert.equal(reader.reassembler.incompleteMessages, 0);
      }
      events.push(event);
      if (event.type === "association") break;
    }

    assert.deepEqual(events.map((event) => event.type), ["partial-delivery", "association"]);
    const [aborted, lost] = events;
    assert.ok(aborted.type === "partial-delivery" && aborted.streamId === (interleaving ? 5 : 0));
    assert.ok(lost.type === "association" && lost.state === "comm-lost");
    assert.equal(new TextDecoder().decode(lost.causes[0].data), "enough");
  });
}

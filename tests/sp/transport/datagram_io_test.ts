import assert from "node:assert/strict";
import type { SockeyeError } from "../../../common/errors.ts";
import { AF_INET, Descriptor, MessageSocket, SOCK_DGRAM } from "../../../ffi/mod.ts";
import { connect, socket } from "../../../ffi/syscalls.ts";
import { DatagramIo } from "../../../sp/transport/datagram/datagram_io.ts";
import { test } from "../../support/harness.ts";
import { bytes, Log, text } from "./parties.ts";

/** A sender, its receiver, and what the sender was told. */
function open() {
  const receiver = MessageSocket.open(AF_INET, SOCK_DGRAM);
  receiver.bind({ family: "inet", address: "127.0.0.1", port: 0 });
  const descriptor = Descriptor.adopt(socket(AF_INET, SOCK_DGRAM), "test");
  connect(descriptor.fd, receiver.localAddress()!);
  const failures = new Log<SockeyeError>();
  const io = new DatagramIo(descriptor, {
    received() {},
    writable() {},
    failed: (error) => failures.add(error),
  }, true);
  return { io, receiver, failures };
}

test("a datagram that the kernel refuses is lost for its owner, and those around it leave", async () => {
  const { io, receiver, failures } = open();
  const lost: string[] = [];
  const send = (name: string, data: Uint8Array) =>
    io.send({ data, to: undefined, control: undefined, owner: { lost: () => lost.push(name) } });

  send("before", bytes("before"));
  send("too large", new Uint8Array(70_000));
  send("behind", bytes("behind"));

  assert.equal(text((await receiver.receive()).data), "before");
  assert.equal(text((await receiver.receive()).data), "behind");
  await failures.first();
  assert.deepEqual(lost, ["too large"]);
  assert.equal(io.unsentBytes, 0);
  io.close();
  receiver.close();
});

test("what is no message may be lost without anybody's knowing", async () => {
  const { io, receiver, failures } = open();

  io.offer({ data: new Uint8Array(70_000), to: undefined, control: undefined, owner: undefined });
  io.offer({ data: bytes("behind"), to: undefined, control: undefined, owner: undefined });

  assert.equal(text((await receiver.receive()).data), "behind");
  await failures.first();
  io.close();
  receiver.close();
});

/**
 * Echoes messages over a transport, as a listener or a dialer, until the peer goes.
 *
 * `echo.ts listen|dial URL [MODE]`; prints the URL once it listens, or what went wrong.
 *
 * @module
 */

import process from "node:process";
import { ipc } from "../../../../sp/transport/ipc.ts";
import { tcp } from "../../../../sp/transport/tcp.ts";
import type { Connection, TransportOptions } from "../../../../sp/transport/transport.ts";
import { unixgram } from "../../../../sp/transport/unixgram.ts";
import { parseSpUrl } from "../../../../sp/transport/url.ts";

const [role, text, mode] = process.argv.slice(2);
const url = parseSpUrl(text);
const transport = [ipc, tcp, unixgram].find(({ schemes }) => schemes.includes(url.scheme))!;
const greeting = { protocol: 16, peer: 16, name: "pair", peerName: "pair" };
const options: TransportOptions = {
  maxReceiveSize: 2 * 1024 * 1024,
  handshakeTimeout: 5000,
  maxPipes: 1000,
  noDelay: true,
  keepAlive: false,
  ...(mode === undefined ? {} : { mode: Number(mode) }),
  ...(role === "guard" ? { allowPeer: () => true } : {}),
};

let close = () => {};

function echo(connection: Connection): void {
  console.log("connected");
  const waiting: Uint8Array[] = [];
  const send = (message: Uint8Array) => {
    if (waiting.length > 0 || !connection.send(new Uint8Array(0), message)) {
      waiting.push(message);
      connection.pause();
    }
  };
  connection.start({
    message: send,
    writable: () => {
      while (waiting.length > 0 && connection.send(new Uint8Array(0), waiting[0])) waiting.shift();
      if (waiting.length === 0) connection.resume();
    },
    closed: (error) => {
      console.log(error === undefined ? "closed" : `closed: ${error.code}`);
      close();
    },
  });
}

const failed = (error: { code: string; message: string }) => console.log(`failed: ${error.code} ${error.message}`);
try {
  if (role === "dial") transport.dial(url, greeting, options, { connected: echo, failed });
  else {
    const listening = transport.listen(url, greeting, options, { accepted: echo, failed });
    close = () => listening.close();
    await listening.ready;
    console.log(listening.url);
  }
} catch (error) {
  failed(error as { code: string; message: string });
}

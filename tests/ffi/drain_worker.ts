/** Binds a unix socket, and receives from it once it is told how many messages to wait for. */

import { AF_UNIX, MessageSocket, SOCK_DGRAM } from "../../ffi/mod.ts";

interface Scope {
  onmessage: (event: MessageEvent<{ name: string } | { count: number }>) => void;
  postMessage(message: unknown): void;
}
const scope = globalThis as unknown as Scope;
const socket = MessageSocket.open(AF_UNIX, SOCK_DGRAM);

scope.onmessage = ({ data }) => {
  if ("name" in data) {
    socket.bind({ family: "unix", abstract: data.name });
    scope.postMessage("bound");
  } else {
    for (let left = data.count; left > 0; left--) socket.receiveSync();
    socket.close();
    scope.postMessage("drained");
  }
};

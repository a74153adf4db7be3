/**
 * Raw sockets for probes.
 *
 * @module
 */

import { SystemError, UnsupportedError } from "../../../common/errors.ts";
import { RawIpSocket, type RawIpSocketOptions } from "../../raw_ip_socket.ts";
import type { ProberSettings } from "./prober.ts";

/**
 * Opens a raw socket that hears the destination only, and errors from everybody.
 *
 * A connected raw socket hears what comes for one address of this machine, which connect(2) chooses: so the address or
 * the interface from which probes leave has to be its own before.
 *
 * @throws {UnsupportedError} Without CAP_NET_RAW.
 * @throws {SystemError} As in bind(2) and connect(2).
 */
export function openRawSocket(
  { destination, packet }: ProberSettings,
  options: { protocol: "icmp" | "icmp6" | "tcp"; icmpTypes?: number[] },
): RawIpSocket {
  const { source, interface: through } = packet;
  const bind = source === undefined ? undefined : { ...destination, address: source, port: 0 };
  const socket = open({ ...options, family: destination.family, bind, interface: through });
  try {
    socket.connect({ ...destination, port: 0 });
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}

function open(options: RawIpSocketOptions): RawIpSocket {
  try {
    return RawIpSocket.open({ ...options, info: ["ttl", "timestamp"], errors: true });
  } catch (error) {
    if (!(error instanceof SystemError && (error.code === "EPERM" || error.code === "EACCES"))) throw error;
    throw new UnsupportedError(
      `probes by ${options.protocol} need a raw socket, and the system forbids it (${error.code}), as this program lacks ` +
        "the capability CAP_NET_RAW. Run it as root, or give the capability to the runtime (`sudo setcap cap_net_raw+ep " +
        '"$(command -v deno)"`, likewise node or bun); or use the method "udp", which needs no privilege',
      { cause: error },
    );
  }
}

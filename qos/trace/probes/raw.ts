/**
 * Raw sockets for probes.
 *
 * @module
 */

import { SystemError, UnsupportedError } from "../../../common/errors.ts";
import { RawIpSocket } from "../../raw_ip_socket.ts";
import type { ProberSettings } from "./prober.ts";

/**
 * Opens a raw socket that hears the destination only, and errors from everybody.
 *
 * @throws {UnsupportedError} Without CAP_NET_RAW.
 */
export function openRawSocket(
  { destination }: ProberSettings,
  options: { protocol: "icmp" | "icmp6" | "tcp"; icmpTypes?: number[] },
): RawIpSocket {
  const socket = open(destination.family, options);
  try {
    socket.connect({ ...destination, port: 0 });
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}

function open(family: "inet" | "inet6", options: { protocol: "icmp" | "icmp6" | "tcp"; icmpTypes?: number[] }) {
  try {
    return RawIpSocket.open({ ...options, family, info: ["ttl", "timestamp"], errors: true });
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

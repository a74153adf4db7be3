/** What `ip send` and `ip listen` share. @module */

import { formatSocketAddress } from "@sockeye/sockeye/ffi";
import type { RawIpProtocol, SocketAddress } from "@sockeye/sockeye/qos";
import type { Option } from "../option.ts";
import { UsageError } from "../usage_error.ts";

const NAMES = ["icmp", "icmp6", "tcp", "udp"] as const;

/** `--protocol`. */
export const protocol: Option<RawIpProtocol> = {
  placeholder: "PROTOCOL",
  short: "P",
  about: "the protocol: icmp, icmp6, tcp, udp, or its number, 1 to 255",
  read(_, given) {
    if (given === undefined) throw new UsageError("--protocol is missing: icmp, icmp6, tcp, udp, or a number");
    const name = NAMES.find((name) => name === given);
    if (name !== undefined) return name;
    const number = /^\d{1,3}$/.test(given as string) ? Number(given) : NaN;
    if (number >= 1 && number <= 255) return number;
    throw new UsageError(`--protocol must be ${NAMES.join(", ")} or a number from 1 to 255, not "${given}"`);
  },
};

/** The family that a protocol is made for, if it is for one only. */
export function familyOfProtocol(protocol: RawIpProtocol): "inet" | "inet6" | undefined {
  return protocol === "icmp" ? "inet" : protocol === "icmp6" ? "inet6" : undefined;
}

/** An address of raw IP, which has no port. */
export function hostText(address: SocketAddress): string {
  if (address.family === "unix") return formatSocketAddress(address);
  return address.family === "inet6" && address.scopeId ? `${address.address}%${address.scopeId}` : address.address;
}

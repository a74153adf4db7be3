/** SCTP in the kernel, and which of its extensions are turned on. @module */

import { sctpUnavailableReason } from "@sockeye/sockeye/sctp";
import { type Finding, hasLibc, needsLibc, type Topic } from "./finding.ts";
import { readSysctl } from "./proc.ts";

/** An extension that a kernel parameter turns on. */
interface Extension {
  readonly parameter: string;
  readonly title: string;
  /** The value to suggest. */
  readonly on: number;
  /** The option of a socket that does the same for it alone. */
  readonly option?: string;
}

/** In the order of their RFCs. Parameters are described in the kernel's Documentation/networking/ip-sysctl.rst. */
const EXTENSIONS: readonly Extension[] = [
  { parameter: "ecn_enable", title: "congestion notification", on: 1, option: "ecn" },
  { parameter: "prsctp_enable", title: "partial reliability", on: 1, option: "partialReliabilitySupported" },
  { parameter: "auth_enable", title: "authentication", on: 1, option: "auth.supported" },
  { parameter: "addip_enable", title: "dynamic addresses", on: 1, option: "asconf" },
  { parameter: "reconf_enable", title: "stream reset", on: 1, option: "reconfigSupported" },
  { parameter: "udp_port", title: "UDP encapsulation, in", on: 9899 },
  { parameter: "encap_port", title: "UDP encapsulation, out", on: 9899, option: "remoteUdpEncapsPort" },
  { parameter: "intl_enable", title: "message interleaving", on: 1 },
];

/** Kernel SCTP and its parameters. */
export const sctpTopic: Topic = {
  title: "SCTP",
  examine() {
    const base = { name: "kernel-sctp", title: "kernel SCTP" };
    if (!hasLibc()) return Promise.resolve([needsLibc(base.name, base.title)]);
    const reason = sctpUnavailableReason("kernel");
    if (reason !== undefined) {
      const remedy = reason.message.replace(/^kernel SCTP is not available: /, "");
      return Promise.resolve([{ ...base, status: "missing", detail: "not available", remedy }]);
    }
    return Promise.resolve([{ ...base, status: "ok", detail: "sockets can be opened" }, ...EXTENSIONS.map(examine)]);
  },
};

function examine({ parameter, title, on, option }: Extension): Finding {
  const sysctl = `net.sctp.${parameter}`;
  const base = { name: sysctl, title };
  const found = readSysctl(sysctl);
  if (found === undefined) {
    return { ...base, status: "missing", detail: `there is no ${sysctl}`, remedy: "use a later kernel" };
  }
  if ("problem" in found) {
    return { ...base, status: "unknown", detail: found.problem, remedy: `read it: sysctl ${sysctl}` };
  }
  if (found.text !== "0") return { ...base, status: "ok", detail: `${sysctl} = ${found.text}` };
  const forOne = option === undefined ? "" : `; for one socket: the option ${option}`;
  return { ...base, status: "off", detail: `${sysctl} = 0`, remedy: `as root: sysctl -w ${sysctl}=${on}${forOne}` };
}

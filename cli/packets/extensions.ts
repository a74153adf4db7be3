/** ICMP extensions for people, in the form of traceroute(8). @module */

import type { IcmpExtension } from "@sockeye/sockeye/qos";
import { hex, printable } from "../payload.ts";

/** A text for each: `MPLS:L=24001,E=0,S=1,T=1`, `IF:incoming,eth0,192.0.2.1`, and `CLASS/TYPE:` with the bytes of others. */
export function extensionTexts(extensions: readonly IcmpExtension[]): string[] {
  return extensions.map(extensionText);
}

function extensionText(extension: IcmpExtension): string {
  switch (extension.kind) {
    case "mpls":
      return `MPLS:${
        extension.labels.map(({ label, trafficClass, isBottom, ttl }) =>
          `L=${label},E=${trafficClass},S=${isBottom ? 1 : 0},T=${ttl}`
        ).join("/")
      }`;
    case "interface": {
      const { role, name, ifIndex, address, mtu } = extension;
      const parts = [
        role,
        name === undefined ? undefined : printable(name),
        ifIndex === undefined ? undefined : `index=${ifIndex}`,
        address,
        mtu === undefined ? undefined : `mtu=${mtu}`,
      ];
      return `IF:${parts.filter((part) => part !== undefined).join(",")}`;
    }
    case "unknown":
      return `${extension.classNumber}/${extension.classType}:${hex(extension.data)}`;
  }
}

/**
 * What is printed of datagrams and errors: objects whose fields docs/cli.md lists, and lines for people.
 *
 * @module
 */

import type { MessageTooLargeError } from "@sockeye/sockeye";
import { formatSocketAddress, ifIndexToName } from "@sockeye/sockeye/ffi";
import {
  type Datagram,
  type DscpName,
  dscpName,
  type EcnName,
  ecnName,
  type PacketError,
  type SocketAddress,
} from "@sockeye/sockeye/qos";
import { jsonable } from "../json.ts";
import type { Output, Report } from "../output.ts";
import { hex, payloadFields, payloadText, printable } from "../payload.ts";
import { extensionTexts } from "./extensions.ts";

const KIND_WIDTH = 10;
const SHOWN_CANDIDATES = 5;

/** How addresses are written; those of raw IP have no port. */
export type AddressText = (address: SocketAddress) => string;

/** Prints what came. */
export class ArrivalPrinter {
  readonly #output: Output;
  readonly #isHex: boolean;
  readonly #addressText: AddressText;
  readonly #interfaces = new Map<number, string>();

  /**
   * @param output Where to.
   * @param isHex Whether data is printed in hexadecimal, also where it is text.
   * @param addressText How to write addresses.
   */
  constructor(output: Output, isHex: boolean, addressText: AddressText = formatSocketAddress) {
    this.#output = output;
    this.#isHex = isHex;
    this.#addressText = addressText;
  }

  /** Prints a datagram, with what is known of its packet. */
  datagram(datagram: Datagram): void {
    const { data, from, destination, ttl, tos, flowLabel, timestamp, isTruncated, header, credentials } = datagram;
    const report = {
      type: "datagram",
      from: from === undefined ? undefined : this.#addressText(from),
      destination,
      interface: this.#interfaceOf(datagram.interface),
      ttl,
      tos,
      ...markOf(tos),
      flowLabel,
      timestamp,
      credentials,
      headerHex: header === undefined ? undefined : hex(header),
      ...payloadFields(data, this.#isHex),
      length: data.length,
      truncated: isTruncated || undefined,
    };
    this.#output.report(report, () => this.#datagramText(report, data));
  }

  #datagramText(report: DatagramReport, data: Uint8Array): string {
    const { from, destination, credentials, ttl, tos, dscp, ecn, flowLabel, timestamp, truncated } = report;
    return line("datagram", [
      from === undefined ? undefined : `from ${printable(from)}`,
      destination === undefined
        ? undefined
        : `to ${destination}${report.interface === undefined ? "" : ` (${printable(report.interface)})`}`,
      credentials === undefined ? undefined : `pid ${credentials.pid}  uid ${credentials.uid}  gid ${credentials.gid}`,
      ttl === undefined ? undefined : `ttl ${ttl}`,
      tos === undefined ? undefined : `tos ${markText({ tos, dscp, ecn })}`,
      flowLabel ? `flow 0x${flowLabel.toString(16)}` : undefined,
      timestamp === undefined ? undefined : `at ${timeText(timestamp)}`,
      payloadText(data, this.#isHex),
      truncated ? "(truncated)" : undefined,
    ]);
  }

  /** Prints that there was a datagram that exceeded the limit. */
  tooLarge(error: MessageTooLargeError): void {
    this.#output.report(
      { type: "datagram-too-large", error: error.message },
      () => `datagram  too large: ${error.message}`,
    );
  }

  /**
   * Prints an ICMP error, or a local one.
   *
   * @param error The error.
   * @param number The number of the datagram that it is about, where that is certain.
   */
  error(error: PacketError, number: number | undefined): void {
    const { origin, name, type, code, errno, errorCode, router, destination, mtu, data, extensions, ttl } = error;
    const isIcmp = origin !== "local";
    const report: Report = {
      type: "error",
      number,
      candidates: error.candidates.length === 0 ? undefined : error.candidates,
      origin,
      name,
      icmpType: isIcmp ? type : undefined,
      icmpCode: isIcmp ? code : undefined,
      router,
      destination: destination === undefined ? undefined : this.#addressText(destination),
      mtu,
      errorCode,
      errno,
      ttl,
      timestamp: error.timestamp,
      extensions: extensions.length === 0 ? undefined : jsonable(extensions),
      ...payloadFields(data, this.#isHex),
    };
    this.#output.report(report, () =>
      line("error", [
        number === undefined ? candidatesText(error.candidates) : `datagram ${number}`,
        `${name} (${errorCode})`,
        router === undefined ? "from this machine" : `from ${router}`,
        report.destination === undefined ? undefined : `to ${report.destination}`,
        mtu === undefined ? undefined : `mtu ${mtu}`,
        ttl === undefined ? undefined : `ttl ${ttl}`,
        ...extensionTexts(extensions),
      ]));
  }

  #interfaceOf(index: number | undefined): string | undefined {
    if (index === undefined) return undefined;
    let name = this.#interfaces.get(index);
    if (name === undefined) this.#interfaces.set(index, name = interfaceName(index));
    return name;
  }
}

/** Datagrams that look alike in what came back. */
function candidatesText(candidates: readonly unknown[]): string | undefined {
  if (candidates.length === 0) return undefined;
  const shown = candidates.slice(0, SHOWN_CANDIDATES).join(", ");
  return `one of the datagrams ${shown}${candidates.length > SHOWN_CANDIDATES ? ", …" : ""}`;
}

/** What the text of a datagram is made of. */
interface DatagramReport extends Report {
  from: string | undefined;
  destination: string | undefined;
  interface: string | undefined;
  ttl: number | undefined;
  tos: number | undefined;
  dscp?: number | DscpName;
  ecn?: EcnName;
  flowLabel: number | undefined;
  timestamp: number | undefined;
  credentials: { pid: number; uid: number; gid: number } | undefined;
  truncated: boolean | undefined;
}

/** An interface that has gone since has its index left. */
function interfaceName(index: number): string {
  try {
    return ifIndexToName(index);
  } catch {
    return String(index);
  }
}

/** The two parts of a type of service, by name where they have one. */
export function markOf(tos: number | undefined): { dscp?: number | DscpName; ecn?: EcnName } {
  return tos === undefined ? {} : { dscp: dscpName(tos >> 2) ?? tos >> 2, ecn: ecnName(tos & 3) };
}

function markText({ tos, dscp, ecn }: { tos: number; dscp?: number | string; ecn?: string }): string {
  return `0x${tos.toString(16).padStart(2, "0")} (${dscp}, ${ecn})`;
}

/** UTC with microseconds, of which the milliseconds' fraction has three digits. */
export function timeText(timestamp: number): string {
  const micros = Math.floor((timestamp - Math.floor(timestamp)) * 1_000);
  return `${new Date(timestamp).toISOString().slice(0, -1)}${String(micros).padStart(3, "0")}Z`;
}

function line(kind: string, parts: readonly (string | undefined)[]): string {
  return kind.padEnd(KIND_WIDTH) + parts.filter((part) => part !== undefined).join("  ");
}

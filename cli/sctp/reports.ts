/**
 * What is printed of messages and notifications: objects whose fields docs/cli.md lists, and lines for people.
 *
 * @module
 */

import type { MessageTooLargeError } from "@sockeye/sockeye";
import { SctpAddress, type SctpMessage, type SctpNotification, type SctpTransportAddress } from "@sockeye/sockeye/sctp";
import type { Output, Report } from "../output.ts";
import { hex, payloadFields, payloadText, printable } from "../payload.ts";

const KIND_WIDTH = 18;

/** Prints what came. */
export class EventPrinter {
  readonly #output: Output;
  readonly #isHex: boolean;

  /** @param output Where to. @param isHex Whether data is printed in hexadecimal, also where it is text. */
  constructor(output: Output, isHex: boolean) {
    this.#output = output;
    this.#isHex = isHex;
  }

  /** Prints a message. */
  message(message: SctpMessage): void {
    const { streamId, ppid, ssn, tsn, unordered, associationId, context, data } = message;
    const from = addressText(message.from);
    const report = {
      type: "message",
      stream: streamId,
      ppid,
      ...payloadFields(data, this.#isHex),
      from,
      association: associationId,
      ssn,
      tsn,
      unordered,
      context,
      length: data.length,
    };
    this.#output.report(report, () => {
      const order = unordered ? "unordered" : `ssn ${ssn}`;
      const metadata = `stream ${streamId}  ppid ${ppid}  ${order}  tsn ${tsn}  from ${from}`;
      return `${"message".padEnd(KIND_WIDTH)}${metadata}  ${payloadText(data, this.#isHex)}`;
    });
  }

  /** Prints that there was a message that exceeded the limit. */
  tooLarge(error: MessageTooLargeError): void {
    this.#output.report(
      { type: "message-too-large", error: error.message },
      () => `message too large ${error.message}`,
    );
  }

  /** Prints a notification. */
  notification(notification: SctpNotification): void {
    const { type: event, ...fields } = notification;
    const { associationId, ...rest } = { associationId: undefined, ...fields };
    const report: Report = { type: "notification", event, association: associationId };
    for (const [name, value] of Object.entries(rest)) report[name] = plain(value);
    this.#output.report(report, () => `${event.padEnd(KIND_WIDTH)}${fieldsText(report)}`);
  }
}

/** An address in its URL form. */
export function addressText(address: SctpTransportAddress): string {
  return SctpAddress.fromSocketAddresses([address]).toString();
}

/** A field of a notification as JSON takes it: bytes in hexadecimal, addresses as URLs. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return hex(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  if ("family" in value) return addressText(value as SctpTransportAddress);
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plain(field)]));
}

/** The fields that say something, as `name value` pairs. */
function fieldsText(report: Report): string {
  return Object.entries(report)
    .filter(([name, value]) => name !== "type" && name !== "event" && saysSomething(name, value))
    .map(([name, value]) => `${name} ${typeof value === "string" ? printable(value) : JSON.stringify(value)}`)
    .join("  ");
}

function saysSomething(name: string, value: unknown): boolean {
  if (name === "error") return value !== 0;
  if (name === "errorName") return value !== "none";
  return value !== undefined && value !== "" && value !== false && !(Array.isArray(value) && value.length === 0);
}

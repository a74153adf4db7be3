/**
 * What a peer is to do, as an object and as the command line that all peers share; c/options.c tells what it means.
 *
 * @module
 */

import { parseArgs } from "node:util";
import type { SendSpec } from "./messages.ts";

/** What a peer is to do: the options of c/options.c. */
export interface PeerScript {
  role: "listen" | "connect";
  /** One-to-many or one-to-one socket; Go knows one-to-one only. */
  style: "many" | "one";
  /** Local addresses. @default 127.0.0.1 to listen, the kernel's choice to connect */
  local?: readonly string[];
  /** The peer's addresses and port, to connect. */
  peer?: readonly string[];
  peerPort?: number;
  /** The local port. @default the kernel's choice */
  port?: number;
  /** What to send once the association is up. */
  sends?: readonly SendSpec[];
  /** Whether to send every message back. */
  echo?: boolean;
  /** How many messages to receive before ending. */
  expect?: number;
  /** The most messages sent and not yet answered. */
  window?: number;
  /** How to end; `"peer"` waits for the other side. @default "shutdown" to connect, "peer" to listen */
  end?: "shutdown" | "abort" | "close" | "peer";
  /** What an abort says. */
  reason?: string;
  /** Outbound and inbound streams to ask for. */
  streams?: readonly [outbound: number, inbound: number];
  /** The peer's UDP port, RFC 6951. */
  encapPort?: number;
  /** The adaptation layer indication to announce. */
  adaptation?: number;
  /** Whether to send small messages at once. */
  nodelay?: boolean;
  /** Whether to allow stream resets and additions. */
  reconfig?: boolean;
  /** The size of the receive buffer given to one call, in bytes. */
  receiveBytes?: number;
  /** Go: leave the PPID in host order, as the library has it. */
  rawPpid?: boolean;
}

/** The command line for a peer in C, or for the one in Go, which knows fewer options. */
export function argumentsOf(script: PeerScript, isGo = false): string[] {
  const option = (name: string, value: string | number | undefined) =>
    value === undefined ? [] : [`--${name}`, String(value)];
  const flag = (name: string, on: boolean | undefined) => on ? [`--${name}`] : [];
  return [
    script.role,
    ...option("style", isGo ? undefined : script.style),
    ...option("local", script.local?.join(",")),
    ...option("port", script.port),
    ...option("peer", script.peer?.join(",")),
    ...option("peer-port", script.peerPort),
    ...(script.sends ?? []).flatMap((send) => option("send", sendArgument(send))),
    ...flag("echo", script.echo),
    ...option("expect", script.expect),
    ...option("window", script.window),
    ...option("end", script.end),
    ...option("reason", script.reason),
    ...option("streams", isGo ? script.streams?.[0] : script.streams?.join(",")),
    ...option("encap-port", script.encapPort),
    ...option("adaptation", script.adaptation),
    ...flag("nodelay", script.nodelay),
    ...flag("reconfig", script.reconfig),
    ...option("receive-bytes", script.receiveBytes),
    ...flag("raw-ppid", script.rawPpid),
  ];
}

function sendArgument({ unordered, ...numbers }: SendSpec): string {
  const parts = Object.entries(numbers).filter(([, value]) => value !== undefined).map(([key, value]) =>
    `${key}=${value}`
  );
  return [...parts, ...(unordered ? ["unordered"] : [])].join(",");
}

/** Reads what {@linkcode argumentsOf} writes. */
export function scriptOf(args: readonly string[]): PeerScript {
  const text = { type: "string" } as const, flag = { type: "boolean" } as const;
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      "style": text,
      "local": text,
      "port": text,
      "peer": text,
      "peer-port": text,
      "send": { type: "string", multiple: true },
      "echo": flag,
      "expect": text,
      "window": text,
      "end": text,
      "reason": text,
      "streams": text,
      "encap-port": text,
      "adaptation": text,
      "nodelay": flag,
      "reconfig": flag,
    },
  });
  const number = (value: string | undefined) => value === undefined ? undefined : Number(value);
  const [role] = positionals;
  if (role !== "listen" && role !== "connect") throw new TypeError("say what to do: listen or connect");
  const { style = "many", end, streams } = values;
  if (style !== "many" && style !== "one") throw new TypeError(`--style is many or one, not ${style}`);
  if (end !== undefined && end !== "shutdown" && end !== "abort" && end !== "close" && end !== "peer") {
    throw new TypeError(`--end is shutdown, abort, close or peer, not ${end}`);
  }
  const [outbound, inbound = 65535] = streams?.split(",").map(Number) ?? [];
  return {
    role,
    style,
    end,
    local: values.local?.split(","),
    port: number(values.port),
    peer: values.peer?.split(","),
    peerPort: number(values["peer-port"]),
    sends: values.send?.map(sendOf),
    echo: values.echo,
    expect: number(values.expect),
    window: number(values.window),
    reason: values.reason,
    streams: outbound === undefined ? undefined : [outbound, inbound],
    encapPort: number(values["encap-port"]),
    adaptation: number(values.adaptation),
    nodelay: values.nodelay,
    reconfig: values.reconfig,
  };
}

function sendOf(text: string): SendSpec {
  const fields = Object.fromEntries(
    text.split(",").map((part) => {
      const [key, value] = part.split("=");
      return [key, value === undefined ? true : Number(value)];
    }),
  );
  return { stream: 0, ppid: 0, size: 1, ...fields };
}

/**
 * What a trace says as it goes along, and in the end.
 *
 * @module
 */

import type { IcmpExtension } from "../icmp/extensions.ts";

/** What is traced, and how; the first event. */
export interface TraceTarget {
  /** Says which event this is. */
  type: "target";
  /** The host as it was given. */
  hostname: string;
  /** The address that is traced. */
  address: string;
  /** The address's family. */
  family: "inet" | "inet6";
  /** What kind of probes are sent. */
  method: "udp" | "icmp" | "tcp";
  /** The destination port of the first probe; `undefined` with ICMP. */
  port: number | undefined;
  /** The TTL of the first probe. */
  firstTtl: number;
  /** The largest TTL that is tried. */
  maxTtl: number;
  /** How many probes each hop gets. */
  probes: number;
  /** The size of a probe's IP packet, in bytes; with `mtu` that of the first. */
  size: number;
}

/** A probe has been handed to the kernel. */
export interface TraceSent {
  /** Says which event this is. */
  type: "sent";
  /** The probe's TTL, which is the number of the hop that should answer. */
  ttl: number;
  /** Which of the hop's probes, counted from 0. */
  probe: number;
  /** The size of its IP packet, in bytes. */
  size: number;
}

/** Type and code of an ICMP message, and what they mean. */
export interface TraceIcmp {
  /** The type, as in the registry of ICMP, or ICMPv6. */
  type: number;
  /** The code within the type. */
  code: number;
  /** The name, for instance `"time-exceeded"` or `"port-unreachable"`. */
  name: string;
}

/** By what a probe was answered: an ICMP error, or what the destination says to such a packet. */
export type TraceAnswerKind = "icmp" | "udp" | "echo-reply" | "syn-ack" | "reset";

/** A probe was answered. */
export interface TraceReply {
  /** Says which event this is. */
  type: "reply";
  /** The probe's TTL. */
  ttl: number;
  /** Which of the hop's probes, counted from 0. */
  probe: number;
  /** The address of who answered. */
  router: string;
  /** The round-trip time in milliseconds, from right before the send to the kernel's receive timestamp. */
  rtt: number;
  /** By what it was answered. */
  answer: TraceAnswerKind;
  /** The ICMP error; `undefined` where the answer is none. */
  icmp: TraceIcmp | undefined;
  /** What the ICMP error carries besides: MPLS labels (RFC 4950), interfaces (RFC 5837), others as bytes. */
  extensions: readonly IcmpExtension[];
  /** What traceroute(8) prints behind the time: `"!N"`, `"!H"`, `"!X"`, `"!F-1400"`; `undefined` for expected answers. */
  annotation: string | undefined;
  /** Whether the destination itself answered. */
  isDestination: boolean;
  /** Whether the path ends here, at the destination or because somebody refuses to forward. */
  isFinal: boolean;
  /**
   * Whether the answer says with certainty which probe it belongs to. Routers that quote no more than the ports leave
   * several probes of one flow possible; then it is the best guess.
   */
  isCertain: boolean;
  /** The TTL with which the answer arrived, where the kernel told. */
  replyTtl: number | undefined;
  /** The size of the probe's IP packet, in bytes. */
  size: number;
}

/** A probe is given up. */
export interface TraceTimeout {
  /** Says which event this is. */
  type: "timeout";
  /** The probe's TTL. */
  ttl: number;
  /** Which of the hop's probes, counted from 0. */
  probe: number;
}

/** What the path carries falls, with `mtu: true` only. */
export interface TraceMtu {
  /** Says which event this is. */
  type: "mtu";
  /**
   * The hop that the narrower link leads to: the link is between hop `ttl - 1` and hop `ttl`. At 1 it is the local link.
   * traceroute(8) and tracepath(8) show it at the same number.
   */
  ttl: number;
  /** The router in front of the link, which said so; `undefined` for the local link. */
  router: string | undefined;
  /** The largest IP packet that the link carries, in bytes. */
  mtu: number;
}

/** It is known what an address is called, with `names: true` only; each address once, if there is an answer in time. */
export interface TraceName {
  /** Says which event this is. */
  type: "name";
  /** The address of a router or of the destination. */
  address: string;
  /** Its name; `undefined` where it has none. */
  name: string | undefined;
}

/** The destination answered, and it is settled how far away it is. */
export interface TraceReached {
  /** Says which event this is. */
  type: "reached";
  /** How many hops away the destination is. */
  ttl: number;
  /** The destination's address. */
  address: string;
}

/** One of those who answered at a hop; load balancers make them several. */
export interface TraceRouter {
  /** Its address. */
  address: string;
  /** Its name, where it was asked for and found. */
  name?: string;
  /** How many probes it answered. */
  replies: number;
}

/** What the probes of one TTL met. */
export interface TraceHop {
  /** The TTL. */
  ttl: number;
  /** Who answered, in the order in which they first did. */
  routers: TraceRouter[];
  /** The answer to each probe; `undefined` for those that had none. */
  probes: (TraceReply | undefined)[];
  /** How many probes were sent. */
  sent: number;
  /** How many of them had no answer. */
  lost: number;
  /** The shortest round-trip time in milliseconds; `undefined` without answers, like those below. */
  best: number | undefined;
  /** The mean of the round-trip times, in milliseconds. */
  avg: number | undefined;
  /** The longest round-trip time in milliseconds. */
  worst: number | undefined;
  /** The round-trip time of the last probe that was answered, in milliseconds. */
  last: number | undefined;
}

/** Everything together; the last event. */
export interface TraceSummary {
  /** Says which event this is. */
  type: "summary";
  /** The host as it was given. */
  hostname: string;
  /** The address that was traced. */
  address: string;
  /** Whether the destination itself answered. */
  reached: boolean;
  /** The hops in order, up to the destination or to the last that was probed. */
  hops: TraceHop[];
  /** With `mtu: true`: the largest packet that came as far as the last hop that answered, in bytes. */
  mtu: number | undefined;
  /** How long it took, in milliseconds. */
  duration: number;
}

/** What a trace says; `type` tells which. */
export type TraceEvent =
  | TraceTarget
  | TraceSent
  | TraceReply
  | TraceTimeout
  | TraceMtu
  | TraceName
  | TraceReached
  | TraceSummary;

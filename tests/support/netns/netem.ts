/**
 * Impairments of a link, as tc-netem(8) makes them.
 *
 * @module
 */

import { randomBytes } from "node:crypto";
import process from "node:process";
import { succeeds } from "./iproute.ts";

/** How a link treats each packet that enters it at one end. */
export interface Netem {
  /** How long it is held, in milliseconds. */
  delay?: number;
  /** How much longer or shorter than {@linkcode Netem.delay} that may be, at random, in milliseconds. */
  jitter?: number;
  /** How many are lost, in percent. */
  loss?: number;
  /** How many arrive twice, in percent. */
  duplicate?: number;
  /** How many overtake those that are being held, in percent. Needs a {@linkcode Netem.delay}. */
  reorder?: number;
  /** How many have one bit turned over, in percent. */
  corrupt?: number;
  /** How fast they leave, in bits per second. */
  rate?: number;
  /**
   * How many may be held at a time; more are lost.
   *
   * @default {1000}
   */
  limit?: number;
}

/** The arguments of `tc qdisc … netem`. */
export function netemArguments(netem: Netem): string[] {
  const { delay = 0, jitter = 0, reorder = 0, limit = 1000 } = netem;
  if (reorder > 0 && delay === 0) {
    throw new RangeError("netem: `reorder` needs a `delay`, or there is nothing to overtake");
  }
  if (jitter > 0 && delay === 0) throw new RangeError("netem: `jitter` needs a `delay`, which it varies");
  const percentages = (["loss", "duplicate", "reorder", "corrupt"] as const).flatMap((name) => {
    const value = netem[name] ?? 0;
    if (!(value >= 0 && value <= 100)) throw new RangeError(`netem: \`${name}\` is a percentage, not ${value}`);
    return value === 0 ? [] : [name, `${value}%`];
  });
  return [
    ...["netem", "limit", String(limit)],
    ...(delay === 0 ? [] : ["delay", `${delay}ms`]),
    ...(jitter === 0 ? [] : [`${jitter}ms`]),
    ...percentages,
    ...(netem.rate === undefined ? [] : ["rate", `${netem.rate}bit`]),
  ];
}

let netnsRefusal: string | undefined | null = null;

/** Why network namespaces can't be made here, or undefined where they can: what a test passes on as its `skip`. */
export function netnsUnavailable(): string | undefined {
  if (netnsRefusal === null) netnsRefusal = tryNamespace();
  return netnsRefusal;
}

function tryNamespace(): string | undefined {
  if (process.platform !== "linux") return "network namespaces are Linux's";
  if (!succeeds(["ip", "-V"])) return "network namespaces are made with iproute2: apt-get install iproute2";
  const possible = withScratchNamespace(() => true) ?? false;
  return possible ? undefined : "network namespaces need root (CAP_SYS_ADMIN)";
}

let netem: boolean | undefined;

/** Whether links can have impairments here: in the guest of the rig they can, on many a host the kernel lacks netem. */
export function netemAvailable(): boolean {
  netem ??=
    withScratchNamespace((name) =>
      succeeds(["tc", "-n", name, "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms"])
    ) ?? false;
  return netem;
}

let tbf: boolean | undefined;

/**
 * Why a link's rate can't be limited with tc-tbf(8) here, or undefined where it can: what a test passes on as its `skip`.
 * Unlike netem most kernels have it.
 */
export function tbfUnavailable(): string | undefined {
  const limit = ["tbf", "rate", "1mbit", "burst", "16kb", "limit", "1mb"];
  tbf ??= withScratchNamespace((name) => succeeds(["tc", "-n", name, "qdisc", "add", "dev", "lo", "root", ...limit])) ??
    false;
  return tbf ? undefined : "this kernel has no queue that limits a rate: load it with `modprobe sch_tbf`";
}

function withScratchNamespace<Result>(use: (name: string) => Result): Result | undefined {
  const name = `sockeye-${process.pid}-${randomBytes(3).toString("hex")}-try`;
  if (!succeeds(["ip", "netns", "add", name])) return undefined;
  try {
    return use(name);
  } finally {
    succeeds(["ip", "netns", "delete", name]);
  }
}

/**
 * The command-line tools of the libraries, nngcat and nanocat: one pattern, one address, one message that they send, and
 * what they received on standard output, in hexadecimal.
 *
 * @module
 */

import { writeFileSync } from "node:fs";
import { type CellContext, Skipped } from "../cell.ts";
import { LineProcess } from "../process.ts";
import type { CatKind } from "./cell.ts";
import { freshPath } from "./place.ts";

/** What a tool is started for. */
export interface CatOptions {
  /** Its side, as peers call it: `"req"`, `"pair1"`. */
  pattern: string;
  url: string;
  listens: boolean;
  /** What it sends, or answers with. */
  data?: Uint8Array;
  /** What a subscriber wants. @default {everything} */
  topic?: string;
}

const PACKAGES: Record<CatKind, string> = { nngcat: "nng-utils", nanocat: "nanomsg-utils" };

/** A tool at work. */
export class Cat {
  readonly #process: LineProcess;
  readonly #kind: CatKind;

  /** Starts it; it goes with the cell. */
  constructor(kind: CatKind, options: CatOptions, context: CellContext) {
    this.#kind = kind;
    const command = [kind, ...argumentsOf(kind, options)];
    try {
      this.#process = new LineProcess(command);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) throw new Skipped(missingCat(kind));
      throw error;
    }
    context.explain(() => [command.join(" "), ...this.#process.lines].map((line) => line.slice(0, 120)).join("\n  "));
    context.defer(async () => {
      this.#process.kill("SIGKILL");
      await this.#process.ended;
    });
  }

  /** Waits until it has printed a message with these bytes. */
  async got(bytes: Uint8Array): Promise<void> {
    const expected = printed(bytes);
    const line = await this.#process.line((line) => line === expected);
    if (line === undefined) throw new Error(`${this.#kind} ended without a message of ${bytes.length} bytes`);
  }

  /** The messages that it has printed so far. */
  get messages(): string[] {
    return this.#process.lines.filter((line) => line.startsWith('"'));
  }
}

/** What to say where a tool is not installed. */
export function missingCat(kind: CatKind): string {
  return `needs ${PACKAGES[kind]}`;
}

/** How it prints a message. */
export function printed(bytes: Uint8Array): string {
  return `"${Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("")}"`;
}

/** Which sides print what they receive; the other ones refuse to be told how. */
const RECEIVING = /^(req|rep|sub|pull|surveyor|respondent|bus|pair.*)$/;

function argumentsOf(kind: CatKind, { pattern, url, listens, data, topic }: CatOptions): string[] {
  const isNng = kind === "nngcat";
  const args = [
    // nngcat's --pair is ambiguous, and refused.
    `--${isNng ? pattern : pattern.replace("pair0", "pair")}`,
    isNng ? (listens ? "--listen" : "--dial") : (listens ? "--bind" : "--connect"),
    url,
  ];
  if (RECEIVING.test(pattern)) args.push("--hex");
  if (data !== undefined) {
    // nanocat fails over an empty file.
    if (data.length === 0) args.push("--data", "");
    else {
      const file = freshPath();
      writeFileSync(file, data);
      args.push("--file", file);
    }
  }
  if (data !== undefined) args.push(...(isNng ? patienceOfNngcat(pattern, listens) : patienceOfNanocat(pattern)));
  if (topic !== undefined) args.push("--subscribe", topic);
  if (isNng && pattern !== "push" && pattern !== "pub") args.push("--recv-maxsz", "4194304");
  return args;
}

/**
 * Sides that may speak when nobody is there yet. With an interval nngcat ends when a message comes late in it ("Cannot set
 * recv timeout"), so that only those have one that don't listen; the others wait before the one message that they send.
 */
function patienceOfNngcat(pattern: string, listens: boolean): string[] {
  // It counts in whole seconds.
  if (pattern === "pub" || pattern === "push") return ["--interval", "1"];
  return listens && (pattern === "surveyor" || pattern === "bus") ? ["--delay", "2"] : [];
}

/** It connects in the background, so that the first message may be for nobody. */
function patienceOfNanocat(pattern: string): string[] {
  return pattern === "req" || pattern === "rep" || pattern === "respondent" ? [] : ["--interval", "0.1"];
}

/** Whether a tool can say and hear messages of a size opposite one side of a pattern. */
export function catTakes(kind: CatKind, pattern: string, size: number): boolean {
  if (size < 1 << 20) return true;
  // nngcat's surveys last a second, in which a busy machine doesn't get so much there and back.
  if (kind === "nngcat") return pattern !== "respondent";
  // nanocat takes 1 MiB, what the pattern puts in front included.
  return !["req", "rep", "surveyor", "respondent"].includes(pattern);
}

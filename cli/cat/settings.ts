/**
 * What a command line of nngcat asks for, with nngcat's own complaints where it makes no sense.
 *
 * @module
 */

import { bytesOf, decode } from "./byte_text.ts";
import { CatFailure } from "./failure.ts";
import { type Format, FORMATS } from "./format.ts";
import type { PatternName } from "./patterns.ts";
import { type Found, scan } from "./spellings.ts";

/** Where to listen, or whom to dial. */
export interface End {
  /** Which of the two. */
  readonly role: "listen" | "dial";
  /** The address. */
  readonly url: string;
}

/** All of it. */
export interface Settings {
  readonly pattern: PatternName;
  /** At least one, in the order of the command line. */
  readonly ends: readonly End[];
  /** For SUB; at least one there, none elsewhere. */
  readonly topics: readonly Uint8Array[];
  readonly format: Format;
  /** What is sent, or answered. */
  readonly data: Uint8Array | undefined;
  /** How long to wait before anything is sent, in milliseconds. */
  readonly delayMs: number;
  /** How long from one message to the next, in milliseconds; without, there is no next unless there is a count. */
  readonly intervalMs: number | undefined;
  /** How long sending may take, in milliseconds. */
  readonly sendTimeoutMs: number | undefined;
  /** How long to wait for a message, in milliseconds. */
  readonly receiveTimeoutMs: number | undefined;
  /** How many messages or exchanges; 0 for no limit. */
  readonly count: number;
  /** The largest message that is received, in bytes; 0 for any. */
  readonly maxReceiveSize: number;
  /** Whether dialing goes on in the background. */
  readonly background: boolean;
  /** Whether to tell what was bound and connected. */
  readonly isVerbose: boolean;
}

/** What is asked for instead of work. */
export type Instead = "help" | "version";

/** Reads a file whole, `-` for standard input. */
export type FileReader = (path: string) => Promise<Uint8Array>;

const MAX_SECONDS = 86_400;
/** The largest int of C. */
const MAX_COUNT = 0x7fffffff;
/** Of nngcat: it leaves 65536 to the transport. */
const MAX_PORT = 65_536;

/** The options with files for TLS, in nngcat's words. */
const TLS_FILES = { cacert: "CA Certificate (--cacert)", cert: "Cert (--cert)", key: "Key (--key)" } as const;

/** What has been read so far. */
class Draft {
  pattern: PatternName | "pair" | undefined = undefined;
  readonly ends: End[] = [];
  readonly topics: Uint8Array[] = [];
  format: Format | undefined = undefined;
  data: Uint8Array | undefined = undefined;
  delayMs = 0;
  intervalMs: number | undefined = undefined;
  sendTimeoutMs: number | undefined = undefined;
  receiveTimeoutMs: number | undefined = undefined;
  count = 0;
  /** Any size: nngcat 1.5 has no limit, whatever its manual says. */
  maxReceiveSize = 0;
  isCompatible = false;
  isAsync = false;
  isVerbose = false;
  readonly tlsFiles: Set<keyof typeof TLS_FILES> = new Set();
}

/**
 * Reads the words, which are byte texts.
 *
 * @throws {CatFailure} They make no sense, or a file can't be read.
 */
export async function readSettings(words: readonly string[], readFile: FileReader): Promise<Settings | Instead> {
  const draft = new Draft();
  for (const found of scan(words)) {
    if (found.meaning === "help" || found.meaning === "version") return found.meaning;
    await take(found, draft, readFile);
  }
  return check(draft);
}

async function take({ meaning, value }: Found, draft: Draft, readFile: FileReader): Promise<void> {
  switch (meaning) {
    case "req":
    case "rep":
    case "pub":
    case "sub":
    case "push":
    case "pull":
    case "surveyor":
    case "respondent":
    case "bus":
    case "pair":
    case "pair0":
    case "pair1":
      if (draft.pattern !== undefined) throw new CatFailure("Only one protocol may be specified.");
      draft.pattern = meaning;
      return;
    case "dial":
    case "listen":
      draft.ends.push({ role: meaning, url: decode(value) });
      return;
    case "dial-local":
      draft.ends.push({ role: "dial", url: localUrl(value) });
      return;
    case "listen-local":
      draft.ends.push({ role: "listen", url: localUrl(value) });
      return;
    case "dial-ipc":
      draft.ends.push({ role: "dial", url: ipcUrl(value) });
      return;
    case "listen-ipc":
      draft.ends.push({ role: "listen", url: ipcUrl(value) });
      return;
    case "subscribe":
      draft.topics.push(bytesOf(value));
      return;
    case "data":
      setData(draft, bytesOf(value));
      return;
    case "file":
      setData(draft);
      draft.data = await readFile(decode(value));
      return;
    case "raw":
    case "ascii":
    case "quoted":
    case "hex":
    case "msgpack":
      setFormat(draft, meaning);
      return;
    case "format":
      setFormat(draft, value);
      return;
    case "count":
      draft.count = readInteger(value, MAX_COUNT);
      return;
    case "delay":
      draft.delayMs = readSeconds(value);
      return;
    case "interval":
      draft.intervalMs = readSeconds(value);
      return;
    case "send-timeout":
      draft.sendTimeoutMs = readTimeout(value);
      return;
    case "recv-timeout":
      draft.receiveTimeoutMs = readTimeout(value);
      return;
    case "recv-maxsz":
      draft.maxReceiveSize = readInteger(value, MAX_COUNT);
      return;
    case "verbose":
    case "silent":
      draft.isVerbose = meaning === "verbose";
      return;
    case "compat":
      draft.isCompatible = true;
      return;
    case "async":
      draft.isAsync = true;
      return;
    case "cacert":
    case "cert":
    case "key":
      if (draft.tlsFiles.has(meaning)) throw new CatFailure(`${TLS_FILES[meaning]} may be specified only once.`);
      draft.tlsFiles.add(meaning);
      // There is no TLS here; a file that is missing is a mistake all the same.
      await readFile(decode(value));
      return;
  }
}

function localUrl(port: string): string {
  return `tcp://127.0.0.1:${readInteger(port, MAX_PORT)}`;
}

/** The path is taken as absolute, whether or not it begins with a slash: so nngcat has it, unlike nanocat. */
function ipcUrl(path: string): string {
  return `ipc:///${decode(path)}`;
}

function setData(draft: Draft, data?: Uint8Array): void {
  if (draft.data !== undefined) throw new CatFailure("Data (--file, --data) may be specified only once.");
  draft.data = data;
}

function setFormat(draft: Draft, name: string): void {
  if (draft.format !== undefined) throw new CatFailure("Format may be specified only once.");
  draft.format = FORMATS.find((format) => format === name);
  if (draft.format === undefined) throw new CatFailure("Invalid format specified.");
}

function readInteger(digits: string, max: number): number {
  if (digits === "") throw new CatFailure("Empty integer argument.");
  if (!/^\d+$/.test(digits)) throw new CatFailure("Integer argument expected.");
  return bounded(Number(digits), max);
}

/** Seconds, in milliseconds. nngcat takes whole ones, nanocat parts of them as well. */
function readSeconds(text: string): number {
  if (text === "") throw new CatFailure("Empty integer argument.");
  if (!/^(?:\d+\.?\d*|\.\d+)$/.test(text)) throw new CatFailure("Integer argument expected.");
  return bounded(Number(text), MAX_SECONDS) * 1_000;
}

/** 0 is no limit: so nngcat has it, also for REQ, where it may not be noticed. */
function readTimeout(text: string): number | undefined {
  const ms = readSeconds(text);
  return ms === 0 ? undefined : ms;
}

function bounded(value: number, max: number): number {
  if (value > max) throw new CatFailure(`Integer argument ${max === MAX_COUNT ? "overflow" : "too large"}.`);
  return value;
}

function check(draft: Draft): Settings {
  const { ends, isCompatible, isAsync, count } = draft;
  if (ends.length === 0) throw new CatFailure("No address specified.");
  if (isCompatible) {
    if (isAsync) throw new CatFailure("Options --async and --compat are incompatible.");
    if (count !== 0) throw new CatFailure("Options --count and --compat are incompatible.");
    if (draft.pattern === "pair1") throw new CatFailure("Protocol does not support --compat.");
  }
  const pattern = draft.pattern === "pair" ? (isCompatible ? "pair0" : "pair1") : draft.pattern;
  if (pattern !== "sub" && draft.topics.length > 0) throw new CatFailure("Protocol does not support --subscribe.");
  if (pattern === undefined) throw new CatFailure("No protocol specified.");
  checkPattern(pattern, draft);
  return {
    ...draft,
    pattern,
    topics: pattern === "sub" && draft.topics.length === 0 ? [new Uint8Array(0)] : draft.topics,
    format: draft.format ?? "no",
    background: isAsync || isCompatible,
  };
}

/** What a pattern has no use for, and what it can't do without. */
function checkPattern(pattern: PatternName, { data, intervalMs, format }: Draft): void {
  switch (pattern) {
    case "pull":
    case "sub":
      if (data !== undefined) throw new CatFailure("Protocol does not support --file or --data.");
      if (intervalMs !== undefined) throw new CatFailure("Protocol does not support --interval.");
      return;
    case "push":
    case "pub":
      if (format !== undefined) throw new CatFailure("Protocol does not support --format options.");
      if (data === undefined) throw new CatFailure("Protocol requires either --file or --data.");
      return;
    case "surveyor":
    case "req":
      if (data === undefined) throw new CatFailure("Protocol requires either --file or --data.");
      return;
    case "rep":
    case "respondent":
      if (intervalMs !== undefined) throw new CatFailure("Protocol does not support --interval.");
      return;
    case "bus":
    case "pair0":
    case "pair1":
      if (intervalMs !== undefined && data === undefined) {
        throw new CatFailure("Option --interval requires either --file or --data.");
      }
      return;
  }
}

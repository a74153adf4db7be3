/**
 * How nngcat's command line is spelled: long options, which may be cut short where that leaves one, with their value behind
 * `=`, behind `:` or in the next word; and letters, each a word of its own, with their value behind them or in the next word.
 *
 * @module
 */

import { CatFailure } from "./failure.ts";

/** A way to spell an option. */
interface Spelling<Meaning extends string> {
  /** The name behind the two dashes. */
  readonly name: string;
  /** The letter behind the one dash. */
  readonly letter?: string;
  /** Whether a value follows. */
  readonly hasValue: boolean;
  /** What it asks for. */
  readonly meaning: Meaning;
}

function alone<Meaning extends string>(name: string, meaning: Meaning, letter?: string): Spelling<Meaning> {
  return { name, letter, hasValue: false, meaning };
}

function valued<Meaning extends string>(name: string, meaning: Meaning, letter?: string): Spelling<Meaning> {
  return { name, letter, hasValue: true, meaning };
}

/**
 * All of them. Shorter names (`--req`) are not listed: they are `--req0` cut short. Those that would leave several are.
 */
const SPELLINGS = [
  alone("help", "help", "h"),
  alone("version", "version", "V"),
  alone("verbose", "verbose", "v"),
  alone("silent", "silent", "q"),
  alone("req0", "req"),
  alone("rep0", "rep"),
  alone("push0", "push"),
  alone("pull0", "pull"),
  alone("pub0", "pub"),
  alone("sub", "sub"),
  alone("sub0", "sub"),
  alone("surveyor0", "surveyor"),
  alone("respondent0", "respondent"),
  alone("bus0", "bus"),
  alone("pair", "pair"),
  alone("pair0", "pair0"),
  alone("pair1", "pair1"),
  valued("dial", "dial"),
  valued("connect", "dial"),
  valued("listen", "listen"),
  valued("bind", "listen"),
  valued("bind-ipc", "listen-ipc", "X"),
  valued("connect-ipc", "dial-ipc", "x"),
  valued("bind-local", "listen-local", "L"),
  valued("connect-local", "dial-local", "l"),
  valued("data", "data", "D"),
  valued("file", "file", "F"),
  valued("subscribe", "subscribe"),
  valued("format", "format"),
  alone("raw", "raw"),
  alone("ascii", "ascii", "A"),
  alone("quoted", "quoted", "Q"),
  alone("hex", "hex"),
  alone("msgpack", "msgpack"),
  valued("count", "count", "C"),
  valued("delay", "delay", "d"),
  valued("interval", "interval", "i"),
  valued("recv-timeout", "recv-timeout"),
  valued("send-timeout", "send-timeout"),
  valued("recv-maxsz", "recv-maxsz", "Z"),
  valued("socket-name", "socket-name"),
  alone("compat", "compat"),
  alone("async", "async"),
  alone("insecure", "insecure", "k"),
  valued("cacert", "cacert"),
  valued("cert", "cert", "E"),
  valued("key", "key"),
  valued("zt-home", "zt-home"),
] as const satisfies readonly Spelling<string>[];

/** What an option asks for. */
export type Meaning = (typeof SPELLINGS)[number]["meaning"];

/** An option as it was found, with its value, or with nothing where it takes none. */
export interface Found {
  /** What it asks for. */
  readonly meaning: Meaning;
  /** Its value. */
  readonly value: string;
}

/**
 * The options of a command line, one after the other; it ends in front of the first word that is none.
 *
 * @throws {CatFailure} There is no such option, or there are several, or a value is missing where one has to be.
 */
export function* scan(words: readonly string[]): Generator<Found, void, void> {
  for (let index = 0; index < words.length; index++) {
    const word = words[index];
    if (!word.startsWith("-") || word === "-") return;
    const { spelling, attached } = word.startsWith("--") ? readName(word) : readLetter(word);
    const { meaning, hasValue } = spelling;
    if (!hasValue) {
      if (attached !== undefined) throw invalid(word);
      yield { meaning, value: "" };
    } else if (attached !== undefined) {
      yield { meaning, value: attached };
    } else {
      if (++index === words.length) throw new CatFailure(`Option ${word} requires argument.`, true);
      yield { meaning, value: words[index] };
    }
  }
}

interface Read {
  spelling: Spelling<Meaning>;
  /** The value in the same word. */
  attached: string | undefined;
}

function readName(word: string): Read {
  const [, name, attached] = /^--([^=:]*)(?:[=:](.*))?$/s.exec(word)!;
  const candidates = SPELLINGS.filter((spelling) => spelling.name.startsWith(name));
  const spelling = candidates.find((candidate) => candidate.name === name) ?? candidates[0];
  if (spelling === undefined) throw invalid(word);
  if (spelling.name !== name && candidates.length > 1) {
    throw new CatFailure(`Option ${word} is ambiguous (specify in full).`, true);
  }
  return { spelling, attached };
}

function readLetter(word: string): Read {
  const spelling = SPELLINGS.find((spelling: Spelling<Meaning>) => spelling.letter === word[1]);
  if (spelling === undefined) throw invalid(word);
  return { spelling, attached: word.length > 2 ? word.slice(2) : undefined };
}

function invalid(word: string): CatFailure {
  return new CatFailure(`Option ${word} is invalid.`, true);
}

/**
 * Sockeye as a peer of the Scalability Protocols, on its public API alone: does what the lines of its standard input say, as
 * c/peer.c does, and says on standard output what came of it.
 *
 * Four things are other than there: options are those of a socket's constructor, so that `set` comes before anything else
 * that is done with a socket; `reset` closes all sockets, for the next cell; a socket that is opened as `blocking` is cooked,
 * and sends and receives by the calls that block the thread; and `state` tells what a socket counts, when a cell has failed.
 *
 * @module
 */

import process from "node:process";
import { createInterface } from "node:readline";
import { StateError, TimeoutError, UnsupportedError } from "@sockeye/sockeye";
import { Reactor } from "@sockeye/sockeye/ffi";
import { device, Pair, Req, type SpContext, type SpMessage, type SpSocket, type Surveyor } from "@sockeye/sockeye/sp";
import { PATTERNS } from "../../cli/cat/patterns.ts";
import { fingerprintOf, messageOf } from "./payload.ts";

type Options = Record<string, number | boolean>;

const MAKERS: Record<string, (options: Options) => SpSocket> = {
  ...PATTERNS,
  "pair1-poly": (options) => new Pair({ ...options, version: 1, polyamorous: true }),
};

/** The names of nng. */
const OPTIONS: Record<string, string> = {
  "recv-size-max": "maxReceiveSize",
  "reconnect-time-min": "reconnectMin",
  "resend-time": "resendTime",
  "survey-time": "surveyTime",
  "ttl-max": "hopLimit",
  "send-buffer": "sendBuffer",
  "recv-buffer": "receiveBuffer",
};

/** What can be done with a socket or a context, if its pattern does it. */
interface Talker {
  send(data: Uint8Array, options: { timeout: number }): Promise<void>;
  receive(options: { timeout: number }): Promise<SpMessage>;
  sendSync(data: Uint8Array, options: { timeout: number }): void;
  receiveSync(options: { timeout: number }): SpMessage;
  openContext(): SpContext;
  subscribe(topic: string): void;
  unsubscribe(topic: string): void;
}

/** A socket by a name, made when it is first needed. */
class Named {
  readonly options: Options = {};
  readonly isBlocking: boolean;
  readonly #make: (options: Options) => SpSocket;
  #made: SpSocket | undefined;
  #pipes = 0;
  #waiting: (() => void)[] = [];

  constructor(pattern: string, mode: string) {
    const make = MAKERS[pattern];
    if (make === undefined) throw new UnsupportedError(`there is no pattern ${pattern}`);
    this.#make = make;
    this.isBlocking = mode === "blocking";
    if (mode === "raw") this.options.raw = true;
  }

  get socket(): SpSocket {
    if (this.#made !== undefined) return this.#made;
    this.#made = this.#make(this.options);
    this.#made.onPipe(({ type }) => {
      if (type === "added") this.#pipes++;
      if (type === "removed") this.#pipes--;
      for (const look of this.#waiting) look();
    });
    return this.#made;
  }

  get talker(): SpSocket & Talker {
    return this.socket as SpSocket & Talker;
  }

  async close(): Promise<void> {
    await this.#made?.close();
  }

  /** Waits until there are so many pipes. */
  untilPipes(count: number, timeout: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer);
        this.#waiting = this.#waiting.filter((waiting) => waiting !== look);
      };
      const look = () => {
        if (this.#pipes !== count) return;
        end();
        resolve();
      };
      const timer = setTimeout(() => {
        end();
        reject(new TimeoutError(`pipes: there are ${this.#pipes}, not ${count}`));
      }, timeout);
      this.#waiting.push(look);
      look();
    });
  }
}

const named = new Map<string, Named>();

function find(name: string): Named {
  const found = named.get(name);
  if (found === undefined) throw new Error(`no socket is called ${name}`);
  return found;
}

const SEND_TIMEOUT_MS = 30_000;

async function send(name: string, data: Uint8Array): Promise<void> {
  const { isBlocking, talker } = find(name);
  if (isBlocking) talker.sendSync(data, { timeout: SEND_TIMEOUT_MS });
  else await talker.send(data, { timeout: SEND_TIMEOUT_MS });
}

async function receive(name: string, timeout: string): Promise<SpMessage> {
  const { isBlocking, talker } = find(name);
  const options = { timeout: Number(timeout) };
  const message = isBlocking ? talker.receiveSync(options) : await talker.receive(options);
  report(message);
  return message;
}

/** Sends the same bytes back where they came from. */
async function sendBack(name: string, { body, pipe }: SpMessage): Promise<void> {
  const { socket, isBlocking } = find(name);
  if (socket instanceof Pair && pipe !== undefined && !isBlocking) {
    await socket.sendTo(pipe, body, { timeout: SEND_TIMEOUT_MS });
  } else await send(name, body);
}

const COMMANDS: Record<string, (...words: string[]) => void | Promise<void>> = {
  open(name, pattern, mode) {
    named.set(name, new Named(pattern, mode));
  },
  async close(name) {
    const closing = find(name);
    named.delete(name);
    await closing.close();
  },
  async reset() {
    const closing = [...named.values()];
    named.clear();
    await Promise.all(closing.map((each) => each.close()));
  },
  set(name, option, value) {
    find(name).options[OPTIONS[option]] = Number(value);
  },
  subscribe(name, topic) {
    find(name).talker.subscribe(topic === "-" ? "" : topic);
  },
  unsubscribe(name, topic) {
    find(name).talker.unsubscribe(topic === "-" ? "" : topic);
  },
  async listen(name, url) {
    await find(name).socket.listen(url);
  },
  async dial(name, url) {
    await find(name).socket.dial(url, { wait: false });
  },
  pipes(name, count, timeout) {
    void find(name).socket;
    return find(name).untilPipes(Number(count), Number(timeout));
  },
  state(name) {
    const { socket } = find(name);
    const reactor = Reactor.current().stats();
    say(`message ${JSON.stringify({ ...socket.stats(), connected: socket.pipes, reactor })}`);
  },
  async send(name, count, topic, size, seed) {
    for (let index = 0; index < Number(count); index++) {
      await send(name, messageOf(topic, Number(size), Number(seed) + index));
    }
  },
  async recv(name, count, timeout) {
    for (let index = 0; index < Number(count); index++) await receive(name, timeout);
  },
  async echo(name, count, timeout) {
    for (let index = 0; index < Number(count); index++) await sendBack(name, await receive(name, timeout));
  },
  async until(name, size, timeout) {
    for (;;) {
      const { body } = await receive(name, timeout);
      if (body.length === Number(size)) return;
    }
  },
  async converse(name, count, size, seed, timeout) {
    for (let index = 0; index < Number(count); index++) {
      await send(name, messageOf("-", Number(size), Number(seed) + index));
      await receive(name, timeout);
    }
  },
  async ask(name, count, size, seed, timeout) {
    const { socket, isBlocking } = find(name);
    const data = Array.from(
      { length: Number(count) },
      (_, index) => messageOf("-", Number(size), Number(seed) + index),
    );
    const answers = await Promise.all(data.map(async (bytes) => {
      if (socket instanceof Req && isBlocking) return socket.requestSync(bytes, { timeout: Number(timeout) });
      if (socket instanceof Req) return await socket.request(bytes, { timeout: Number(timeout) });
      for await (const answer of (socket as Surveyor).survey(bytes, { timeout: Number(timeout) })) return answer;
      throw new TimeoutError("survey: nobody answered");
    }));
    for (const answer of answers) report(answer);
  },
  async answer(name, count, timeout) {
    const contexts = Array.from({ length: Number(count) }, () => find(name).talker.openContext());
    const questions = await Promise.all(contexts.map((context) => context.receive({ timeout: Number(timeout) })));
    for (const index of contexts.keys().toArray().reverse()) {
      await contexts[index].send(questions[index].body, { timeout: SEND_TIMEOUT_MS });
    }
    for (const context of contexts) context.close();
    for (const question of questions) report(question);
  },
  device(front, back) {
    device(find(front).socket, find(back).socket).catch((error) => {
      console.error(error);
      Deno.exit(1);
    });
  },
};

let output = "";

function say(line: string): void {
  output += `${line}\n`;
}

function report({ body }: SpMessage): void {
  say(`message ${fingerprintOf(body)}`);
}

/** As c/peer.c calls what the libraries have in common. */
function nameOf(error: unknown): string {
  if (error instanceof TimeoutError) return "timeout";
  if (error instanceof StateError) return "state";
  if (error instanceof UnsupportedError) return "unsupported";
  return error instanceof Error ? `${error.name}: ${error.message.replaceAll("\n", " ")}` : String(error);
}

for await (const line of createInterface({ input: process.stdin })) {
  const [command, ...words] = line.split(" ");
  try {
    await COMMANDS[command](...words);
    say("ok");
  } catch (error) {
    say(`error ${nameOf(error)}`);
  }
  process.stdout.write(output);
  output = "";
}
await COMMANDS.reset();

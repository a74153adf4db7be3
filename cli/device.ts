/** `sockeye device`: joins the sockets of a pattern over a machine in the middle. @module */

import {
  Bus,
  device as forward,
  Pair,
  Pub,
  Pull,
  Push,
  Rep,
  Req,
  Respondent,
  Sub,
  Surveyor,
} from "@sockeye/sockeye/sp";
import type { SocketOptions, SpSocket } from "@sockeye/sockeye/sp";
import { type Command, command } from "./command.ts";
import { choice, flag, integer } from "./option.ts";
import type { Output } from "./output.ts";
import { json } from "./shared_options.ts";
import { UsageError } from "./usage_error.ts";

/** The two sides of a pattern: whose peers ask or send first, and the other one. */
interface Sides {
  front(options: SideOptions): SpSocket;
  back(options: SideOptions): SpSocket;
}

type SideOptions = SocketOptions & { raw: true; hopLimit?: number };

/** The patterns by the option that chooses them. */
const PATTERNS: Readonly<Record<string, Sides>> = {
  "req-rep": { front: (options) => new Rep(options), back: (options) => new Req(options) },
  "pub-sub": { front: (options) => new Sub(options), back: (options) => new Pub(options) },
  "push-pull": { front: (options) => new Pull(options), back: (options) => new Push(options) },
  survey: { front: (options) => new Respondent(options), back: (options) => new Surveyor(options) },
  bus: { front: (options) => new Bus(options), back: (options) => new Bus(options) },
  pair: pairs(1),
  pair0: pairs(0),
};

function pairs(version: 0 | 1): Sides {
  const open = (options: SideOptions) => new Pair({ ...options, version });
  return { front: open, back: open };
}

/** The patterns whose two sides are the same, so that one socket can give back what it gets. */
const SYMMETRIC: readonly string[] = ["bus", "pair", "pair0"];

/** The subcommand. */
export const device: Command = command({
  name: "device",
  summary: "Forwards between the peers of two addresses, in one pattern of the Scalability Protocols.",
  details:
    `One of the options for patterns has to be given. Both addresses are listened on, unless --dial says otherwise;
whoever is dialed may come later, and come back. With one address messages go back to where it was sent
to: to all other peers with --bus, to the sender with --pair. It goes on until Ctrl-C or SIGTERM.`,
  operands: [["FRONT", "the address for those who ask or send: REQ, PUB, PUSH, SURVEYOR"]],
  optionalOperands: [["BACK", "the address for those who answer or receive: REP, SUB, PULL, RESPONDENT"]],
  options: {
    "req-rep": flag("forward requests to the back, in turn, and replies to the front"),
    "pub-sub": flag("forward all that is published to the back, whatever the topic"),
    "push-pull": flag("forward messages to the back, in turn"),
    survey: flag("forward surveys to all at the back, and answers to the front"),
    bus: flag("forward between two buses, or from all peers of one to all others of it"),
    pair: flag("forward between two peers of PAIR, version 1"),
    pair0: flag("the same, version 0"),
    dial: choice(["none", "front", "back", "both"], "dial these addresses rather than listen on them (default none)"),
    "hop-limit": integer("N", "drop what has passed so many devices (default 8)", { min: 1, max: 15 }),
    json,
  },
  examples: [
    {
      line: "device --req-rep tcp://0.0.0.0:5555 ipc:///run/workers.ipc",
      about: "a queue between clients on the network and workers on this machine",
    },
    {
      line: "device --pub-sub tcp://198.51.100.1:5556 tcp://0.0.0.0:5556 --dial front",
      about: "publish here what somebody publishes there",
    },
    { line: "device --bus tcp://0.0.0.0:5557", about: "a hub: what one peer sends all others get" },
  ],
  async run({ options, operands: [frontUrl, backUrl], output, signal }) {
    const sides = readPattern(options, backUrl);
    const side: SideOptions = { raw: true, hopLimit: options["hop-limit"] };
    const front = sides.front(side);
    const back = backUrl === undefined ? undefined : sides.back(side);
    const isDialed = (name: "front" | "back") => options.dial === name || options.dial === "both";
    try {
      await attach(front, "front", frontUrl, isDialed("front"), output, signal);
      if (back !== undefined) await attach(back, "back", backUrl, isDialed("back"), output, signal);
      await forward(front, back, { signal });
      reportEnd(front, back, output);
    } finally {
      await Promise.all([front.close(), back?.close()]);
    }
    return 0;
  },
});

/**
 * The one pattern that was chosen.
 *
 * @throws {UsageError} There is none, or several, or it needs a second address.
 */
function readPattern(options: Readonly<Record<string, unknown>>, backUrl: string | undefined): Sides {
  const all = Object.keys(PATTERNS);
  const chosen = all.filter((name) => options[name] === true);
  if (chosen.length !== 1) throw new UsageError(`give one of ${all.map((name) => `--${name}`).join(", ")}`);
  const [name] = chosen;
  if (backUrl === undefined && !SYMMETRIC.includes(name)) {
    throw new UsageError(`BACK is missing: --${name} needs two addresses`);
  }
  return PATTERNS[name];
}

async function attach(
  socket: SpSocket,
  side: "front" | "back",
  url: string,
  isDialed: boolean,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  if (isDialed) {
    const dialer = await socket.dial(url, { wait: false, signal });
    output.report({ type: "dialing", side, url: dialer.url }, () => `${side} dials ${dialer.url}`);
  } else {
    const listener = await socket.listen(url, { signal });
    output.report({ type: "listening", side, url: listener.url }, () => `${side} listens on ${listener.url}`);
  }
}

function reportEnd(front: SpSocket, back: SpSocket | undefined, output: Output): void {
  const report = { type: "end", fromFront: front.stats().received, fromBack: back?.stats().received ?? 0 };
  output.report(report, () => `received ${report.fromFront} messages at the front, ${report.fromBack} at the back`);
}

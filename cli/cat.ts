/** `sockeye cat`: messages of the Scalability Protocols from the command line, as nngcat(1) has it. @module */

import type { SpSocket } from "@sockeye/sockeye/sp";
import { Buffer } from "node:buffer";
import process from "node:process";
import { byteTexts } from "./cat/byte_text.ts";
import { Ending } from "./cat/ending.ts";
import { exchange } from "./cat/exchange.ts";
import { CatFailure } from "./cat/failure.ts";
import { formatMessage } from "./cat/format.ts";
import { catOptions } from "./cat/options.ts";
import { readSettings, type Settings } from "./cat/settings.ts";
import { asCatSocket, attach, openSocket } from "./cat/socket.ts";
import { readWhole, writeOut } from "./cat/standard_streams.ts";
import type { StandIn } from "./command.ts";
import { VERSION } from "./version.ts";

/** The command. */
export const cat: StandIn = {
  name: "cat",
  summary: "Sends and receives messages of the Scalability Protocols; stands in for nngcat.",
  details: `Options, output, complaints and exit statuses are nngcat's, so that a script can have either. Long
options may be cut short where that leaves one (--req, --sub), and take their value as --count=1,
--count:1 or --count 1. Letters don't cluster: -C1 or -C 1. nanocat's spellings are taken too.
Without a format nothing is printed.`,
  options: catOptions,
  exitStatus: "Exit status: 0 fine, 1 failed or usage; as nngcat's.",
  examples: [
    { line: "cat --rep --listen tcp://127.0.0.1:4567 --data 42 --quoted", about: "answer each request, and print it" },
    { line: "cat --req --dial tcp://127.0.0.1:4567 --data question --quoted", about: "ask, and print the answer" },
    { line: "cat --sub --dial ipc:///run/clock.ipc --subscribe time --raw", about: "what is published on a topic" },
    { line: "cat --push --listen udp://127.0.0.1:5555 --file - --delay 1", about: "push what comes on standard input" },
  ],
  async standIn(words) {
    try {
      const settings = await readSettings(byteTexts(words), readWhole);
      if (settings === "help") return "help";
      if (settings === "version") process.stdout.write(`${VERSION}\n`);
      else await run(settings);
      return 0;
    } catch (error) {
      if (!(error instanceof CatFailure)) throw error;
      process.stderr.write(Buffer.from(`${error.message}\n`, error.isByteText ? "latin1" : "utf8"));
      return 1;
    }
  },
};

async function run(settings: Settings): Promise<void> {
  const socket = openSocket(settings);
  const closeAtOnce = () => socket[Symbol.dispose]();
  try {
    await new Ending(closeAtOnce).during(() => converse(socket, settings));
  } finally {
    closeAtOnce();
  }
}

async function converse(socket: SpSocket, settings: Settings): Promise<void> {
  const over = new AbortController();
  try {
    for (const end of settings.ends) {
      const url = await attach(socket, end, settings.background, over.signal);
      if (settings.isVerbose) process.stdout.write(`${VERBS[end.role]}: ${url}\n`);
    }
    await exchange(asCatSocket(socket), settings, (body) => writeOut(formatMessage(body, settings.format)));
  } finally {
    over.abort();
  }
  // What was sent may still be on its way, and a peer that doesn't read holds nothing up for long.
  await socket.close();
}

const VERBS = { listen: "Listening at", dial: "Connected to" } as const;

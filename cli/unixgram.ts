/** `sockeye unixgram`: datagrams between processes of one machine. @module */

import type { CommandGroup } from "./command.ts";
import { unixgramListen } from "./unixgram/listen.ts";
import { unixgramSend } from "./unixgram/send.ts";

/** The group of subcommands. */
export const unixgram: CommandGroup = {
  name: "unixgram",
  summary: "Sends and receives unix datagrams, and tells which process sent them.",
  commands: [unixgramSend, unixgramListen],
  examples: [
    { line: "unixgram listen /run/clock --echo", about: "print each datagram and its sender, and send it back" },
    { line: "unixgram send /run/clock --data now --receive 1", about: "send one, and print the answer" },
    { line: "unixgram send @clock --data now", about: "the same to a name outside the file system (Linux)" },
  ],
};

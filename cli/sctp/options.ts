/** The options that several subcommands share. @module */

import { flag, integer, type Option, type Range } from "../option.ts";

/** Streams of an association: 1 to what 16 bits count. */
export const STREAM_COUNT: Range = { min: 1, max: 65535 };
/** A stream identifier. */
export const STREAM_ID: Range = { min: 0, max: 65535 };
/** What 32 bits hold, as a PPID. */
export const UNSIGNED_32: Range = { min: 0, max: 0xffffffff };
/** How often something is done. */
export const COUNT: Range = { min: 1, max: Number.MAX_SAFE_INTEGER };
/** Sizes of messages; more does not fit into the queues of either end. */
export const MESSAGE_SIZE: Range = { min: 1, max: 1 << 20 };

/** `--json`. */
export const json: Option<boolean> = flag("print one JSON object a line");
/** `--hex`. */
export const hex: Option<boolean> = flag("data is hexadecimal, where it is given and where it is printed");
/** `--events`. */
export const events: Option<boolean> = flag("print notifications as well, of every kind");
/** `--streams`. */
export const streams: Option<number | undefined> = integer("N", "how many streams to send on", STREAM_COUNT);

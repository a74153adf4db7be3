/** The options that several subcommands share. @module */

import { flag, integer, type Option, type Range } from "../option.ts";

/** Streams of an association: 1 to what 16 bits count. */
export const STREAM_COUNT: Range = { min: 1, max: 65535 };
/** A stream identifier. */
export const STREAM_ID: Range = { min: 0, max: 65535 };
/** Sizes of messages; more does not fit into the queues of either end. */
export const MESSAGE_SIZE: Range = { min: 1, max: 1 << 20 };

/** `--events`. */
export const events: Option<boolean> = flag("print notifications as well, of every kind");
/** `--streams`. */
export const streams: Option<number | undefined> = integer("N", "how many streams to send on", STREAM_COUNT);

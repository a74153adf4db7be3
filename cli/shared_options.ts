/** The options that commands of several groups share. @module */

import { flag, type Option, type Range } from "./option.ts";

/** How often something is done. */
export const COUNT: Range = { min: 1, max: Number.MAX_SAFE_INTEGER };
/** The ports that one can send to. */
export const PORT: Range = { min: 1, max: 65535 };
/** What 8 bits hold. */
export const UNSIGNED_8: Range = { min: 0, max: 255 };
/** What 16 bits hold. */
export const UNSIGNED_16: Range = { min: 0, max: 65535 };
/** What 32 bits hold. */
export const UNSIGNED_32: Range = { min: 0, max: 0xffffffff };

/** `--json`. */
export const json: Option<boolean> = flag("print one JSON object a line");
/** `--hex`. */
export const hex: Option<boolean> = flag("data is hexadecimal, where it is given and where it is printed");

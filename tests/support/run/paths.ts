/**
 * Where the repository and the reports of a test run are.
 *
 * @module
 */

import { join } from "node:path";

/** The repository's root. */
export const ROOT: string = new URL("../../../", import.meta.url).pathname;

/** Where logs and reports of the stages are written. */
export const REPORTS: string = join(ROOT, ".build/test");

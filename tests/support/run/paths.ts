/**
 * Where the repository and the reports of a test run are.
 *
 * @module
 */

import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root. */
export const ROOT: string = fileURLToPath(new URL("../../../", import.meta.url));

/** Where logs and reports of the stages are written. */
export const REPORTS: string = join(ROOT, ".build/test");

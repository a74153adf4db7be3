/**
 * Where the npm build and what it is tested with live.
 *
 * @module
 */

import { join } from "node:path";

/** The repository's root. */
export const ROOT: string = new URL("../../../", import.meta.url).pathname;

/** The folder of the npm build. */
export const NPM_BUILD: string = join(ROOT, ".build/npm");

/** The tarball that `npm publish` would take. */
export const TARBALL: string = join(NPM_BUILD, "sockeye.tgz");

/** The empty project into which the tarball is installed. */
export const PROJECT: string = join(NPM_BUILD, "project");

/** The project that holds Node 20, the newest Node, Bun and npm. */
export const RUNTIMES: string = join(NPM_BUILD, "runtimes");

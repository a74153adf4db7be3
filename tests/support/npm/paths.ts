/**
 * Where the npm build and what it is tested with live.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root. */
export const ROOT: string = fileURLToPath(new URL("../../../", import.meta.url));

/** The folder of the npm build. */
export const NPM_BUILD: string = join(ROOT, ".build/npm");

const { name, version }: { name: string; version: string } = JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8"));

/** The tarball that `npm publish` would take, named as npm names it. */
export const TARBALL: string = join(NPM_BUILD, `${name.slice(1).replace("/", "-")}-${version}.tgz`);

/** The empty project into which the tarball is installed. */
export const PROJECT: string = join(NPM_BUILD, "project");

/** The project that holds Node 20, the newest Node, Bun and npm. */
export const RUNTIMES: string = join(NPM_BUILD, "runtimes");

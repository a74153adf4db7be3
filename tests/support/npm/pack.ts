/**
 * `deno task pack`: makes the npm package out of what `deno pack` writes.
 *
 * `deno pack` knows the exports of deno.json and the modules that they import. The command is no export, koffi is loaded by
 * name at run time, and npm wants fields that deno.json lacks: this adds the three.
 *
 * @module
 */

import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NPM_BUILD, ROOT, TARBALL } from "./paths.ts";
import { runOk } from "./run.ts";

/** The packages that the shipped code loads by name, where `deno pack` can't see it. */
const LOADED_BY_NAME = ["koffi"];

const NPM_FIELDS = {
  description:
    "Message-oriented transports for Deno, Node and Bun: SCTP, Scalability Protocols, per-packet control of UDP and IP",
  keywords: [
    "sctp",
    "rfc6458",
    "rfc9260",
    "nng",
    "nanomsg",
    "traceroute",
    "sockets",
    "ffi",
    "unixgram",
    "udp",
    "multihoming",
    "deno",
    "bun",
  ],
  engines: { node: ">=20" },
};

const SHEBANG = "#!/usr/bin/env node\n";

interface DenoConfig {
  exports: Record<string, string>;
  imports: Record<string, string>;
  publish: { include: string[] };
}

interface PackageJson {
  exports: Record<string, unknown>;
  dependencies?: Record<string, string>;
  [field: string]: unknown;
}

/** Builds the npm package and gives the tarball's path. */
export function packForNpm(): string {
  const config: DenoConfig = JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8"));
  const folder = mkdtempSync(join(tmpdir(), "sockeye-pack-"));
  try {
    const raw = join(folder, "raw.tgz");
    packWithCommand(config, join(folder, "source"), raw);
    runOk(["tar", "-xzf", raw, "-C", folder]);
    const contents = join(folder, "package");
    completeManifest(config, contents);
    completeCommand(contents);
    refuseSources(contents);
    mkdirSync(NPM_BUILD, { recursive: true });
    // The same source gives the same bytes: order, owner, mode and time do not depend on the machine.
    const reproducible = [
      "--sort=name",
      "--mtime=@0",
      "--owner=0",
      "--group=0",
      "--numeric-owner",
      "--mode=u=rwX,go=rX",
    ];
    runOk(["tar", ...reproducible, "-czf", TARBALL, "-C", folder, "package"]);
    return TARBALL;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Runs `deno pack` on a copy of the published files, in which the command counts as an export. */
function packWithCommand(config: DenoConfig, source: string, output: string): void {
  for (const path of [...config.publish.include, "deno.lock"]) {
    cpSync(join(ROOT, path), join(source, path), { recursive: true });
  }
  const exports = { ...config.exports, "./cli": "./cli/main.ts" };
  writeFileSync(join(source, "deno.json"), JSON.stringify({ ...config, exports }));
  runOk([Deno.execPath(), "pack", "--allow-dirty", "--no-source-maps", "--output", output], { cwd: source });
}

function completeManifest(config: DenoConfig, contents: string): void {
  const path = join(contents, "package.json");
  const manifest: PackageJson = JSON.parse(readFileSync(path, "utf8"));
  delete manifest.exports["./cli"];
  manifest.exports["./package.json"] = "./package.json";
  const dependencies = { ...manifest.dependencies };
  for (const name of LOADED_BY_NAME) dependencies[name] = config.imports[name].slice(`npm:${name}@`.length);
  const complete = { ...manifest, ...NPM_FIELDS, bin: { sockeye: "./cli/main.js" }, dependencies };
  writeFileSync(path, `${JSON.stringify(complete, null, 2)}\n`);
}

function completeCommand(contents: string): void {
  const path = join(contents, "cli/main.js");
  const script = readFileSync(path, "utf8").replace(/^#!.*\n/, "");
  writeFileSync(path, SHEBANG + script);
  chmodSync(path, 0o755);
}

/** A TypeScript file in the package is one that no export imports: `deno pack` takes it for an asset and ships it as it is. */
function refuseSources(contents: string): void {
  const sources = readdirSync(contents, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !path.endsWith(".d.ts"));
  if (sources.length > 0) throw new Error(`no export of the package imports ${sources.join(", ")}`);
}

if (import.meta.main) console.log(packForNpm());

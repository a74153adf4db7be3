/**
 * Compiles the C and Go programs of the interop suite into `.build/interop`, once for each state of their sources.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";

/** The repository's root, with a slash at the end. */
export const ROOT: string = fileURLToPath(new URL("../", import.meta.url));

const OUTPUT = `${ROOT}.build/interop`;
const C_FLAGS = [
  "-std=gnu11",
  "-D_GNU_SOURCE",
  "-O2",
  "-Wall",
  "-Wextra",
  "-Wshadow",
  "-Wstrict-prototypes",
  "-Werror",
];
const PEER_SOURCES = ["peer.c", "options.c", "addresses.c", "payload.c", "report.c"];
const PEER_HEADERS = ["peer.h", "payload.h"];

/** A program that the suite runs, or why there is none. */
export type Program = { path: string } | { path: undefined; reason: string };

/** Runs a compiler; gives its standard error, and whether it succeeded. */
function run(command: readonly string[], cwd: string, env?: Record<string, string>): { ok: boolean; stderr: string } {
  try {
    const output = new Deno.Command(command[0], { args: command.slice(1), cwd, env, stdin: "null", stdout: "null" })
      .outputSync();
    return { ok: output.success, stderr: new TextDecoder().decode(output.stderr) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { ok: false, stderr: `${command[0]} is not installed` };
    throw error;
  }
}

/** Whether this machine has a C compiler. */
export function hasCompiler(): boolean {
  return run(["gcc", "--version"], ROOT).ok;
}

/** What {@linkcode compileC} compiles. */
export interface CompileOptions {
  /** The program's name in `.build/interop`. */
  name: string;
  /** The source text. */
  source: string;
  /** Further arguments for gcc. */
  flags?: readonly string[];
}

/** A C program compiled from generated text, or what gcc had to say. */
export function compileC(options: CompileOptions): { path: string } | { path: undefined; stderr: string } {
  const flags = options.flags ?? [];
  return cached(options.name, [options.source, ...flags], (target) => {
    const source = `${target}.c`;
    Deno.writeTextFileSync(source, options.source);
    const outcome = run(["gcc", "-std=gnu11", "-D_GNU_SOURCE", "-w", ...flags, "-o", target, source], OUTPUT);
    Deno.removeSync(source);
    return outcome;
  });
}

/** The C peer on libsctp. */
export function peerOnLibsctp(): Program {
  return peerInC("peer-libsctp", "calls_libsctp.c", ["-lsctp"]);
}

/** The C peer on linux/sctp.h alone. */
export function peerOnKernelHeaders(): Program {
  return peerInC("peer-kernel", "calls_kernel.c", []);
}

/** The Go peer. */
export function peerInGo(): Program {
  const folder = `${ROOT}interop/go`;
  const env = {
    GO111MODULE: "off",
    GOPATH: "/usr/share/gocode",
    GOCACHE: `${OUTPUT}/go-cache`,
    GOFLAGS: "-ldflags=-s",
  };
  const text = Deno.readTextFileSync(`${folder}/main.go`);
  return asProgram(
    cached("peer-go", [text], (target) => run(["go", "build", "-o", target, "main.go"], folder, env)),
    "golang-go and golang-github-ishidawataru-sctp-dev",
  );
}

function peerInC(name: string, calls: string, libraries: readonly string[]): Program {
  return programInC({
    name,
    folder: `${ROOT}interop/c`,
    sources: [...PEER_SOURCES, calls],
    headers: PEER_HEADERS,
    libraries,
    packages: "gcc and libsctp-dev",
  });
}

/** What {@linkcode programInC} compiles. */
export interface ProgramInC {
  /** The program's name in `.build/interop`. */
  name: string;
  /** Where the sources and headers are. */
  folder: string;
  sources: readonly string[];
  headers: readonly string[];
  /** For instance `"-lnng"`. */
  libraries: readonly string[];
  /** What a machine needs that has not what the program includes or links. */
  packages: string;
}

/** A C program of the suite. */
export function programInC({ name, folder, sources, headers, libraries, packages }: ProgramInC): Program {
  const texts = [...headers, ...sources].map((file) => Deno.readTextFileSync(`${folder}/${file}`));
  return asProgram(
    cached(
      name,
      [...C_FLAGS, ...libraries, ...texts],
      (target) => run(["gcc", ...C_FLAGS, "-o", target, ...sources, ...libraries], folder),
    ),
    packages,
  );
}

function asProgram(built: ReturnType<typeof cached>, packages: string): Program {
  if (built.path !== undefined) return built;
  const isNotInstalled =
    /is not installed|fatal error: (netinet|linux|nng|nanomsg)\/\w+\.h|cannot find -l|cannot find package/;
  if (isNotInstalled.test(built.stderr)) return { path: undefined, reason: `needs ${packages}` };
  throw new Error(`a program of the interop suite does not compile:\n${built.stderr}`);
}

/** Compiles unless the same inputs were compiled before; older results of the same name go. */
function cached(
  name: string,
  inputs: readonly string[],
  compile: (target: string) => { ok: boolean; stderr: string },
): { path: string } | { path: undefined; stderr: string } {
  Deno.mkdirSync(OUTPUT, { recursive: true });
  const hash = createHash("sha256").update(JSON.stringify(inputs)).digest("hex").slice(0, 16);
  const path = `${OUTPUT}/${name}-${hash}`;
  if (exists(path)) return { path };
  // Another process may compile the same; each renames a whole program into place.
  const target = `${path}.${Deno.pid}`;
  const outcome = compile(target);
  if (!outcome.ok) return { path: undefined, stderr: outcome.stderr };
  const isOlder = new RegExp(`^${name}-[0-9a-f]{16}$`);
  for (const { name: file } of [...Deno.readDirSync(OUTPUT)]) {
    if (isOlder.test(file)) Deno.removeSync(`${OUTPUT}/${file}`);
  }
  Deno.renameSync(target, path);
  return { path };
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * The programs that are measured: ours, those in C (compiled into `.build/bench`), Deno's own, Node's.
 *
 * @module
 */

import { fileURLToPath } from "node:url";

/** The repository's root, with a slash at the end. */
const ROOT = fileURLToPath(new URL("../", import.meta.url));
const OUTPUT = `${ROOT}.build/bench`;
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

/** A folder for sockets, removed with everything in it. */
export class SocketFolder implements Disposable {
  readonly #path = Deno.makeTempDirSync({ prefix: "sockeye-bench-" });
  #count = 0;

  /** A path that no socket has had yet. */
  path(): string {
    return `${this.#path}/${++this.#count}`;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#path, { recursive: true });
  }
}

/**
 * Compiles a program in C.
 *
 * @param name Its name in `bench/c`, without the ending.
 * @param libraries What to link it with.
 * @returns Where it is.
 * @throws {Error} When gcc is missing or refuses it.
 */
export function inC(name: string, libraries: readonly string[] = []): string[] {
  Deno.mkdirSync(OUTPUT, { recursive: true });
  const source = `${ROOT}bench/c/${name}.c`;
  const target = `${OUTPUT}/${name}`;
  if (modified(target) > modified(source)) return [target];
  const { success, stderr } = new Deno.Command("gcc", {
    args: [...C_FLAGS, "-o", target, source, ...libraries],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).outputSync();
  if (!success) throw new Error(`bench/c/${name}.c does not compile:\n${new TextDecoder().decode(stderr)}`);
  return [target];
}

/** A program of `bench/peers` on Deno. */
export function onDeno(name: string, ...flags: string[]): string[] {
  return [Deno.execPath(), "run", "--quiet", "--no-check", "-A", ...flags, `${ROOT}bench/peers/${name}`];
}

/** A program of `bench/peers` on Node. */
export function onNode(name: string): string[] {
  return ["node", `${ROOT}bench/peers/${name}`];
}

/** Whether programs can be given a processor each, by taskset(1). */
export function hasTwoProcessors(): boolean {
  return [0, 1].every((processor) => output(onProcessor(processor, ["true"])) !== undefined);
}

/** A command on one processor only. */
export function onProcessor(processor: number, command: readonly string[]): string[] {
  return ["taskset", "--cpu-list", String(processor), ...command];
}

/** What a program prints as its version, or `undefined` where there is no such program. */
export function version(program: string): string | undefined {
  return output([program, "--version"])?.split("\n")[0];
}

/** What a command prints, or `undefined` where it fails or there is none such. */
export function output(command: readonly string[]): string | undefined {
  try {
    const { success, stdout } = new Deno.Command(command[0], { args: command.slice(1), stderr: "null" }).outputSync();
    return success ? new TextDecoder().decode(stdout) : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function modified(path: string): number {
  try {
    return Deno.statSync(path).mtime!.getTime();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

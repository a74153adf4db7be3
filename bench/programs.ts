/**
 * The programs that are measured: ours, those in C (compiled into `.build/bench`), Deno's own, Node's.
 *
 * @module
 */

/** The repository's root, with a slash at the end. */
const ROOT = new URL("../", import.meta.url).pathname;
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

/** What a program prints as its version, or `undefined` where there is no such program. */
export function version(program: string): string | undefined {
  try {
    const { success, stdout } = new Deno.Command(program, { args: ["--version"], stderr: "null" }).outputSync();
    return success ? new TextDecoder().decode(stdout).split("\n")[0] : undefined;
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

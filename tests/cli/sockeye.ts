/**
 * Runs the command as its user would, and waits for what it prints.
 *
 * @module
 */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
/** Only what hangs takes so long. */
const LIMIT_MS = 120_000;

/** How a program ended. */
export interface Outcome {
  /** The exit status; null where a signal ended it. */
  status: number | null;
  /** Everything on standard output. */
  stdout: string;
  /** Everything on standard error. */
  stderr: string;
}

/** How the command is started. */
export interface StartOptions {
  /** What Deno may do. @default {["-A"]} */
  permissions?: readonly string[];
  /** Whether standard input is a pipe, to be written to. @default {false} */
  stdin?: boolean;
}

/** Runs `sockeye` to its end. */
export function runSockeye(words: readonly string[], { permissions = ["-A"] }: StartOptions = {}): Outcome {
  return runDeno(commandLine(permissions, words));
}

/** Runs `sockeye` to its end as if on another platform, for instance "darwin". */
export function runSockeyeOn(platform: string, words: readonly string[]): Outcome {
  return runDeno([
    "eval",
    "--no-check",
    `import process from "node:process";
     Object.defineProperty(process, "platform", { value: ${JSON.stringify(platform)} });
     process.argv.splice(2, Infinity, ...${JSON.stringify(words)});
     await import(${JSON.stringify(MAIN)});`,
  ]);
}

function runDeno(args: readonly string[]): Outcome {
  const { status, stdout, stderr } = spawnSync(Deno.execPath(), args, {
    encoding: "utf8",
    env: { ...Deno.env.toObject(), NO_COLOR: "1" },
    timeout: LIMIT_MS,
  });
  return { status, stdout, stderr };
}

/** Starts `sockeye`. */
export function startSockeye(words: readonly string[], options: StartOptions = {}): Program {
  return new Program(Deno.execPath(), commandLine(options.permissions ?? ["-A"], words), options.stdin);
}

/** The whole command, for those who run it in their own way. */
export function sockeyeCommand(words: readonly string[]): string[] {
  return [Deno.execPath(), ...commandLine(["-A"], words)];
}

function commandLine(permissions: readonly string[], words: readonly string[]): string[] {
  return ["run", "--no-check", "--no-prompt", ...permissions, MAIN, ...words];
}

/** A running program. Disposed of, it is killed if it still runs, and nothing of it is left. */
export class Program implements AsyncDisposable {
  /** How it ended. */
  readonly ended: Promise<Outcome>;
  readonly #child: ChildProcess;
  readonly #limit: ReturnType<typeof setTimeout>;
  #stdout = "";
  #stderr = "";
  #isOver = false;
  readonly #watchers = new Set<() => void>();

  constructor(path: string, args: readonly string[], stdin = false) {
    this.#child = spawn(path, args, {
      stdio: [stdin ? "pipe" : "ignore", "pipe", "pipe"],
      env: { ...Deno.env.toObject(), NO_COLOR: "1" },
    });
    this.#limit = setTimeout(() => this.#child.kill("SIGKILL"), LIMIT_MS);
    const look = () => this.#watchers.forEach((watcher) => watcher());
    this.#child.stdout!.setEncoding("utf8").on("data", (text) => {
      this.#stdout += text;
      look();
    });
    this.#child.stderr!.setEncoding("utf8").on("data", (text) => {
      this.#stderr += text;
      look();
    });
    this.ended = new Promise((resolve) => {
      this.#child.once("close", (status) => {
        this.#isOver = true;
        clearTimeout(this.#limit);
        look();
        resolve({ status, stdout: this.#stdout, stderr: this.#stderr });
      });
    });
  }

  /** The first line of either output, past or to come, that matches. Rejects when the program ends without it. */
  line(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const lines = [...wholeLines(this.#stdout), ...wholeLines(this.#stderr)];
        const found = lines.map((line) => pattern.exec(line)).find((match) => match !== null);
        if (found === undefined && !this.#isOver) return;
        this.#watchers.delete(look);
        if (found !== undefined) resolve(found!);
        else reject(new Error(`no line matches ${pattern}:\n${this.#stdout}${this.#stderr}`));
      };
      this.#watchers.add(look);
      look();
    });
  }

  /** Writes to standard input. */
  write(text: string): void {
    this.#child.stdin!.write(text);
  }

  /** Ends standard input. */
  closeInput(): void {
    this.#child.stdin!.end();
  }

  /** Stops reading standard output, as `head` does when it has enough. */
  stopReading(): void {
    this.#child.stdout!.destroy();
  }

  /** Sends a signal. */
  kill(signal: "SIGINT" | "SIGTERM" | "SIGKILL"): void {
    // child.kill() would make the exit status unknown, also where the program handles the signal.
    if (!this.#isOver) process.kill(this.#child.pid!, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOver) this.#child.kill("SIGKILL");
    await this.ended;
  }
}

function wholeLines(text: string): string[] {
  return text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
}

/** The objects of an output with `--json`. */
export function objects(stdout: string): Record<string, unknown>[] {
  return stdout.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}

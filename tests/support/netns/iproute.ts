/**
 * Runs `ip` and `tc` of iproute2.
 *
 * @module
 */

import { spawn, spawnSync } from "node:child_process";

/** How a program ended, and what it wrote. */
export interface Finished {
  /** The exit status; null where a signal ended it. */
  code: number | null;
  /** Standard output. */
  stdout: string;
  /** Standard error. */
  stderr: string;
}

/** A command of iproute2 failed. The message holds the command and its complaint. */
export class IprouteError extends Error {
  /** @param message The command and its complaint. */
  constructor(message: string) {
    super(message);
    this.name = "IprouteError";
  }
}

/**
 * Runs a program to its end without holding up this one.
 *
 * @param argv The program and its arguments.
 * @param input What it reads.
 */
export function runToEnd(argv: readonly string[], input = ""): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(argv[0], argv.slice(1), { stdio: ["pipe", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text) => stdout += text);
    child.stderr.setEncoding("utf8").on("data", (text) => stderr += text);
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
    // A program that ends without reading is judged by its exit status.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}

/**
 * Runs a program that must succeed, and gives its standard output.
 *
 * @throws {IprouteError} Where it ends with another status than 0.
 */
export async function runOrThrow(argv: readonly string[], input?: string): Promise<string> {
  const { code, stdout, stderr } = await runToEnd(argv, input);
  if (code === 0) return stdout;
  const commands = input === undefined ? "" : `\n${input.trimEnd()}`;
  throw new IprouteError(`${argv.join(" ")} failed: ${stderr.trim()}${commands}`);
}

/**
 * Runs several commands of one tool in one process.
 *
 * @param tool The tool and its options, for instance `["tc", "-n", "a"]`.
 * @param lines A command each; the first that fails ends it.
 * @throws {IprouteError} Where one fails.
 */
export async function runBatch(tool: readonly string[], lines: readonly string[]): Promise<void> {
  if (lines.length > 0) await runOrThrow([...tool, "-batch", "-"], lines.map((line) => `${line}\n`).join(""));
}

/** Whether a command succeeds, asked at once; for conditions under which tests are skipped. */
export function succeeds(argv: readonly string[]): boolean {
  return spawnSync(argv[0], argv.slice(1), { stdio: "ignore" }).status === 0;
}

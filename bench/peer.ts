/**
 * A program that takes part in a measurement: it answers in lines of JSON, and ends in time or is ended.
 *
 * @module
 */

/** What a program prints on one line. */
export type Answer = Record<string, number | string>;

/** How long any program may take at the most, in milliseconds. */
const LIMIT_MS = 120_000;

/** A running program. */
export class Peer implements AsyncDisposable {
  readonly #command: readonly string[];
  readonly #child: Deno.ChildProcess;
  readonly #answers: ReadableStreamDefaultReader<string>;
  readonly #complaints: Promise<string>;
  #rest = "";

  /** Starts a program. */
  constructor(command: readonly string[]) {
    this.#command = command;
    this.#child = new Deno.Command(command[0], {
      args: command.slice(1),
      env: { DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      signal: AbortSignal.timeout(LIMIT_MS),
    }).spawn();
    this.#answers = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    this.#complaints = new Response(this.#child.stderr).text();
  }

  /**
   * The next line.
   *
   * @throws {Error} With what the program had to say, when it ended without one.
   */
  async answer(): Promise<Answer> {
    for (;;) {
      const end = this.#rest.indexOf("\n");
      if (end !== -1) {
        const line = this.#rest.slice(0, end);
        this.#rest = this.#rest.slice(end + 1);
        return JSON.parse(line);
      }
      const { value, done } = await this.#answers.read();
      if (done) throw new Error(`${this.#command.join(" ")} gave no answer: ${await this.#complaints}`);
      this.#rest += value;
    }
  }

  /** Waits for the program's own end. */
  async end(): Promise<void> {
    await this.#answers.cancel();
    const { code, signal } = await this.#child.status;
    if (code !== 0) throw new Error(`${this.#command.join(" ")} failed (${signal ?? code}): ${await this.#complaints}`);
  }

  /** Ends the program if it still runs. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      // It has ended by itself.
      if (!(error instanceof TypeError) && !(error instanceof Deno.errors.NotFound)) throw error;
    }
    await this.#answers.cancel();
    await this.#child.status;
    await this.#complaints;
  }
}

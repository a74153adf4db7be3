/**
 * A program that a cell of the matrix talks to: its lines as they come, and a certain end.
 *
 * @module
 */

/** How a program ended. */
export interface Ended {
  code: number;
  signal: string | null;
}

/** What {@linkcode LineProcess} starts. */
export interface StartOptions {
  /** The network namespace to run it in. @default {that of the runner} */
  namespace?: string;
  /** Whether it reads from a pipe that {@linkcode LineProcess.write} fills. @default {false} */
  stdin?: boolean;
}

/** A running program whose standard output and standard error are read as lines. */
export class LineProcess {
  /** Every line so far. */
  readonly lines: string[] = [];
  /** Resolves when the program has ended and all of its output is read. */
  readonly ended: Promise<Ended>;
  /** Those that run. */
  static readonly #running: Set<LineProcess> = new Set();
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array> | undefined;
  readonly #onLine: (line: string) => void;
  #waiting: { isIt: (line: string) => boolean; found: (line: string | undefined) => void }[] = [];
  #isOver = false;

  constructor(command: readonly string[], options: StartOptions = {}, onLine: (line: string) => void = () => {}) {
    const inside = options.namespace === undefined ? [] : ["ip", "netns", "exec", options.namespace];
    const [program, ...args] = [...inside, ...command];
    this.#onLine = onLine;
    this.#child = new Deno.Command(program, {
      args,
      stdin: options.stdin ? "piped" : "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#input = options.stdin ? this.#child.stdin.getWriter() : undefined;
    LineProcess.#running.add(this);
    this.ended = this.#follow().finally(() => LineProcess.#running.delete(this));
  }

  /** Ends all programs, for a runner that is told to end. */
  static killAll(): void {
    for (const program of LineProcess.#running) program.kill();
  }

  /** The first line, past or to come, that `isIt`; `undefined` if the program ends without it. */
  line(isIt: (line: string) => boolean): Promise<string | undefined> {
    const past = this.lines.find(isIt);
    if (past !== undefined || this.#isOver) return Promise.resolve(past);
    return new Promise((found) => this.#waiting.push({ isIt, found }));
  }

  /** Writes to the program's standard input. */
  async write(text: string): Promise<void> {
    await this.#input?.write(new TextEncoder().encode(text));
  }

  /** Ends the program's standard input. */
  async closeInput(): Promise<void> {
    await this.#input?.close();
  }

  /** Sends a signal, if the program still runs. */
  kill(signal: Deno.Signal = "SIGKILL"): void {
    if (this.#isOver) return;
    try {
      this.#child.kill(signal);
    } catch (error) {
      // It has ended between the look and the kill.
      if (!(error instanceof TypeError) && !(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  /** Has it stand still, all of its threads, until {@linkcode LineProcess.goOn}; resolves when it does. */
  async standStill(): Promise<void> {
    this.kill("SIGSTOP");
    while (!this.#isOver && !isStopped(this.#child.pid)) await new Promise((resolve) => setTimeout(resolve, 1));
  }

  /** Ends a {@linkcode LineProcess.standStill}. */
  goOn(): void {
    this.kill("SIGCONT");
  }

  async #follow(): Promise<Ended> {
    const [status] = await Promise.all([
      this.#child.status,
      this.#read(this.#child.stdout),
      this.#read(this.#child.stderr),
    ]);
    this.#isOver = true;
    await this.#input?.abort().catch(() => {});
    for (const { found } of this.#waiting.splice(0)) found(undefined);
    return { code: status.code, signal: status.signal };
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) this.#take(line);
    }
    if (rest !== "") this.#take(rest);
  }

  #take(line: string): void {
    this.lines.push(line);
    this.#onLine(line);
    const isIt = this.#waiting.filter((waiting) => waiting.isIt(line));
    if (isIt.length === 0) return;
    this.#waiting = this.#waiting.filter((waiting) => !isIt.includes(waiting));
    for (const { found } of isIt) found(line);
  }
}

/** Whether no thread of a program runs, proc_pid_stat(5). */
function isStopped(pid: number): boolean {
  try {
    return Array.from(Deno.readDirSync(`/proc/${pid}/task`)).every(({ name }) => {
      const stat = Deno.readTextFileSync(`/proc/${pid}/task/${name}/stat`);
      // The name of the program, in parentheses, may have some itself.
      return stat.slice(stat.lastIndexOf(")")).startsWith(") T");
    });
  } catch {
    // The program, or a thread of it, has ended meanwhile; if it was a thread, the next look says more.
    return false;
  }
}

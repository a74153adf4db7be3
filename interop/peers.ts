/**
 * Peers with one face: ours in this process, those in C and Go as programs, all told the same and reporting the same.
 *
 * @module
 */

import { peerInGo, peerOnKernelHeaders, peerOnLibsctp, type Program } from "./build.ts";
import { type CellContext, Skipped } from "./cell.ts";
import { runPeer } from "./peer.ts";
import { LineProcess } from "./process.ts";
import { argumentsOf, type PeerScript } from "./script.ts";
import type { EndReport, MessageReport, NotificationReport, Report, UpReport } from "./reports.ts";

/** Who: Sockeye, C on libsctp, C on linux/sctp.h alone, Go on ishidawataru/sctp. */
export type PeerKind = "ours" | "libsctp" | "kernel" | "go";

interface Started {
  port: Promise<number>;
  done: Promise<void>;
  kill: () => void;
  finish: () => void;
}

/** A peer at work. */
export class Peer {
  /** Every report so far. */
  readonly reports: Report[] = [];
  /** The local port, once bound and listening or connected. */
  readonly port: Promise<number>;
  /** Resolves when the peer is done; rejects when it failed. */
  readonly done: Promise<void>;
  readonly kind: PeerKind;
  /** Ends the peer at once, as kill -9 does. */
  readonly kill: () => void;
  /** Has the peer end its associations now, as its script says; gracefully, if that says to wait for the other side. */
  readonly finish: () => void;
  #waiting: { isIt: (report: Report) => boolean; found: (report: Report) => void }[] = [];
  #isDone = false;

  private constructor(
    kind: PeerKind,
    start: (report: (report: Report) => void) => Started,
  ) {
    this.kind = kind;
    const { port, done, kill, finish } = start((report) => this.#take(report));
    this.port = port;
    this.kill = kill;
    this.finish = finish;
    this.done = done.finally(() => this.#isDone = true);
    // A cell that fails on one peer never looks at the other.
    this.done.catch(() => {});
    this.port.catch(() => {});
  }

  /** Starts a peer; what is left of it when the cell is over goes. */
  static async start(
    kind: PeerKind,
    script: PeerScript,
    context: CellContext,
    namespace?: string,
  ): Promise<{ peer: Peer; port: number }> {
    const peer = new Peer(
      kind,
      (report) =>
        kind === "ours"
          ? startOurs(script, report, context.signal)
          : startProgram(kind, commandOf(kind, script), report, namespace),
    );
    context.explain(() => `${kind}, told to ${script.role}, said:\n${peer.transcript()}`);
    context.defer(() => {
      peer.kill();
      return peer.done.catch(() => {});
    });
    return { peer, port: await peer.port };
  }

  /** The messages received so far. */
  get messages(): MessageReport[] {
    return this.reports.filter((report) => report.type === "message");
  }

  /** The notifications received so far. */
  get notifications(): NotificationReport[] {
    return this.reports.filter((report) => report.type === "notification");
  }

  /** What was reported when the association was there. */
  get up(): UpReport {
    return this.#only("up") as UpReport;
  }

  /** What was reported when it was over. */
  get end(): EndReport {
    return this.#only("end") as EndReport;
  }

  /** The first report, past or to come, that `isIt`. Rejects if the peer ends without it. */
  until(isIt: (report: Report) => boolean): Promise<Report> {
    const past = this.reports.find(isIt);
    if (past !== undefined) return Promise.resolve(past);
    const missing = new Error(`${this.kind} ended without what was waited for; it said:\n${this.transcript()}`);
    if (this.#isDone) return Promise.reject(missing);
    return new Promise((found, reject) => {
      this.#waiting.push({ isIt, found });
      this.done.then(() => reject(missing), reject);
    });
  }

  /** The reports as text, for the one who has to find out what went wrong. */
  transcript(): string {
    return this.reports.map((report) => `  ${JSON.stringify(report)}`).join("\n");
  }

  #only(type: Report["type"]): Report {
    const found = this.reports.filter((report) => report.type === type);
    if (found.length !== 1) {
      throw new Error(`${this.kind} reported "${type}" ${found.length} times:\n${this.transcript()}`);
    }
    return found[0];
  }

  #take(report: Report): void {
    this.reports.push(report);
    for (const { found } of this.#waiting.filter(({ isIt }) => isIt(report))) found(report);
    this.#waiting = this.#waiting.filter(({ isIt }) => !isIt(report));
  }
}

function startOurs(script: PeerScript, report: (report: Report) => void, signal: AbortSignal): Started {
  const stop = new AbortController();
  const finish = new AbortController();
  const port = Promise.withResolvers<number>();
  const done = runPeer(script, { ready: port.resolve, report }, AbortSignal.any([signal, stop.signal]), finish.signal);
  done.catch(port.reject);
  return {
    port: port.promise,
    done,
    kill: () => stop.abort(new Error("the cell is over")),
    finish: () => finish.abort(),
  };
}

function startProgram(
  kind: PeerKind,
  command: string[],
  report: (report: Report) => void,
  namespace?: string,
): Started {
  const program = new LineProcess(command, { namespace }, (line) => {
    if (line.startsWith("{")) report(JSON.parse(line));
  });
  const said = () => program.lines.map((line) => `  ${line}`).join("\n");
  const port = program.line((line) => line.startsWith("ready ")).then((line) => {
    if (line === undefined) throw new Error(`${kind} did not get ready:\n${said()}`);
    return Number(line.slice("ready ".length));
  });
  let isKilled = false;
  const done = program.ended.then(({ code }) => {
    if (code !== 0 && !isKilled) throw new Error(`${kind} ended with status ${code}:\n${said()}`);
  });
  const kill = () => {
    isKilled = true;
    program.kill("SIGKILL");
  };
  return { port, done, kill, finish: () => program.kill("SIGTERM") };
}

const BUILDERS: Record<Exclude<PeerKind, "ours">, () => Program> = {
  libsctp: peerOnLibsctp,
  kernel: peerOnKernelHeaders,
  go: peerInGo,
};

function commandOf(kind: Exclude<PeerKind, "ours">, script: PeerScript): string[] {
  const program = BUILDERS[kind]();
  if (program.path === undefined) throw new Skipped(program.reason);
  return [program.path, ...argumentsOf(script, kind === "go")];
}

/**
 * tcpdump(8) in a namespace, writing into a file that is read as it grows.
 *
 * @module
 */

import type { ChildProcess } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CapturedPacket, PcapReader } from "../../support/pcap.ts";
import type { Topology } from "../../support/netns/topology.ts";

/** What is captured. */
export interface CaptureOptions {
  /** Where tcpdump runs. */
  namespace: string;
  /** The network interface, or `"any"`. */
  interface: string;
  /** More options of tcpdump, and an expression that says which packets. */
  arguments?: readonly string[];
}

/** How many kilobytes the kernel keeps for tcpdump, so that it loses nothing while it writes. */
const BUFFER_KIB = 65_536;
/** How long packets that must come are waited for, in milliseconds; only a failing test waits so long. */
const PATIENCE_MS = 60_000;

/** A running capture. */
export class Capture implements Disposable {
  /** The packets that the file holds, as far as it was read. */
  readonly packets: CapturedPacket[] = [];
  readonly #folder: string;
  readonly #file: number;
  readonly #watcher: Deno.FsWatcher;
  readonly #changes: AsyncIterator<Deno.FsEvent>;
  readonly #tcpdump: ChildProcess;
  readonly #report: AsyncIterator<string>;
  readonly #reader = new PcapReader();

  private constructor(folder: string, path: string, tcpdump: ChildProcess) {
    this.#folder = folder;
    this.#file = openSync(path, "r");
    this.#watcher = Deno.watchFs(path);
    this.#changes = this.#watcher[Symbol.asyncIterator]();
    this.#tcpdump = tcpdump;
    this.#report = linesOf(tcpdump);
  }

  /** Starts tcpdump; from when this resolves, it misses nothing. `using` ends it and removes its file. */
  static async start(net: Topology, options: CaptureOptions): Promise<Capture> {
    const folder = mkdtempSync(join(tmpdir(), "sockeye-capture-"));
    const path = join(folder, "packets.pcap");
    writeFileSync(path, "");
    const argv = [
      ...["tcpdump", "-i", options.interface, "-w", path, "-n"],
      // Each packet is written at once, by whom the file belongs to.
      ...["--immediate-mode", "-U", "-Z", "root"],
      ...["-B", String(BUFFER_KIB), "-s", "2048", ...options.arguments ?? []],
    ];
    const capture = new Capture(
      folder,
      path,
      net.spawn(options.namespace, argv, { stdio: ["ignore", "ignore", "pipe"] }),
    );
    try {
      await capture.#reported(/listening on/);
    } catch (error) {
      capture[Symbol.dispose]();
      throw error;
    }
    return capture;
  }

  /**
   * Reads until enough has been captured.
   *
   * @param isEnough Asked with the packets that are new.
   * @throws {Error} Where that takes too long.
   */
  async until(isEnough: (news: readonly CapturedPacket[]) => boolean): Promise<void> {
    const impatience = setTimeout(() => this.#watcher.close(), PATIENCE_MS);
    try {
      do {
        if (isEnough(this.#read())) return;
      } while (!(await this.#changes.next()).done);
    } finally {
      clearTimeout(impatience);
    }
    throw new Error(`capture: the packets don't come; ${this.packets.length} were captured`);
  }

  /** Ends the capture; tells how many packets tcpdump was too slow for. */
  async stop(): Promise<number> {
    this.#tcpdump.kill("SIGINT");
    const report = await this.#reported(/(\d+) packets? dropped by kernel/);
    return Number(report[1]);
  }

  #read(): CapturedPacket[] {
    const news: CapturedPacket[] = [];
    const buffer = new Uint8Array(1 << 20);
    for (let count = readSync(this.#file, buffer); count > 0; count = readSync(this.#file, buffer)) {
      news.push(...this.#reader.read(buffer.subarray(0, count)));
    }
    this.packets.push(...news);
    return news;
  }

  async #reported(pattern: RegExp): Promise<RegExpExecArray> {
    const said: string[] = [];
    for (let next = await this.#report.next(); !next.done; next = await this.#report.next()) {
      said.push(next.value);
      const match = pattern.exec(next.value);
      if (match) return match;
    }
    throw new Error(`capture: tcpdump ended: ${said.join("\n")}`);
  }

  /** Ends tcpdump and removes its file. */
  [Symbol.dispose](): void {
    this.#tcpdump.kill("SIGKILL");
    this.#tcpdump.stderr?.destroy();
    try {
      this.#watcher.close();
    } catch {
      // It is closed already, for want of patience.
    }
    closeSync(this.#file);
    rmSync(this.#folder, { recursive: true });
  }
}

async function* linesOf(child: ChildProcess): AsyncGenerator<string, void, void> {
  let rest = "";
  for await (const text of child.stderr!.setEncoding("utf8")) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}

/** The limits that bound buffers, queues and descriptors. @module */

import type { Finding, Topic } from "./finding.ts";
import { readProc, readSysctl } from "./proc.ts";

/** A kernel parameter with a least value that leaves room. */
interface Limit {
  readonly parameter: string;
  readonly title: string;
  readonly unit: string;
  readonly enough: number;
  /** The value to suggest. */
  readonly suggested: number;
}

const LIMITS: readonly Limit[] = [
  // A socket's buffer bounds its largest SCTP message and the burst that it survives.
  { parameter: "net.core.rmem_max", title: "receive buffer", unit: "bytes", enough: 1 << 20, suggested: 4 << 20 },
  { parameter: "net.core.wmem_max", title: "send buffer", unit: "bytes", enough: 1 << 20, suggested: 4 << 20 },
  // unix(7): how many datagrams wait for a receiver before its senders do.
  { parameter: "net.unix.max_dgram_qlen", title: "unix datagrams", unit: "waiting", enough: 256, suggested: 512 },
  { parameter: "net.core.somaxconn", title: "accept queue", unit: "waiting", enough: 1024, suggested: 4096 },
];

const ENOUGH_FILES = 4096;

/** Buffer sizes, queue lengths, open files. */
export const limitsTopic: Topic = {
  title: "Limits",
  examine: () => Promise.resolve([...LIMITS.map(examine), openFiles()]),
};

function examine({ parameter, title, unit, enough, suggested }: Limit): Finding {
  const base = { name: parameter, title };
  const found = readSysctl(parameter);
  if (found === undefined) {
    return {
      ...base,
      status: "unknown",
      detail: `there is no ${parameter}`,
      remedy: "look on the host of this container",
    };
  }
  if ("problem" in found) {
    return { ...base, status: "unknown", detail: found.problem, remedy: `read it: sysctl ${parameter}` };
  }
  const detail = `at most ${found.text} ${unit} (${parameter})`;
  return Number(found.text) >= enough
    ? { ...base, status: "ok", detail }
    : { ...base, status: "low", detail, remedy: `as root: sysctl -w ${parameter}=${suggested}` };
}

function openFiles(): Finding {
  const base = { name: "open-files", title: "open files" };
  const limits = readProc("/proc/self/limits");
  const line = limits !== undefined && "text" in limits ? /^Max open files\s+(\S+)\s+(\S+)/m.exec(limits.text) : null;
  if (line === null) {
    return { ...base, status: "unknown", detail: "/proc/self/limits does not tell", remedy: "look with: ulimit -n" };
  }
  const [, soft, hard] = line;
  const detail = `at most ${soft} (could be raised to ${hard})`;
  return soft === "unlimited" || Number(soft) >= ENOUGH_FILES
    ? { ...base, status: "ok", detail }
    : { ...base, status: "low", detail, remedy: `before the program: ulimit -n ${hard}` };
}

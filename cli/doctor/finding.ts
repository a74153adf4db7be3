/**
 * What the doctor finds, and how an attempt becomes a finding.
 *
 * @module
 */

import { libc, SystemError, UnsupportedError } from "@sockeye/sockeye/ffi";

/**
 * How something stands: it works; it is turned off; it works, but is limited more than it need be; this machine can't do it;
 * or nobody could look.
 */
export type Condition = "ok" | "off" | "low" | "missing" | "unknown";

/** One thing that was looked at. */
export interface Finding {
  /** A stable name, for programs. */
  name: string;
  /** The same for people. */
  title: string;
  /** How it stands. */
  status: Condition;
  /** What was found. */
  detail: string;
  /** What to do about it; there unless it is fine. */
  remedy?: string;
}

/** Several things that belong together. */
export interface Topic {
  /** The headline. */
  readonly title: string;
  /** Looks. Never throws for what a machine may lack. */
  examine(): Promise<Finding[]>;
}

/** Something that is tried through libc: whoever returns says what works, whoever throws does not. */
export interface Attempt {
  /** The finding's name. */
  name: string;
  /** The finding's title. */
  title: string;
  /** Tries it, and gives the detail of success. */
  run(): string | Promise<string>;
  /** What helps against an error number, by its name; `otherwise` against any other. */
  remedies: Readonly<Record<string, string>> & { readonly otherwise: string };
}

/** Tries something. */
export async function attempt({ name, title, run, remedies }: Attempt): Promise<Finding> {
  if (!hasLibc()) return needsLibc(name, title);
  try {
    return { name, title, status: "ok", detail: await run() };
  } catch (error) {
    if (error instanceof SystemError) {
      const remedy = remedies[error.code] ?? remedies.otherwise;
      return { name, title, status: "missing", detail: `${error.syscall} fails with ${error.code}`, remedy };
    }
    const status = error instanceof UnsupportedError ? "missing" : "unknown";
    return { name, title, status, detail: (error as Error).message, remedy: remedies.otherwise };
  }
}

/** Whether libc can be called. */
export function hasLibc(): boolean {
  try {
    libc();
    return true;
  } catch {
    return false;
  }
}

/** The finding of whatever can't be tried without libc; the runtime's topic tells what to do about that. */
export function needsLibc(name: string, title: string): Finding {
  return { name, title, status: "missing", detail: "needs libc", remedy: "see libc, under Runtime" };
}

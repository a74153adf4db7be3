/** Reads what the kernel says of itself under /proc. @module */

import { readFileSync } from "node:fs";

/** What a file says; why it could not be read; or that there is no such file. */
export type ProcText = { text: string } | { problem: string } | undefined;

/** Reads a file under /proc. */
export function readProc(path: string): ProcText {
  try {
    return { text: readFileSync(path, "utf8").trim() };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === "ENOENT" ? undefined : { problem: message };
  }
}

/** Reads a kernel parameter, for instance `"net.core.rmem_max"`; sysctl(8). */
export function readSysctl(name: string): ProcText {
  return readProc(`/proc/sys/${name.replaceAll(".", "/")}`);
}

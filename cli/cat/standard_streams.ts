/** Files and standard input whole, and standard output without end. @module */

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { Buffer } from "node:buffer";
import process from "node:process";
import { CatFailure } from "./failure.ts";

/**
 * Reads a file, `-` for standard input.
 *
 * @throws {CatFailure} It can't be read.
 */
export async function readWhole(path: string): Promise<Uint8Array> {
  try {
    return path === "-" ? await readStandardInput() : await readFile(path);
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    const [deed, outcome] = syscall === "read" || code === "EISDIR"
      ? ["Read from", " failed"]
      : ["Cannot open file", ""];
    throw new CatFailure(`${deed} ${path}${outcome}: ${DESCRIPTIONS[code] ?? code}`);
  }
}

async function readStandardInput(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** What strerror(3) says of a file that can't be read. */
const DESCRIPTIONS: Readonly<Record<string, string>> = {
  EACCES: "Permission denied",
  EISDIR: "Is a directory",
  ELOOP: "Too many levels of symbolic links",
  EMFILE: "Too many open files",
  ENAMETOOLONG: "File name too long",
  ENOENT: "No such file or directory",
  ENOTDIR: "Not a directory",
  EPERM: "Operation not permitted",
};

/** Writes bytes; resolves when the reader keeps up. */
export async function writeOut(pieces: readonly Uint8Array[]): Promise<void> {
  let hasRoom = true;
  for (const piece of pieces) if (piece.length > 0) hasRoom = process.stdout.write(piece);
  if (!hasRoom) await once(process.stdout, "drain");
}

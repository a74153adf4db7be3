/**
 * The one face of the runtimes' foreign function interfaces: Deno's own, and koffi's on Node and Bun.
 *
 * It knows how to open a library and to move addresses. It needs to know nothing of libc, sockets or errors of calls.
 *
 * @module
 */

import process from "node:process";
import { UnsupportedError } from "../common/errors.ts";
import { DenoRuntime } from "./deno.ts";
import { KoffiRuntime } from "./koffi.ts";

/**
 * How a value crosses into C.
 *
 * - `"i32"`, `"u32"`: 32-bit integers, JavaScript numbers.
 * - `"i64"`, `"u64"`: 64-bit integers and addresses, as JavaScript numbers up to 2^53.
 * - `"buffer"`: the address of a typed array's first byte, valid for the call; `null` is NULL.
 * - `"void"`: no result.
 */
export type NativeType = "i32" | "u32" | "i64" | "u64" | "buffer" | "void";

/** A C function's signature. */
export interface Signature {
  /** The types of the arguments. */
  readonly parameters: readonly NativeType[];
  /** The type of the result. */
  readonly result: NativeType;
  /** True when a library that lacks the function can still be opened. Calling it is then an `UnsupportedError`. */
  readonly optional?: boolean;
  /** True when the function can also be called on another thread, for calls that block. */
  readonly offThread?: boolean;
}

/** What may be passed to a C function. */
export type NativeValue = number | Uint8Array | null;

/** A C function, called on this thread. */
export type NativeFunction = (...values: NativeValue[]) => number;

/** A C function, called on another thread; `errno` is lost. */
export type OffThreadFunction = (...values: NativeValue[]) => Promise<number>;

/** An opened shared object. */
export interface ForeignLibrary<Names extends string = string> {
  /** The name under which it was found. */
  readonly path: string;
  /** The functions, called on this thread. */
  readonly symbols: Readonly<Record<Names, NativeFunction>>;
  /** The functions whose signature has `offThread`, called on another thread. */
  readonly offThread: Readonly<Partial<Record<Names, OffThreadFunction>>>;
  /** The names that the library lacks. */
  readonly missing: readonly string[];
  /** Closes the library; its functions must not be called any more. */
  close(): void;
}

/** A runtime's foreign function interface. */
export interface ForeignRuntime {
  /** Which one: `"deno"`, or `"koffi"` on Node and Bun. */
  readonly name: "deno" | "koffi";

  /**
   * Opens the first library of the list that is there.
   *
   * @throws {UnsupportedError} When none can be opened, or the runtime forbids it.
   */
  open<Names extends string>(
    paths: readonly string[],
    signatures: Readonly<Record<Names, Signature>>,
  ): ForeignLibrary<Names>;

  /** The address of a buffer's first byte. It holds for as long as the buffer is referenced. */
  addressOf(buffer: ArrayBuffer | Uint8Array): number;

  /** Memory that is not JavaScript's, seen as an `ArrayBuffer`. The memory must outlive the view. */
  viewOf(address: number, length: number): ArrayBuffer;

  /** The `errno` that the last call on this thread left behind. */
  errno(): number;
}

/** The processor architectures whose structures and system call numbers we know. */
export type Architecture = "x64" | "arm64";

let chosen: ForeignRuntime | undefined;

/**
 * The architecture of this process.
 *
 * @throws {UnsupportedError} When it is neither x86-64 nor arm64.
 */
export function architecture(): Architecture {
  const arch = process.arch;
  if (arch === "x64" || arch === "arm64") return arch;
  throw new UnsupportedError(
    `this process runs on ${arch}: Sockeye knows the C structures of x64 and arm64 only; run it on one of those`,
  );
}

/**
 * The foreign function interface of the runtime that we are on, opened at the first call.
 *
 * @throws {UnsupportedError} When the platform isn't Linux on x86-64 or arm64.
 *
 * @example
 * ```ts
 * import { foreignRuntime } from "@sockeye/sockeye/ffi";
 *
 * const runtime = foreignRuntime();
 * const libc = runtime.open(["libc.so.6"], { getpid: { parameters: [], result: "i32" } });
 * console.log(libc.symbols.getpid() > 0);
 * libc.close();
 * ```
 */
export function foreignRuntime(): ForeignRuntime {
  if (chosen === undefined) {
    if (process.platform !== "linux") {
      throw new UnsupportedError(
        `this platform is ${process.platform}: sockets through libc need Linux; ` +
          "run it on Linux, in a container or in a virtual machine",
      );
    }
    architecture();
    chosen = "Deno" in globalThis ? new DenoRuntime() : new KoffiRuntime();
  }
  return chosen;
}

/** {@linkcode ForeignRuntime} on Deno: `Deno.dlopen`. @module */

import { UnsupportedError } from "../common/errors.ts";
import { LIBC_PATHS } from "./libc_paths.ts";
import type {
  ForeignLibrary,
  ForeignRuntime,
  NativeFunction,
  NativeType,
  OffThreadFunction,
  Signature,
} from "./runtime.ts";

type Found = Record<string, ((...values: unknown[]) => unknown) | null>;

const ERRNO_LOCATION = "__errno_location";
const OFF_THREAD_SUFFIX = "$offThread";

function nativeType(type: NativeType): Deno.NativeResultType {
  return type;
}

type Convert = (value: unknown) => unknown;

const asIs: Convert = (value) => value;
/** V8 expects a BigInt for 64 bits: code that hands over a number is optimized and thrown away again and again. */
const asBigInt: Convert = (value) => typeof value === "number" ? BigInt(value) : value;

function isWide(type: NativeType): boolean {
  return type === "i64" || type === "u64";
}

/**
 * Takes and gives numbers where Deno has BigInts, for 64 bits: ours are addresses, lengths and offsets, which fit a number.
 * Each count of arguments has a function of its own, which V8 inlines; one for all would cost more than the call.
 */
function narrowed(fn: (...values: unknown[]) => unknown, { parameters, result }: Signature): NativeFunction {
  if (!parameters.some(isWide) && !isWide(result)) return fn as NativeFunction;
  const [a, b, c, d, e, f, g] = parameters.map((type) => isWide(type) ? asBigInt : asIs);
  const back = (isWide(result) ? Number : asIs) as (value: unknown) => number;
  switch (parameters.length) {
    case 1:
      return (v) => back(fn(a(v)));
    case 2:
      return (v, w) => back(fn(a(v), b(w)));
    case 3:
      return (v, w, x) => back(fn(a(v), b(w), c(x)));
    case 4:
      return (v, w, x, y) => back(fn(a(v), b(w), c(x), d(y)));
    case 7:
      return (t, u, v, w, x, y, z) => back(fn(a(t), b(u), c(v), d(w), e(x), f(y), g(z)));
    default:
      return (...values) => back(fn(...values.map((value, i) => isWide(parameters[i]) ? asBigInt(value) : value)));
  }
}

function lacking(name: string, path: string): UnsupportedError {
  return new UnsupportedError(`${path} has no function ${name}; a newer C library has it`);
}

/** Deno's foreign function interface. */
export class DenoRuntime implements ForeignRuntime {
  readonly name = "deno";
  #errnoView: Deno.UnsafePointerView | undefined;

  open<Names extends string>(
    paths: readonly string[],
    signatures: Readonly<Record<Names, Signature>>,
  ): ForeignLibrary<Names> {
    const definitions: Record<string, Deno.ForeignFunction> = {};
    const entries = Object.entries<Signature>(signatures);
    for (const [name, { parameters, result, offThread }] of entries) {
      const definition = {
        name,
        parameters: parameters.map(nativeType) as Deno.NativeType[],
        result: nativeType(result),
        optional: true as const,
      };
      definitions[name] = definition;
      if (offThread) definitions[name + OFF_THREAD_SUFFIX] = { ...definition, nonblocking: true };
    }

    // Any library that uses libc leads to errno's place; asking along saves opening libc only for that.
    definitions[ERRNO_LOCATION] = { parameters: [], result: "pointer", optional: true };
    const { path, found, close } = this.#openFirst(paths, definitions);
    this.#locateErrno(found);
    const symbols: Record<string, NativeFunction> = {};
    const offThread: Record<string, OffThreadFunction> = {};
    const missing: string[] = [];
    for (const [name, signature] of entries) {
      const fn = found[name];
      if (fn === null || fn === undefined) {
        if (!signature.optional) {
          close();
          throw lacking(name, path);
        }
        missing.push(name);
        symbols[name] = () => {
          throw lacking(name, path);
        };
        continue;
      }
      symbols[name] = narrowed(fn, signature);
      if (!signature.offThread) continue;
      const later = found[name + OFF_THREAD_SUFFIX] as (...values: unknown[]) => Promise<number | bigint>;
      offThread[name] = signature.result === "i32"
        ? later as OffThreadFunction
        : (...values) => later(...values).then(Number);
    }
    return {
      path,
      symbols: symbols as Record<Names, NativeFunction>,
      offThread: offThread as Partial<Record<Names, OffThreadFunction>>,
      missing,
      close,
    };
  }

  #openFirst(
    paths: readonly string[],
    definitions: Record<string, Deno.ForeignFunction>,
  ): { path: string; found: Found; close: () => void } {
    let cause: unknown;
    for (const path of paths) {
      try {
        const library = Deno.dlopen(path, definitions);
        return { path, found: library.symbols as Found, close: () => library.close() };
      } catch (error) {
        if (error instanceof Deno.errors.NotCapable || error instanceof Deno.errors.PermissionDenied) {
          throw new UnsupportedError(
            `Deno was not allowed to open ${path}: run with --allow-ffi, without a list of libraries, or with -A; ` +
              "sockets through libc need that permission",
            { cause: error },
          );
        }
        cause = error;
      }
    }
    throw new UnsupportedError(`none of ${paths.join(", ")} can be opened; install the C library under that name`, {
      cause,
    });
  }

  addressOf(buffer: ArrayBuffer | Uint8Array): number {
    const pointer = Deno.UnsafePointer.of(buffer as Uint8Array<ArrayBuffer>);
    return Number(Deno.UnsafePointer.value(pointer));
  }

  viewOf(address: number, length: number): ArrayBuffer {
    const pointer = Deno.UnsafePointer.create(BigInt(address));
    if (pointer === null) throw new UnsupportedError("address 0 can't be viewed; map memory first");
    return Deno.UnsafePointerView.getArrayBuffer(pointer, length);
  }

  errno(): number {
    if (this.#errnoView === undefined) this.open(LIBC_PATHS, {});
    return this.#errnoView!.getInt32();
  }

  /** An isolate stays on its thread, and errno's place is the thread's, so it needs to be found only once. */
  #locateErrno(found: Found): void {
    if (this.#errnoView !== undefined || !found[ERRNO_LOCATION]) return;
    this.#errnoView = new Deno.UnsafePointerView(found[ERRNO_LOCATION]() as Deno.PointerObject);
  }
}

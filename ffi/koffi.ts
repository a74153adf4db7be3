/** {@linkcode ForeignRuntime} on Node and Bun: the koffi package. @module */

import { createRequire } from "node:module";
import type koffi from "koffi";
import { UnsupportedError } from "../common/errors.ts";
import type {
  ForeignLibrary,
  ForeignRuntime,
  NativeFunction,
  NativeType,
  NativeValue,
  OffThreadFunction,
  Signature,
} from "./runtime.ts";

type Koffi = typeof koffi;

const TYPE_NAMES: Readonly<Record<NativeType, string>> = {
  i32: "int32",
  u32: "uint32",
  i64: "int64",
  u64: "uint64",
  buffer: "void *",
  void: "void",
};

function loadKoffi(): Koffi {
  try {
    return createRequire(import.meta.url)("koffi") as Koffi;
  } catch (error) {
    throw new UnsupportedError("the package koffi can't be loaded; install it beside this one: npm install koffi", {
      cause: error,
    });
  }
}

/** koffi's foreign function interface. */
export class KoffiRuntime implements ForeignRuntime {
  readonly name = "koffi";
  readonly #koffi: Koffi = loadKoffi();

  open<Names extends string>(
    paths: readonly string[],
    signatures: Readonly<Record<Names, Signature>>,
  ): ForeignLibrary<Names> {
    const { path, library } = this.#openFirst(paths);
    const symbols: Record<string, NativeFunction> = {};
    const offThread: Record<string, OffThreadFunction> = {};
    const missing: string[] = [];
    for (const [name, signature] of Object.entries<Signature>(signatures)) {
      const types = signature.parameters.map((type) => TYPE_NAMES[type]);
      let fn;
      try {
        fn = library.func(name, TYPE_NAMES[signature.result], types);
      } catch (cause) {
        const error = new UnsupportedError(`${path} has no function ${name}; a newer C library has it`, { cause });
        if (!signature.optional) {
          library.unload();
          throw error;
        }
        missing.push(name);
        symbols[name] = () => {
          throw error;
        };
        continue;
      }
      symbols[name] = fn as NativeFunction;
      if (!signature.offThread) continue;
      const begin = fn.async as (...values: unknown[]) => void;
      offThread[name] = (...values: NativeValue[]) =>
        new Promise((resolve, reject) => {
          begin(...values, (error: Error | null, result: number) => error ? reject(error) : resolve(result));
        });
    }
    return {
      path,
      symbols: symbols as Record<Names, NativeFunction>,
      offThread: offThread as Partial<Record<Names, OffThreadFunction>>,
      missing,
      close: () => library.unload(),
    };
  }

  #openFirst(paths: readonly string[]): { path: string; library: ReturnType<Koffi["load"]> } {
    let cause: unknown;
    for (const path of paths) {
      try {
        return { path, library: this.#koffi.load(path) };
      } catch (error) {
        cause = error;
      }
    }
    throw new UnsupportedError(`none of ${paths.join(", ")} can be opened; install the C library under that name`, {
      cause,
    });
  }

  addressOf(buffer: ArrayBuffer | Uint8Array): number {
    return Number(this.#koffi.address(buffer));
  }

  viewOf(address: number, length: number): ArrayBuffer {
    return this.#koffi.view(address, length);
  }

  errno(): number {
    return this.#koffi.errno();
  }
}

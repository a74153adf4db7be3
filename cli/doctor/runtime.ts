/** Which programs and libraries carry Sockeye here. @module */

import { type Libc, libc, SockeyeError } from "@sockeye/sockeye/ffi";
import { createRequire } from "node:module";
import os from "node:os";
import process from "node:process";
import { VERSION } from "../version.ts";
import type { Finding, Topic } from "./finding.ts";

/** The runtimes, and the oldest major version of each that is supported. */
const RUNTIMES = [["Deno", "deno", 2], ["Bun", "bun", 1], ["Node", "node", 20]] as const;

/** The versions. */
export const runtimeTopic: Topic = {
  title: "Runtime",
  examine: () => Promise.resolve([sockeye(), runtime(), platform(), ...foreignFunctions()]),
};

function sockeye(): Finding {
  return { name: "sockeye", title: "Sockeye", status: "ok", detail: VERSION };
}

function runtime(): Finding {
  // Deno and Bun also tell which Node they are like, so Node comes last.
  const [title, key, oldest] = RUNTIMES.find(([, key]) => process.versions[key] !== undefined)!;
  const version = process.versions[key]!;
  const base = { name: "runtime", title, detail: version };
  return parseInt(version) >= oldest
    ? { ...base, status: "ok" }
    : { ...base, status: "low", remedy: `use ${title} ${oldest} or later` };
}

function platform(): Finding {
  const base = {
    name: "platform",
    title: "platform",
    detail: `${process.platform} ${kernelRelease()}, ${process.arch}`,
  };
  const isComplete = process.platform === "linux" && (process.arch === "x64" || process.arch === "arm64");
  return isComplete ? { ...base, status: "ok" } : {
    ...base,
    status: "missing",
    remedy: "sockets through libc need Linux on x86-64 or arm64: use such a machine, a container or a virtual machine",
  };
}

function kernelRelease(): string {
  try {
    return os.release();
  } catch {
    // Deno without --allow-sys.
    return "(release unknown)";
  }
}

function foreignFunctions(): Finding[] {
  const base = { name: "libc", title: "libc" };
  let opened: Libc;
  try {
    opened = libc();
  } catch (error) {
    const remedy = error instanceof SockeyeError ? error.message : `report this: ${String(error)}`;
    return [{ ...base, status: "missing", detail: "can't be called from here", remedy }];
  }
  const detail = `${opened.path}, ${libcVersion(opened) ?? "not glibc"}`;
  return [{ ...base, status: "ok", detail }, ...koffi(opened)];
}

/** Room for "2.41" and whatever may follow. */
const VERSION_BYTES = 32;

/** gnu_get_libc_version(3), which musl does not have. */
function libcVersion({ path, runtime }: Libc): string | undefined {
  const name = "gnu_get_libc_version";
  const library = runtime.open([path], { [name]: { parameters: [], result: "u64", optional: true } });
  try {
    if (library.missing.includes(name)) return undefined;
    const text = new Uint8Array(runtime.viewOf(library.symbols[name](), VERSION_BYTES));
    return `glibc ${new TextDecoder().decode(text.slice(0, text.indexOf(0)))}`;
  } finally {
    library.close();
  }
}

function koffi({ runtime }: Libc): Finding[] {
  if (runtime.name !== "koffi") return [];
  const { version } = createRequire(import.meta.url)("koffi") as { version: string };
  return [{ name: "koffi", title: "koffi", status: "ok", detail: version }];
}

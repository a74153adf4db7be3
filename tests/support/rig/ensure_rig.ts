/**
 * Finds out how commands can have kernel SCTP on this machine, and installs what that takes where it may.
 *
 * @module
 */

import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import { ensurePackages, RIG_PACKAGES } from "../peers.ts";
import { type GuestPrograms, guestPrograms } from "./guest_programs.ts";
import { kernelHasSctp } from "./kernel_sctp.ts";

/** What it takes to start a guest. */
export interface GuestKernel {
  /** The path of linux.uml, a kernel that runs as a process. */
  linuxUml: string;
  /** Our own programs for it. */
  programs: GuestPrograms;
}

/** How a command can have kernel SCTP here. */
export type RigStatus =
  /** The machine's own kernel has it. */
  | { kernel: "host" }
  /** A guest kernel has it. */
  | { kernel: "guest"; guest: GuestKernel }
  /** There is no way; the reason names the remedy. */
  | { kernel: "none"; reason: string };

/** How {@linkcode ensureRig} goes about it. */
export interface EnsureOptions {
  /**
   * Whether the machine's own kernel will do; else it is a guest's in any case.
   *
   * @default {true}
   */
  hostKernel?: boolean;
  /**
   * Whether missing packages are installed, where this process may.
   *
   * @default {true}
   */
  install?: boolean;
  /** Is told, in one line, before an installation begins. By default that line goes to standard error. */
  say?: (line: string) => void;
}

/** Where Debian's user-mode-linux keeps the modules of its kernel, and the guest what loads them. */
const GUEST_FILES = ["/usr/lib/uml/modules", "/sbin/modprobe"];

/** Makes sure that commands can be run with kernel SCTP, or tells why they can't. */
export function ensureRig(options: EnsureOptions = {}): RigStatus {
  const { hostKernel = true, install = true, say = (line) => console.error(line) } = options;
  if (hostKernel && kernelHasSctp()) return { kernel: "host" };
  if (process.platform !== "linux" || process.arch !== "x64") {
    return without(
      `user-mode-linux runs on x86-64 Linux only, not on ${process.platform} ${process.arch}: use such a machine, or ` +
        "one whose own kernel has SCTP",
    );
  }

  const found = findGuestKernel();
  if (typeof found !== "string") return { kernel: "guest", guest: found };
  const packages = RIG_PACKAGES.join(" ");
  if (!install || process.getuid?.() !== 0) return without(`${found}: as root on Debian, apt-get install ${packages}`);

  say(`rig: installing a kernel with SCTP that runs as a process (apt-get install ${packages})`);
  const { remedy } = ensurePackages(RIG_PACKAGES);
  const installed = findGuestKernel();
  if (typeof installed !== "string") return { kernel: "guest", guest: installed };
  return without(remedy === "" ? installed : `${installed}: ${remedy}`);
}

function without(reason: string): RigStatus {
  return { kernel: "none", reason: `no SCTP here: this machine's kernel lacks it (modprobe sctp), and ${reason}` };
}

/** What it takes to start a guest, or what is missing. */
function findGuestKernel(): GuestKernel | string {
  const linuxUml = onPath("linux.uml");
  if (linuxUml === undefined) return "linux.uml is missing";
  const missing = GUEST_FILES.find((path) => !existsSync(path));
  if (missing !== undefined) return `${missing} is missing`;
  try {
    return { linuxUml, programs: guestPrograms() };
  } catch (error) {
    return (error as Error).message;
  }
}

/** The full path of a program, looked up as execvp(3) does, and where only root's PATH leads besides. */
function onPath(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin", "/usr/bin"];
  return folders.map((folder) => join(folder, name)).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

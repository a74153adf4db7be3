/**
 * Installs the Debian packages that tests, demo and benchmarks talk to, where it may: as root on a machine with apt.
 *
 * It knows package names and apt; what the packages are for is their users' business.
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import process from "node:process";

/** Compiles the C programs of the rig, the interop suite and the benchmarks. */
export const C_COMPILER: readonly string[] = ["gcc", "libc6-dev", "make"];

/** A kernel with SCTP that runs as a process, and what builds networks in it. */
export const RIG_PACKAGES: readonly string[] = ["user-mode-linux", "kmod", "iproute2", ...C_COMPILER];

/** The SCTP programs and libraries that we did not write. */
export const INTEROP_PACKAGES: readonly string[] = [
  "lksctp-tools",
  "libsctp-dev",
  "golang-go",
  "golang-github-ishidawataru-sctp-dev",
];

/** The programs and libraries that speak the Scalability Protocols. */
export const SP_PACKAGES: readonly string[] = ["nng-utils", "libnng-dev", "nanomsg-utils", "libnanomsg-dev"];

/** The programs that look at networks, which ours are measured against. */
export const NETWORK_PROGRAMS: readonly string[] = ["iproute2", "traceroute", "iputils-tracepath", "tcpdump"];

/** How often a failed installation is tried again, for the network may fail for a moment. */
const ATTEMPTS = 3;

/** What {@linkcode ensurePackages} found and did. */
export interface PackageReport {
  /** The packages that were missing and now are installed. */
  installed: string[];
  /** The packages that are missing still. */
  missing: string[];
  /** What the user can do about the missing ones. Empty where none is. */
  remedy: string;
}

/** Installs those of `packages` that are missing, where this process may; tells what is missing where it may not. */
export function ensurePackages(packages: readonly string[]): PackageReport {
  const wanted = missingPackages(packages);
  if (wanted.length === 0) return { installed: [], missing: [], remedy: "" };

  const hasApt = spawnSync("apt-get", ["--version"], { stdio: "ignore" }).status === 0;
  if (!hasApt) {
    const remedy = `install what Debian calls ${wanted.join(", ")} with this system's package manager`;
    return { installed: [], missing: wanted, remedy };
  }
  if (process.getuid?.() !== 0) {
    return { installed: [], missing: wanted, remedy: `run as root: apt-get install ${wanted.join(" ")}` };
  }

  let problem = aptInstall(wanted);
  for (let attempt = 1; problem !== undefined && attempt <= ATTEMPTS; attempt++) {
    console.error(`apt-get install failed; trying again with new package lists, ${attempt} of ${ATTEMPTS}: ${problem}`);
    // The package lists may be absent (as in a container image) or too old to name files that still exist.
    problem = apt(["update"]) ?? aptInstall(wanted);
  }
  const missing = missingPackages(wanted);
  return {
    installed: wanted.filter((name) => !missing.includes(name)),
    missing,
    remedy: missing.length === 0
      ? ""
      : `apt-get could not install ${missing.join(" ")}: ${problem ?? "no reason given"}`,
  };
}

function missingPackages(packages: readonly string[]): string[] {
  // dpkg-query names on standard output only what it knows, and fails where it knows not all of them.
  const query = spawnSync("dpkg-query", ["-W", "-f=${Package} ${db:Status-Status}\n", ...packages], {
    encoding: "utf8",
  });
  const installed = new Set(
    (query.stdout ?? "").split("\n").filter((line) => line.endsWith(" installed")).map((line) => line.split(" ")[0]),
  );
  return packages.filter((name) => !installed.has(name));
}

function aptInstall(packages: readonly string[]): string | undefined {
  return apt(["install", "-y", "-qq", "--no-install-recommends", ...packages]);
}

/** Runs apt-get; gives what it complained of, or undefined where it succeeded. */
function apt(args: readonly string[]): string | undefined {
  // Another program may hold the lock for a while, as on a machine that has just started.
  const run = spawnSync("apt-get", ["-o", "DPkg::Lock::Timeout=120", ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    encoding: "utf8",
  });
  return run.status === 0 ? undefined : run.stderr.trim() || `exit status ${run.status}`;
}

if (import.meta.main) {
  const report = ensurePackages([...RIG_PACKAGES, ...INTEROP_PACKAGES, ...SP_PACKAGES, ...NETWORK_PROGRAMS]);
  for (const name of report.installed) console.log(`installed ${name}`);
  for (const name of report.missing) console.log(`missing ${name}`);
  if (report.missing.length > 0) {
    console.log(report.remedy);
    process.exitCode = 1;
  }
}

/**
 * Compiles the C programs that speak the Scalability Protocols.
 *
 * @module
 */

import { type Program, programInC, ROOT } from "../build.ts";

/** The C peer on libnng. */
export function peerOnLibnng(): Program {
  return peerOn("nng", ["-lnng", "-lpthread"], "gcc and libnng-dev");
}

/** The C peer on libnanomsg. */
export function peerOnLibnanomsg(): Program {
  return peerOn("nanomsg", ["-lnanomsg"], "gcc and libnanomsg-dev");
}

/** The C program that measures on libnng. */
export function perfOnLibnng(): Program {
  return programInC({
    name: "sp-perf-nng",
    folder: `${ROOT}interop/sp/c`,
    sources: ["perf.c"],
    headers: [],
    libraries: ["-lnng", "-lpthread"],
    packages: "gcc and libnng-dev",
  });
}

function peerOn(library: string, libraries: readonly string[], packages: string): Program {
  return programInC({
    name: `sp-peer-${library}`,
    folder: `${ROOT}interop/sp/c`,
    sources: ["peer.c", `calls_${library}.c`, "../../c/payload.c"],
    headers: ["calls.h", "../../c/payload.h"],
    libraries,
    packages,
  });
}

if (import.meta.main) {
  for (const build of [peerOnLibnng, peerOnLibnanomsg, perfOnLibnng]) console.log(build());
}

/** What was measured, and on what. @module */

import { version } from "./programs.ts";

/** The machine and the versions, as a Markdown list. */
export function machine(): string {
  const cpu = /^model name\s*: (.*)$/m.exec(Deno.readTextFileSync("/proc/cpuinfo"))?.[1] ?? Deno.build.arch;
  const virtual = /^flags\s*:.*\bhypervisor\b/m.test(Deno.readTextFileSync("/proc/cpuinfo")) ? ", virtual" : "";
  const load = Deno.loadavg()[0].toFixed(2);
  return [
    `- Date: ${new Date().toISOString().slice(0, 10)}; load average at the start: ${load}`,
    `- Machine: ${cpu}, ${navigator.hardwareConcurrency} processors${virtual}; Linux ${Deno.osRelease()}`,
    `- Deno ${Deno.version.deno}, V8 ${Deno.version.v8}; Node ${version("node") ?? "absent"}; ${version("gcc") ?? ""}`,
  ].join("\n") + "\n";
}

/**
 * Settings of the kernel's SCTP that sockets can't make themselves.
 *
 * @module
 */

import { accessSync, constants, readFileSync, writeFileSync } from "node:fs";

const pathOf = (name: string) => `/proc/sys/${name.replaceAll(".", "/")}`;

/** Whether this process may change a setting. */
export function maySet(name: string): boolean {
  try {
    accessSync(pathOf(name), constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Changes a setting until disposed. */
export function sysctl(name: string, value: number): Disposable {
  const before = readFileSync(pathOf(name), "utf8");
  writeFileSync(pathOf(name), `${value}`);
  return { [Symbol.dispose]: () => writeFileSync(pathOf(name), before) };
}

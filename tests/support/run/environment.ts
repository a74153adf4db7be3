/**
 * The environment that stages run in: the same, as far as their outcome could depend on it, whoever starts them.
 *
 * @module
 */

/** What decides on languages, times and shells, in every container and on every desk. */
const FIXED: Readonly<Record<string, string>> = { LC_ALL: "C.UTF-8", TZ: "UTC", SHELL: "/bin/sh", NO_COLOR: "1" };

/** What would have programs translate, colour or break their lines. */
const UNWANTED = ["LANGUAGE", "FORCE_COLOR", "CLICOLOR_FORCE", "COLUMNS", "LINES"];

/** The address of a socket holds a path of 107 bytes, unix(7), and tests have folders and names of their own in this one. */
const TEMPORARY_FOLDER_LIMIT = 40;

/** Changes an environment into one that no outcome depends on. */
export function neutralize(environment: Record<string, string | undefined>): void {
  for (const name of UNWANTED) delete environment[name];
  Object.assign(environment, FIXED);
  if ((environment.TMPDIR ?? "").length > TEMPORARY_FOLDER_LIMIT) environment.TMPDIR = "/tmp";
}

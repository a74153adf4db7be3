/** The error of a command line that can't be understood. @module */

/** The command line has another form than the help says: exit status 2, and nothing has happened. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

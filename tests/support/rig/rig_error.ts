/** The rig itself failed, not the command that it was to run. The message says what to do. */
export class RigError extends Error {
  /** @param message What failed, and the remedy. */
  constructor(message: string) {
    super(message);
    this.name = "RigError";
  }
}

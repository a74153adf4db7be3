/** What ends `sockeye cat` early. @module */

/** A message for standard error, word for word as nngcat has it, without the name of the program in front; exit status 1. */
export class CatFailure extends Error {
  override readonly name = "CatFailure";
  /** Whether the message has one character for each byte, since it quotes the command line. */
  readonly isByteText: boolean;

  /**
   * Makes the error.
   *
   * @param message What to print.
   * @param isByteText Whether that has one character for each byte.
   */
  constructor(message: string, isByteText = false) {
    super(message);
    this.isByteText = isByteText;
  }
}

/**
 * What both versions of PAIR do alike: one peer at a time.
 *
 * @module
 */

import { BalancedEngine } from "./balanced.ts";
import type { RawOption, ReceiveBufferOption, SendBufferOption } from "./options.ts";

/** How a PAIR socket behaves. By default nothing waits in it to be sent, as in nng. */
export interface PairOptions extends SendBufferOption, ReceiveBufferOption, RawOption {}

/**
 * A PAIR socket, but for its header.
 *
 * A second pipe is refused while there is one. What waits to be sent goes to the next peer when this one goes, and what was
 * read ahead stays for the user.
 */
export abstract class PairEngine extends BalancedEngine {
  /** @throws {ArgumentError} If an option is out of its range. */
  constructor(options: PairOptions) {
    super(options.raw ?? false, options);
  }

  protected override accepts(): boolean {
    return this.pipes.size === 0;
  }
}

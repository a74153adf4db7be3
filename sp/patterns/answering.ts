/** What REP and RESPONDENT sockets do alike. @module */

import { ReplyEngine, type ReplyOptions } from "../protocol/reply.ts";
import type { RawReplyEngine } from "../protocol/raw_reply.ts";
import type { SocketOptions } from "../socket/options.ts";
import { SpContext } from "./context.ts";
import { DuplexSocket } from "./duplex.ts";
import { serve, type ServeHandler, type ServeOptions } from "./serve.ts";
import { cooked, coreOf } from "./socket.ts";

const NO_OPTIONS = Object.freeze({});

/** A socket that answers: {@linkcode Rep} or {@linkcode Respondent}. */
export abstract class AnsweringSocket extends DuplexSocket {
  readonly #options: SocketOptions;

  /** For the patterns only. */
  protected constructor(engine: ReplyEngine | RawReplyEngine, options: ReplyOptions & SocketOptions) {
    super(engine, options);
    this.#options = options;
  }

  /**
   * Answers questions by a function, until the socket is closed.
   *
   * An answer that is too large for who asked is dropped and counted (`dropped.tooLarge` of the socket and the pipe). Closing
   * the socket lets answers in progress out, as long as it lingers; no further question is taken then.
   *
   * @param handler Gives the answer, or a promise of it; `undefined` gives none.
   * @param options How many questions are answered at a time, and a signal to end it.
   * @returns Resolves at the end; rejects with what the handler throws, whose question has no answer then.
   * @throws {ArgumentError} When the handler is no function, or an option is out of range.
   * @throws {ClosedError} When the socket is closed already.
   * @throws {UnsupportedError} In raw mode.
   */
  async serve(handler: ServeHandler, options: ServeOptions = NO_OPTIONS): Promise<void> {
    const core = coreOf(this);
    await serve(cooked(core, ReplyEngine, "serve"), core, handler, options);
  }

  /**
   * Opens a conversation of its own on this socket: it gets one question at a time, whichever comes next.
   *
   * @throws {ClosedError} When the socket is closed.
   * @throws {UnsupportedError} In raw mode.
   */
  openContext(): SpContext {
    const core = coreOf(this);
    return new SpContext(cooked(core, ReplyEngine, "openContext").openContext(), core, this.#options);
  }
}

/**
 * What patterns with contexts do alike: conversations of their own on one socket, of which the socket itself is the first.
 *
 * @module
 */

import { ClosedError } from "../../common/errors.ts";
import type { SpMessage } from "../message.ts";
import { type Context, ignore, type ProtocolInfo, type Receiver, type Sender } from "./engine.ts";
import { Pattern, type PipeRecord } from "./pattern.ts";

/** What a context needs of the engine that it belongs to. */
export interface ContextOwner {
  readonly info: ProtocolInfo;
  /** A context has closed; it says so itself. */
  contextClosed(context: Context): void;
}

/** A context, but for what it does with messages. */
export abstract class EngineContext<E extends ContextOwner> implements Receiver, Context {
  onReceivable: (now: number) => void = ignore;
  /** The engine that it belongs to. */
  protected readonly engine: E;
  #isClosed = false;

  /** Made by `openContext` of the engine. */
  constructor(engine: E) {
    this.engine = engine;
  }

  /** How many messages wait for the user; 0 where the engine keeps them for all contexts. */
  get unread(): number {
    return 0;
  }

  abstract tryReceive(now: number): SpMessage | undefined;

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.closed();
    this.engine.contextClosed(this);
  }

  /** Throws once the context is closed. */
  protected checkOpen(operation: string): void {
    if (!this.#isClosed) return;
    throw new ClosedError(`${operation}: the ${this.engine.info.name} context, or its socket, is closed`);
  }

  /** The context is closed: its messages go. */
  protected closed(): void {}
}

/** A pattern with contexts that receive. What is called of the engine is called of the first of them. */
export abstract class ContextEngine<P extends PipeRecord, C extends EngineContext<ContextOwner>> extends Pattern<P>
  implements Receiver {
  /** The context that is the socket itself. */
  protected abstract readonly main: C;
  /** All that are open, the main one too. */
  protected readonly contexts: Set<C> = new Set();

  /** Makes an engine without contexts: whoever extends it adds the main one. */
  constructor() {
    super(false);
  }

  get onReceivable(): (now: number) => void {
    return this.main.onReceivable;
  }

  set onReceivable(callback: (now: number) => void) {
    this.main.onReceivable = callback;
  }

  tryReceive(now: number): SpMessage | undefined {
    return this.main.tryReceive(now);
  }

  /** A context has closed; it says so itself. */
  contextClosed(context: C): void {
    this.contexts.delete(context);
  }

  protected override get unread(): number {
    let unread = 0;
    for (const context of this.contexts) unread += context.unread;
    return unread;
  }

  /** Takes a new context in. */
  protected add(context: C): C {
    this.contexts.add(context);
    return context;
  }

  protected override closed(): void {
    for (const context of this.contexts) context.close();
  }
}

/** A pattern with contexts that send as well. */
export abstract class ConversingEngine<P extends PipeRecord, C extends EngineContext<ContextOwner> & Sender>
  extends ContextEngine<P, C>
  implements Sender {
  get onSendable(): (now: number) => void {
    return this.main.onSendable;
  }

  set onSendable(callback: (now: number) => void) {
    this.main.onSendable = callback;
  }

  trySend(message: SpMessage, now: number): boolean {
    return this.main.trySend(message, now);
  }
}

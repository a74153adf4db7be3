/**
 * Every error that Sockeye throws.
 *
 * `code` is stable and meant for programs, the message is meant for people: it says what was tried, on what, and what
 * the user can do about it.
 *
 * @module
 */

/** What every error class of ours accepts besides its message. */
export interface SockeyeErrorOptions {
  /** The error underneath, kept as {@linkcode Error.cause}. */
  cause?: unknown;
}

/**
 * The base of all errors that Sockeye throws on purpose.
 *
 * @example
 * ```ts
 * import { SockeyeError, TimeoutError } from "@sockeye/sockeye";
 * import assert from "node:assert/strict";
 *
 * const error = new TimeoutError("receive: nothing arrived within 50 ms; raise `timeout` or check the peer");
 * assert(error instanceof SockeyeError);
 * assert.equal(error.code, "TIMEOUT");
 * assert.equal(error.name, "TimeoutError");
 * ```
 */
export class SockeyeError extends Error {
  /** A stable identifier, for instance `"TIMEOUT"` or, from the operating system, `"ECONNREFUSED"`. */
  readonly code: string;

  /**
   * Makes the error.
   *
   * @param message What was tried, on what, and the remedy.
   * @param code The stable identifier.
   * @param options The cause, if another error is underneath.
   */
  constructor(message: string, code: string, options?: SockeyeErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** What {@linkcode SystemError} records of the failed call. */
export interface SystemErrorDetails {
  /** The symbolic name of the error number, for instance `"ECONNREFUSED"`. */
  code: string;
  /** The error number, as in errno(3). */
  errno: number;
  /** The system call that failed, for instance `"bind"`. */
  syscall: string;
  /** The address that the call was about, where there is one. */
  address?: string;
}

/**
 * A system call failed; the fields are those that users of Node know.
 *
 * `code`, `errno` and `syscall` are as in errno(3) and the call's man page; `address` is there when the call had one.
 */
export class SystemError extends SockeyeError {
  /** The error number, as in errno(3). */
  readonly errno: number;
  /** The system call that failed. */
  readonly syscall: string;
  /** The address that the call was about, where there is one. */
  readonly address?: string;

  /**
   * Makes the error.
   *
   * @param message What was tried, what the system said, and the remedy.
   * @param details The fields of the failed call.
   * @param options The cause, if another error is underneath.
   */
  constructor(message: string, details: SystemErrorDetails, options?: SockeyeErrorOptions) {
    super(message, details.code, options);
    this.errno = details.errno;
    this.syscall = details.syscall;
    if (details.address !== undefined) this.address = details.address;
  }
}

/** The handle is closed, by us or by the peer, so the operation can't be carried out. Code `"CLOSED"`. */
export class ClosedError extends SockeyeError {
  /**
   * Makes the error.
   *
   * @param message What was tried on which handle.
   * @param options The cause, if another error is underneath.
   */
  constructor(message: string, options?: SockeyeErrorOptions) {
    super(message, "CLOSED", options);
  }
}

/** A wait took longer than its `timeout`; the operation may be tried again. Code `"TIMEOUT"`, name `"TimeoutError"`. */
export class TimeoutError extends SockeyeError {
  /**
   * Makes the error.
   *
   * @param message What was waited for, and how long.
   * @param options The cause, if another error is underneath.
   */
  constructor(message: string, options?: SockeyeErrorOptions) {
    super(message, "TIMEOUT", options);
  }
}

/** The operation makes no sense in the handle's present state. Code `"STATE"`. */
export class StateError extends SockeyeError {
  /**
   * Makes the error.
   *
   * @param message The operation, the state, and what to do first.
   * @param options The cause, if another error is underneath.
   */
  constructor(message: string, options?: SockeyeErrorOptions) {
    super(message, "STATE", options);
  }
}

/** There is nobody to send to. Code `"NO_PEER"`. */
export class NoPeerError extends SockeyeError {
  /**
   * Makes the error.
   *
   * @param message Who was looked for.
   * @param options The cause, if another error is underneath.
   */
  constructor(message: string, options?: SockeyeErrorOptions) {
    super(message, "NO_PEER", options);
  }
}

/** A bounded queue is full; nothing was accepted. Code `"BUFFER_FULL"`. */
export class BufferFullError extends SockeyeError {
  /**
   * Makes the error.
   *
   * @param message Which queue, its bound, and how to raise or respect it.
   * @param options The cause, if another error is underneath.
   */
  constructor(message: string, options?: SockeyeErrorOptions) {
    super(message, "BUFFER_FULL", options);
  }
}

/** A message exceeds a limit; nothing of it was sent, or delivered. Code `"MESSAGE_TOO_LARGE"`. */
export class MessageTooLargeError extends SockeyeError {
  /**
   * Makes the error.
   *
   * @param message The size, the limit, and how to raise it.
   * @param options The cause, if another error is underneath.
   */
  constructor(message: string, options?: SockeyeErrorOptions) {
    super(message, "MESSAGE_TOO_LARGE", options);
  }
}

/** An address or URL can't be understood or isn't allowed here. Code `"ADDRESS"`. */
export class AddressError extends SockeyeError {
  /**
   * Makes the error.
   *
   * @param message The address, and the forms that are allowed.
   * @param options The cause, if another error is underneath.
   */
  constructor(message: string, options?: SockeyeErrorOptions) {
    super(message, "ADDRESS", options);
  }
}

/** The peer broke the protocol. Code `"PROTOCOL"`. */
export class ProtocolError extends SockeyeError {
  /**
   * Makes the error.
   *
   * @param message What arrived, and what was due.
   * @param options The cause, if another error is underneath.
   */
  constructor(message: string, options?: SockeyeErrorOptions) {
    super(message, "PROTOCOL", options);
  }
}

/** The platform or kernel lacks what the call needs; the message says how to get it. Code `"UNSUPPORTED"`. */
export class UnsupportedError extends SockeyeError {
  /**
   * Makes the error.
   *
   * @param message What is lacking, why, and the remedy.
   * @param options The cause, if another error is underneath.
   */
  constructor(message: string, options?: SockeyeErrorOptions) {
    super(message, "UNSUPPORTED", options);
  }
}

/** An argument is not allowed; thrown before anything has happened. Code `"ARGUMENT"`. */
export class ArgumentError extends SockeyeError {
  /** The argument's name, for instance `"options.streamId"`. */
  readonly argument: string;

  /**
   * Makes the error.
   *
   * @param argument The argument's name.
   * @param message What is allowed, and what was given.
   * @param options The cause.
   */
  constructor(argument: string, message: string, options?: SockeyeErrorOptions) {
    super(`${argument}: ${message}`, "ARGUMENT", options);
    this.argument = argument;
  }
}

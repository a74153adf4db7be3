/**
 * Addresses of the Scalability Protocols: a scheme, which names the transport, and what that makes of the rest.
 *
 * @module
 */

import { AddressError, ArgumentError } from "../../common/errors.ts";

/** The longest URL, in characters: NNG_MAXADDRLEN of nng, which counts the terminator. */
const MAX_LENGTH = 127;

/** A URL, cut behind its scheme. */
export interface SpUrl {
  /** All of it, as it was given. */
  readonly href: string;
  /** What is in front of `://`, for instance `"tcp"`. */
  readonly scheme: string;
  /** What is behind it; the transport's to understand. */
  readonly rest: string;
}

/**
 * Cuts a URL.
 *
 * @param text The URL, for instance `"tcp://127.0.0.1:5000"`.
 * @returns Its parts.
 * @throws {AddressError} If it is none.
 * @throws {ArgumentError} If it is no text, for instance a `URL` object.
 */
export function parseSpUrl(text: string): SpUrl {
  if (typeof text !== "string") {
    throw new ArgumentError("url", `must be a string, got ${typeof text}; of a URL object give the href`);
  }
  const match = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/s.exec(text);
  if (match === null) {
    throw new AddressError(
      `${
        JSON.stringify(text.slice(0, MAX_LENGTH))
      } is no URL; write tcp://127.0.0.1:5000, ipc:///run/clock.ipc or inproc://clock`,
    );
  }
  if (text.length > MAX_LENGTH) {
    throw new AddressError(
      `${text.slice(0, 40)}… has ${text.length} characters, and may have ${MAX_LENGTH}; choose a shorter path or name`,
    );
  }
  if (text.includes("\0")) throw new AddressError(`${JSON.stringify(text)} has a NUL character in it; leave it out`);
  return { href: text, scheme: match[1], rest: match[2] };
}

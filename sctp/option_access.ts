/**
 * Reading and writing options by name, for one scope of one socket.
 *
 * @module
 */

import type { SctpAddressLike } from "./address.ts";
import type { SctpOptionScope, SctpSocketDriver } from "./driver.ts";
import type { SctpTransportAddress } from "./message.ts";
import type { SctpOptionName, SctpOptionParameter, SctpOptionRead, SctpOptionWritten } from "./option_map.ts";
import { transportAddressOf } from "./transport_address.ts";

/** A path: the peer's address on it, as an address of one IP, or the IP alone. */
export type SctpPath = SctpTransportAddress | SctpAddressLike;

/** The options of one association, or of those that a scope stands for. */
export class OptionAccess {
  readonly #driver: SctpSocketDriver;
  readonly #scope: SctpOptionScope;

  /** @param driver The socket. @param scope Which associations are meant. */
  constructor(driver: SctpSocketDriver, scope: SctpOptionScope) {
    this.#driver = driver;
    this.#scope = scope;
  }

  /** Reads an option. */
  get<Name extends SctpOptionName>(name: Name, parameter?: SctpOptionParameter): SctpOptionRead<Name> {
    return this.#driver.getOption(name, this.#scope, parameter);
  }

  /** Writes an option, or carries out what it stands for. */
  set<Name extends SctpOptionName>(
    name: Name,
    value: SctpOptionWritten<Name>,
    parameter?: SctpOptionParameter,
  ): void {
    this.#driver.setOption(name, value, this.#scope, parameter);
  }

  /** The peer's address that is meant; an IP alone gets the peer's port. */
  path(path: SctpPath): SctpTransportAddress {
    return transportAddressOf(path, () => this.#driver.peerAddress(this.#id()).port);
  }

  /** The local address that is meant; an IP alone gets our port. */
  local(address: SctpPath): SctpTransportAddress {
    return transportAddressOf(address, () => this.#driver.localAddress(this.#id()).port);
  }

  #id(): number {
    return typeof this.#scope === "number" ? this.#scope : 0;
  }
}

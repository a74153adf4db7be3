/**
 * A listening one-to-one socket of the kernel's SCTP.
 *
 * @module
 */

import { accept4, Descriptor, Reactor, READABLE } from "../../ffi/mod.ts";
import { SctpAddress } from "../address.ts";
import type { SctpListenerDriver, SctpSocketDriver } from "../driver.ts";
import { getLocalAddresses } from "./option/addresses.ts";
import { optionSocketOf } from "./option_socket.ts";
import { ready, readySync } from "./readiness.ts";
import { KernelSocketDriver, type KernelSocketSettings } from "./socket_driver.ts";

/** Accepts associations, which inherit the options and subscriptions of the listening socket. */
export class KernelListenerDriver implements SctpListenerDriver {
  readonly stack = "kernel";
  readonly #descriptor: Descriptor;
  readonly #settings: KernelSocketSettings;

  /** @param descriptor The socket, owned from now on. @param settings Those of the associations. */
  constructor(descriptor: Descriptor, settings: KernelSocketSettings) {
    this.#descriptor = descriptor;
    this.#settings = settings;
  }

  tryAccept(): SctpSocketDriver | undefined {
    const accepted = accept4(this.#descriptor.fd);
    if (accepted === undefined) return undefined;
    return new KernelSocketDriver(
      Descriptor.adopt(accepted.fd, "kernel SCTP association"),
      "one-to-one",
      this.#settings,
    );
  }

  acceptable(signal: AbortSignal): Promise<void> {
    return ready(this.#descriptor.fd, READABLE, "accept", { signal });
  }

  acceptableSync(timeoutMs: number | undefined): boolean {
    return readySync(this.#descriptor.fd, READABLE, timeoutMs);
  }

  localAddress(): SctpAddress {
    return SctpAddress.fromSocketAddresses(getLocalAddresses(optionSocketOf(() => this.#descriptor.fd), 0));
  }

  close(): void {
    this.#descriptor.close();
  }

  released(): Promise<void> {
    return Reactor.current().idle();
  }
}

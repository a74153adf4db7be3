/** Devices: what comes in at one socket goes out at the other. @module */

import { Device } from "../protocol/device.ts";
import { concerned } from "../socket/errors.ts";
import { coreOf, type SpSocket } from "./socket.ts";

/** How a device runs. */
export interface DeviceOptions {
  /** Ends it. */
  signal?: AbortSignal;
}

/**
 * Forwards between two raw sockets of one pattern, or from one back to itself, until one of them is closed or the signal
 * fires. Nobody else sends or receives on them meanwhile.
 *
 * @param front A raw socket.
 * @param back The socket of the other role, raw too; without it `front` gets back what it receives.
 * @param options A signal to end it.
 * @returns Resolves at the end. The sockets stay open.
 * @throws {ArgumentError} When the sockets are not raw, or their patterns don't belong together.
 * @throws {ClosedError} When one of them is closed already.
 *
 * @example A queue in the middle of requests
 * ```ts
 * import { device, Rep, Req } from "@sockeye/sockeye/sp";
 * import assert from "node:assert/strict";
 *
 * await using front = new Rep({ raw: true });
 * await using back = new Req({ raw: true });
 * await front.listen("inproc://front");
 * await back.listen("inproc://back");
 * const forwarding = device(front, back);
 *
 * await using rep = new Rep();
 * await rep.dial("inproc://back");
 * rep.serve((request) => request.text().toUpperCase());
 * await using req = new Req();
 * await req.dial("inproc://front");
 * assert.equal((await req.request("hello")).text(), "HELLO");
 *
 * await front.close();
 * await forwarding;
 * ```
 */
export async function device(front: SpSocket, back: SpSocket = front, options: DeviceOptions = {}): Promise<void> {
  const { signal } = options;
  const cores = [coreOf(front), coreOf(back)];
  for (const core of cores) core.checkOpen("device");
  const forwarder = concerned(cores[0].label, () => new Device(cores[0].engine, cores[1].engine));
  if (signal?.aborted) {
    forwarder.close();
    return;
  }
  await new Promise<void>((resolve) => {
    const releases: (() => void)[] = [];
    const end = () => {
      forwarder.close();
      signal?.removeEventListener("abort", end);
      for (const release of releases) release();
      resolve();
    };
    for (const core of cores) releases.push(core.onClose(end));
    signal?.addEventListener("abort", end, { once: true });
    forwarder.start(performance.now());
  });
}

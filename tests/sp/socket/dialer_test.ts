/** What dialers do between attempts; the transport is one of the test's own. */

import { AddressError, SystemError } from "@sockeye/sockeye";
import assert from "node:assert/strict";
import { Dialer, type DialerOwner } from "../../../sp/socket/dialer.ts";
import { endpointSettings } from "../../../sp/socket/options.ts";
import type { DialEvents, Dialing, Transport } from "../../../sp/transport/transport.ts";
import { parseSpUrl, type SpUrl } from "../../../sp/transport/url.ts";
import { test } from "../../support/harness.ts";

const GREETING = { protocol: 80, peer: 81, name: "push", peerName: "pull" };
const SETTINGS = endpointSettings({ reconnectMin: 1, reconnectJitter: 0 });
const SOON = { timeout: 20_000 };

const OWNER: DialerOwner = {
  adopt: () => undefined,
  attemptFailed() {},
  dialerClosed() {},
};

function transportOf(dial: (url: SpUrl, events: DialEvents) => Dialing, resolve?: Transport["resolve"]): Transport {
  return {
    schemes: [],
    check() {},
    resolve,
    listen: () => assert.fail("nobody listens here"),
    dial: (url, _greeting, _options, events) => dial(url, events),
  };
}

function dialerOf(transport: Transport, target: SpUrl): Dialer {
  return new Dialer(transport, parseSpUrl("test://host:5000"), target, GREETING, SETTINGS, OWNER);
}

/** An attempt that fails in a later step. */
function refused({ rest }: SpUrl, events: DialEvents): Dialing {
  const timer = setTimeout(() => {
    events.failed(new SystemError(`connect ${rest}`, { code: "ECONNREFUSED", errno: 111, syscall: "connect" }));
  });
  return { cancel: () => clearTimeout(timer) };
}

test("a dialer finds a host that has moved", async () => {
  const addresses = ["127.0.0.1:5000", "127.0.0.2:5000", "127.0.0.3:5000"];
  const dialed: string[] = [];
  let asked = 0;
  const named = parseSpUrl("test://host:5000");
  const resolve = () => {
    // The second time nobody knows the name.
    if (++asked === 2) return Promise.reject(new AddressError("there is no such host"));
    return Promise.resolve({ ...named, rest: addresses[Math.min(asked, 2)] });
  };
  let dialer: Dialer;
  const moved = new Promise<void>((resolved) => {
    const transport = transportOf((url, events) => {
      dialed.push(url.rest);
      if (url.rest === addresses[2]) resolved();
      return refused(url, events);
    }, resolve);
    dialer = dialerOf(transport, { ...named, rest: addresses[0] });
    dialer.start();
  });

  await moved;

  dialer!.close();
  assert.equal(dialed[0], addresses[0]);
  assert.deepEqual([...new Set(dialed)], addresses);
});

test("a dialer to an address asks nobody for it", async () => {
  const named = parseSpUrl("test://127.0.0.1:5000");
  let attempts = 0;
  let dialer: Dialer;
  await new Promise<void>((resolved) => {
    const transport = transportOf(
      (url, events) => {
        if (++attempts === 3) resolved();
        return refused(url, events);
      },
      () => assert.fail("there is no name"),
    );
    dialer = new Dialer(transport, named, named, GREETING, SETTINGS, OWNER);
    dialer.start();
  });

  dialer!.close();
});

test("an attempt that can't even begin is one that failed", async () => {
  let attempts = 0;
  const gone = new SystemError("if_nametoindex", { code: "ENODEV", errno: 19, syscall: "if_nametoindex" });
  const transport = transportOf((url, events) => {
    if (++attempts < 3) throw gone;
    return refused(url, events);
  });
  const named = parseSpUrl("test://[fe80::1%eth9]:5000");
  const once = new Dialer(transport, named, named, GREETING, SETTINGS, OWNER);
  const failing = assert.rejects(once.untilConnected(SOON), gone);
  once.start(false);
  await failing;

  const again = new Dialer(transport, named, named, GREETING, SETTINGS, OWNER);
  const connecting = assert.rejects(again.untilConnected(SOON), { name: "ClosedError" });
  again.start();
  while (attempts < 3) await new Promise((resolve) => setTimeout(resolve));

  again.close();
  await connecting;
});

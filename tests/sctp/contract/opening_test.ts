import { isSctpAvailable, SctpAssociation, SctpEndpoint, SystemError, TimeoutError } from "@sockeye/sockeye/sctp";
import { syscall } from "@sockeye/sockeye/ffi";
import assert from "node:assert/strict";
import process from "node:process";
import { forEachStack } from "./stacks.ts";
import { silentNetwork } from "./silence.ts";

/** The number of setresuid(2). */
const SETRESUID = process.arch === "x64" ? 117 : 147;

/** Runs something as a user without privileges: the system call, unlike that of libc, is about this thread alone. */
function asNobody(run: () => void): void {
  const setresuid = (effective: number) => syscall(SETRESUID, -1, effective, -1);
  setresuid(65534);
  try {
    run();
  } finally {
    setresuid(0);
  }
}

forEachStack((under) => {
  const { test, stack } = under;
  const silence = isSctpAvailable(stack) ? silentNetwork() : undefined;
  const needsSilence = { skip: silence === undefined && "a network that drops everything needs root and `ip`" };
  const impatient = {
    initmsg: { maxAttempts: 2, maxInitTimeout: 100 },
    rtoinfo: { initial: 100, min: 100, max: 100 },
  };

  test("a refused connection is ECONNREFUSED with the peer's address", async () => {
    const refused = SctpAssociation.connect("sctp://127.0.0.1:9", { stack });

    await assert.rejects(refused, (error: unknown) => {
      assert(error instanceof SystemError);
      assert.equal(error.code, "ECONNREFUSED");
      assert.equal(error.errno, 111);
      assert.equal(error.syscall, "connect");
      assert.equal(error.address, "sctp://127.0.0.1:9");
      return true;
    });
    assert.throws(() => SctpAssociation.connectSync("sctp://127.0.0.1:9", { stack }), { code: "ECONNREFUSED" });
  });

  test("a refused connection of an endpoint is ECONNREFUSED, and the endpoint goes on", async () => {
    using server = under.endpoint();
    using client = under.endpoint();

    await assert.rejects(client.connect("sctp://127.0.0.1:9"), { code: "ECONNREFUSED", address: "sctp://127.0.0.1:9" });
    assert.throws(() => client.connectSync("sctp://127.0.0.1:9"), { code: "ECONNREFUSED" });

    assert.deepEqual(client.associations(), []);
    await client.connect(server.localAddresses());
  });

  test("a peer that never answers is ETIMEDOUT", async () => {
    using _network = silence!.begin();
    using endpoint = SctpEndpoint.bind("sctp://0.0.0.0:0", { stack, ...impatient });

    await assert.rejects(SctpAssociation.connect(silence!.url, { stack, ...impatient }), { code: "ETIMEDOUT" });
    await assert.rejects(endpoint.connect(silence!.url), { code: "ETIMEDOUT" });
  }, needsSilence);

  test("a connection that takes too long is a TimeoutError, and the attempt is given up", async () => {
    using _network = silence!.begin();
    using endpoint = SctpEndpoint.bind("sctp://0.0.0.0:0", { stack });

    await assert.rejects(SctpAssociation.connect(silence!.url, { stack, timeout: 10 }), TimeoutError);
    assert.throws(() => SctpAssociation.connectSync(silence!.url, { stack, timeout: 10 }), TimeoutError);
    await assert.rejects(endpoint.connect(silence!.url, { timeout: 10 }), TimeoutError);
    assert.throws(() => endpoint.connectSync(silence!.url, { timeout: 10 }), TimeoutError);

    assert.deepEqual(endpoint.associations(), []);
  }, needsSilence);

  test("a connection that is given up rejects with the signal's reason", async () => {
    using _network = silence!.begin();
    using endpoint = SctpEndpoint.bind("sctp://0.0.0.0:0", { stack });
    const controller = new AbortController();
    const reason = new Error("never mind");

    const one = SctpAssociation.connect(silence!.url, { stack, signal: controller.signal });
    const two = endpoint.connect(silence!.url, { signal: controller.signal });
    controller.abort(reason);

    await assert.rejects(one, reason);
    await assert.rejects(two, reason);
    await assert.rejects(SctpAssociation.connect(silence!.url, { stack, signal: controller.signal }), reason);
    await assert.rejects(endpoint.connect(silence!.url, { signal: controller.signal }), reason);
    assert.deepEqual(endpoint.associations(), []);
  }, needsSilence);

  test("an address that can't be bound is a SystemError with the address", () => {
    assert.throws(() => under.listener({}, "sctp://192.0.2.1:0"), { code: "EADDRNOTAVAIL", syscall: "bind" });
    assert.throws(() => under.endpoint({}, "sctp://192.0.2.1:0"), {
      code: "EADDRNOTAVAIL",
      address: "sctp://192.0.2.1:0",
    });
    using taken = under.listener();
    assert.throws(() => under.listener({}, `${taken.localAddresses()}`), { code: "EADDRINUSE" });
  });

  test("a port below 1024 is EACCES for whoever may not bind it", () => {
    asNobody(() => {
      assert.throws(() => under.listener({}, "sctp://127.0.0.1:80"), (error: unknown) => {
        assert(error instanceof SystemError);
        assert.equal(error.code, "EACCES");
        assert.match(error.message, /root|CAP_NET_BIND_SERVICE/);
        return true;
      });
      assert.throws(() => under.endpoint({}, "sctp://127.0.0.1:80"), { code: "EACCES", syscall: "bind" });
    });
  }, { skip: process.getuid?.() !== 0 && "needs root, to give it up" });
});

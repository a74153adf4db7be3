import { SctpAssociation, SctpEndpoint } from "@sockeye/sockeye/sctp";
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import process from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { forEachStack, until } from "./stacks.ts";

const collectGarbage = garbageCollector();

function garbageCollector(): () => void {
  const { Bun: bun } = globalThis as { Bun?: { gc(force: boolean): void } };
  if (bun !== undefined) return () => bun.gc(true);
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc");
}

const openDescriptors = () => readdirSync("/proc/self/fd").length;

/** How often a handle is opened and closed; a system call of the rig takes some fifty microseconds. */
const OPENS = 10_000;
const LIVES = 1_000;

/** The growth of the heap over the second half of the cycles, when all that is allocated once is there. */
async function heapGrowth(cycles: number, cycle: () => Promise<void> | void): Promise<number> {
  for (let count = 0; count < cycles / 2; count++) await cycle();
  const before = await settledHeap();
  for (let count = 0; count < cycles / 2; count++) await cycle();
  return await settledHeap() - before;
}

/** The heap when all garbage is collected, finalizers and what they free included. */
async function settledHeap(): Promise<number> {
  for (let turn = 0; turn < 3; turn++) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    collectGarbage();
  }
  return process.memoryUsage().heapUsed;
}

forEachStack((under) => {
  const { test, stack } = under;

  test("opening and closing endpoints leaves no descriptor and no memory behind", async () => {
    SctpEndpoint.bind("sctp://127.0.0.1:0", { stack }).close();
    const before = openDescriptors();

    const growth = await heapGrowth(OPENS, () => SctpEndpoint.bind("sctp://127.0.0.1:0", { stack }).close());

    assert.equal(openDescriptors(), before);
    assert(growth < OPENS * 100, `${growth} bytes for ${OPENS / 2} cycles`);
  }, { timeoutMs: 240_000 });

  test("associations that lived and died leave no descriptor and no memory behind", async () => {
    using listener = under.listener();
    const url = listener.localAddresses();
    const live = async () => {
      const client = await SctpAssociation.connect(url, { stack });
      const server = await listener.accept();
      const received = server.receive();
      await client.send("x", { streamId: 3 });
      await received;
      client.close();
      await server.receive().catch(() => {});
      server.close();
    };
    await live();
    const before = openDescriptors();

    const growth = await heapGrowth(LIVES, live);

    assert.equal(openDescriptors(), before);
    assert(growth < LIVES * 500, `${growth} bytes for ${LIVES / 2} lives`);
  }, { timeoutMs: 240_000 });

  test("a handle that is collected while it is open closes its descriptor", async () => {
    const before = openDescriptors();
    (() => {
      for (let count = 0; count < 20; count++) SctpEndpoint.bind("sctp://127.0.0.1:0", { stack });
    })();
    assert.equal(openDescriptors(), before + 20);

    await until(() => {
      collectGarbage();
      return openDescriptors() === before;
    });
  });

  test("attempts that fail leave no descriptor behind", async () => {
    const before = openDescriptors();

    for (let count = 0; count < 50; count++) {
      await assert.rejects(SctpAssociation.connect("sctp://127.0.0.1:9", { stack }));
      assert.throws(() => under.endpoint({ maxseg: -1 }));
      assert.throws(() => under.listener({}, "sctp://192.0.2.77:0"));
    }

    assert.equal(openDescriptors(), before);
  });
});

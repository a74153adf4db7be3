import { SctpAssociation, SctpEndpoint } from "@sockeye/sockeye/sctp";
import assert from "node:assert/strict";
import { collectGarbage, heapGrowth, openSockets } from "../../support/leaks.ts";
import { forEachStack, until } from "./stacks.ts";

/** How often a handle is opened and closed; a system call of the rig takes some fifty microseconds. */
const OPENS = 10_000;
const LIVES = 1_000;

forEachStack((under) => {
  const { test, stack } = under;

  test("opening and closing endpoints leaves no descriptor and no memory behind", async () => {
    SctpEndpoint.bind("sctp://127.0.0.1:0", { stack }).close();
    const before = openSockets();

    const growth = await heapGrowth(
      OPENS,
      OPENS * 100,
      () => SctpEndpoint.bind("sctp://127.0.0.1:0", { stack }).close(),
    );

    assert(openSockets() <= before, `${openSockets()} sockets, ${before} before`);
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
    const before = openSockets();

    const growth = await heapGrowth(LIVES, LIVES * 500, live);

    assert(openSockets() <= before, `${openSockets()} sockets, ${before} before`);
    assert(growth < LIVES * 500, `${growth} bytes for ${LIVES / 2} lives`);
  }, { timeoutMs: 240_000 });

  test("a handle that is collected while it is open closes its descriptor", async () => {
    const before = openSockets();
    (() => {
      for (let count = 0; count < 20; count++) SctpEndpoint.bind("sctp://127.0.0.1:0", { stack });
    })();
    assert.equal(openSockets(), before + 20);

    await until(() => {
      collectGarbage();
      return openSockets() === before;
    });
  });

  test("attempts that fail leave no descriptor behind", async () => {
    const before = openSockets();

    for (let count = 0; count < 50; count++) {
      await assert.rejects(SctpAssociation.connect("sctp://127.0.0.1:9", { stack }));
      assert.throws(() => under.endpoint({ maxseg: -1 }));
      assert.throws(() => under.listener({}, "sctp://192.0.2.77:0"));
    }

    assert(openSockets() <= before, `${openSockets()} sockets, ${before} before`);
  });
});

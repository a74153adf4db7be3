import assert from "node:assert/strict";
import { join } from "node:path";
import { PULL, PUSH } from "../../../sp/protocol/protocols.ts";
import { ipc } from "../../../sp/transport/ipc.ts";
import { tcp } from "../../../sp/transport/tcp.ts";
import { test } from "../../support/harness.ts";
import { Child, missing } from "./child.ts";
import { dial, Host, withFolder, Witness } from "./stream_support.ts";

/** nngcat and nanocat, and how they are told what to do. */
const CATS = [
  { cat: "nngcat", push: "--push0", pull: "--pull0", dial: "--dial", listen: "--listen" },
  { cat: "nanocat", push: "--push", pull: "--pull", dial: "--connect", listen: "--bind" },
];

/** A port that was free a moment ago: the cats don't say which one they got. */
function freePort(): number {
  const host = new Host(tcp, "tcp://127.0.0.1:0");
  const port = Number(host.url.split(":").at(-1));
  host.close();
  return port;
}

/** Dials until somebody listens. */
async function dialUntilThere(child: Child, url: string, greeting: typeof PUSH): Promise<Witness> {
  for (;;) {
    try {
      return new Witness(await dial(url.startsWith("ipc") ? ipc : tcp, url, {}, greeting));
    } catch (error) {
      if (child.process.exitCode !== null) throw new Error("the cat ended", { cause: error });
      if (!["ENOENT", "ECONNREFUSED"].includes((error as { code: string }).code)) throw error;
    }
  }
}

for (const { cat, ...options } of CATS) {
  for (const [name, transport] of [["ipc", ipc], ["tcp", tcp]] as const) {
    const skip = missing(cat);
    const freshUrl = (folder: string) =>
      name === "ipc" ? `ipc://${join(folder, "cat.ipc")}` : `tcp://127.0.0.1:${freePort()}`;

    test(`${name}: ${cat} dials us and pushes`, () =>
      withFolder(async (folder) => {
        const host = new Host(transport, freshUrl(folder));
        const child = new Child(cat, [options.push, options.dial, host.url, "--data", "sockeye"]);

        const receiver = await host.witness();

        assert.equal(await receiver.text(), "sockeye");
        assert.equal(await receiver.closed, undefined);
        await child.output;
        host.close();
      }), { skip });

    test(`${name}: ${cat} listens and pushes`, () =>
      withFolder(async (folder) => {
        const url = freshUrl(folder);
        const child = new Child(cat, [options.push, options.listen, url, "--data", "sockeye", "--interval", "1"]);

        const receiver = await dialUntilThere(child, url, PULL);

        assert.equal(await receiver.text(), "sockeye");
        await child.stop();
        await receiver.closed;
      }), { skip });

    test(`${name}: ${cat} dials us and pulls`, () =>
      withFolder(async (folder) => {
        const host = new Host(transport, freshUrl(folder), {}, PUSH);
        const child = new Child(cat, [options.pull, options.dial, host.url, "--raw"]);
        const sender = await host.witness();

        assert(sender.send("one\n"));
        assert(sender.send("two\n"));

        await child.printed(/one\n.*two\n/s);
        await child.stop();
        await sender.closed;
        host.close();
      }), { skip });

    test(`${name}: ${cat} listens and pulls a message of half a megabyte`, () =>
      withFolder(async (folder) => {
        const url = freshUrl(folder);
        const child = new Child(cat, [options.pull, options.listen, url, "--raw"]);
        const sender = await dialUntilThere(child, url, PUSH);
        const body = "x".repeat(500_000);

        assert(sender.send(body));
        assert(sender.send("end\n") || await sender.writable.next().then(() => sender.send("end\n")));

        await child.printed(/end\n/);
        assert.equal((await child.stop()).replaceAll("\n", ""), `${body}end`);
        await sender.closed;
      }), { skip });
  }
}

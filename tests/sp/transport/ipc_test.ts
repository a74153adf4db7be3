import { AddressError, ArgumentError, StreamListener, type UnixCredentials } from "@sockeye/sockeye/ffi";
import assert from "node:assert/strict";
import { existsSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { PULL } from "../../../sp/protocol/protocols.ts";
import { ipc } from "../../../sp/transport/ipc.ts";
import { parseSpUrl } from "../../../sp/transport/url.ts";
import { test } from "../../support/harness.ts";
import { dial, Host, withFolder, Witness } from "./stream_support.ts";

/** The same as the code of the error. */
function withCode(code: string): (error: { code: string }) => boolean {
  return (error) => error.code === code;
}

/** Leaves the file of a listener behind, as a program does that is killed. */
function leaveSocketBehind(path: string): void {
  const listener = StreamListener.listen({ family: "unix", path: `${path}.old` });
  // Closing a listener removes the name that it was given only.
  renameSync(`${path}.old`, path);
  listener.close();
}

test("ipc: what a dead program left behind is replaced", () =>
  withFolder(async (folder) => {
    const path = join(folder, "stale.ipc");
    leaveSocketBehind(path);
    assert(existsSync(path));

    const host = new Host(ipc, `ipc://${path}`);
    const sender = new Witness(await dial(ipc, host.url));

    const receiver = await host.witness();
    sender.connection.close();
    await receiver.closed;
    host.close();
    assert(!existsSync(path), "and removed in the end");
  }));

test("ipc: a socket that somebody listens on is not replaced, also while his backlog is full", () =>
  withFolder(async (folder) => {
    const path = join(folder, "taken.ipc");
    const listener = StreamListener.listen({ family: "unix", path }, { backlog: 0 });
    assert.throws(() => new Host(ipc, `ipc://${path}`), withCode("EADDRINUSE"));
    assert.throws(() => new Host(ipc, `ipc://${path}`), /another program listens there/);

    assert(existsSync(path));
    listener.close();
    await Promise.resolve();
  }));

test("ipc: whoever has the address is not disturbed by the look whether he listens", () =>
  withFolder(async (folder) => {
    const path = join(folder, "busy.ipc");
    const listener = StreamListener.listen({ family: "unix", path });
    assert.throws(() => new Host(ipc, `ipc://${path}`), withCode("EADDRINUSE"));

    assert.equal(listener.tryAccept(), undefined);
    listener.close();
    await Promise.resolve();
  }));

test("ipc: a file that is no socket is not replaced", () =>
  withFolder((folder) => {
    const path = join(folder, "notes.txt");
    writeFileSync(path, "precious");
    assert.throws(() => new Host(ipc, `ipc://${path}`), /no socket/);
    assert(existsSync(path));
    return Promise.resolve();
  }));

test("ipc: closing a listener leaves the file of another one alone that took its place", () =>
  withFolder((folder) => {
    const path = join(folder, "moved.ipc");
    const first = new Host(ipc, `ipc://${path}`);
    renameSync(path, `${path}.away`);
    const second = new Host(ipc, `ipc://${path}`);

    first.close();

    assert(existsSync(path));
    second.close();
    assert(!existsSync(path));
    return Promise.resolve();
  }));

test("ipc: the socket file has the mode that is asked for, whatever the umask", () =>
  withFolder((folder) => {
    const umask = process.umask(0o077);
    try {
      for (const mode of [0o600, 0o660, 0o777]) {
        const path = join(folder, `mode-${mode}.ipc`);
        const host = new Host(ipc, `ipc://${path}`, { mode });
        assert.equal(statSync(path).mode & 0o777, mode);
        host.close();
      }
    } finally {
      process.umask(umask);
    }
    return Promise.resolve();
  }));

test("ipc: a mode for an abstract name is refused, for it would protect nothing", () => {
  assert.throws(() => new Host(ipc, "ipc://@no-file", { mode: 0o600 }), ArgumentError);
});

test("ipc: allowPeer sees who connects, and lets nobody in that it does not want", () =>
  withFolder(async (folder) => {
    const url = `ipc://${join(folder, "guarded.ipc")}`;
    const seen: UnixCredentials[] = [];
    let isAllowed = false;
    const allowPeer = (credentials: UnixCredentials) => {
      seen.push(credentials);
      return isAllowed;
    };
    const host = new Host(ipc, url, { allowPeer });

    const refused = await dial(ipc, url).then((connection) => new Witness(connection), () => undefined);
    const error = await host.failed.next();
    await refused?.closed;
    isAllowed = true;
    const sender = new Witness(await dial(ipc, url));
    const receiver = await host.witness();

    assert.equal(error.code, "EACCES");
    assert.match(error.message, new RegExp(`process ${process.pid} `));
    assert.deepEqual(seen.map(({ pid, uid }) => ({ pid, uid })), [
      { pid: process.pid, uid: process.getuid!() },
      { pid: process.pid, uid: process.getuid!() },
    ]);
    sender.connection.close();
    await receiver.closed;
    host.close();
  }));

test("ipc: a dialer asks allowPeer about the listener", () =>
  withFolder(async (folder) => {
    const url = `ipc://${join(folder, "imposter.ipc")}`;
    const host = new Host(ipc, url);
    await assert.rejects(dial(ipc, url, { allowPeer: () => false }), withCode("EACCES"));
    host.close();
    for (const connection of host.accepted.take()) connection.close();
  }));

test("ipc: a URL without a path, or with one that is too long, is refused before anything happens", () => {
  for (const text of ["ipc://", "ipc://@", `ipc:///${"x".repeat(108)}`, `ipc://@${"x".repeat(108)}`]) {
    assert.throws(() => ipc.check(parseSpUrl(text), "listen"), AddressError);
    assert.throws(() => ipc.check(parseSpUrl(text), "dial"), AddressError);
  }
  ipc.check(parseSpUrl("ipc://relative.ipc"), "listen");
  ipc.check(parseSpUrl(`ipc:///${"x".repeat(106)}`), "listen");
});

test("ipc: dialing where nobody listens says so", () =>
  withFolder(async (folder) => {
    const path = join(folder, "nobody.ipc");
    await assert.rejects(dial(ipc, `ipc://${path}`), withCode("ENOENT"));
    leaveSocketBehind(path);
    await assert.rejects(dial(ipc, `ipc://${path}`), withCode("ECONNREFUSED"));
  }));

test("ipc: dialers wait where the listener's backlog is full", () =>
  withFolder(async (folder) => {
    const path = join(folder, "busy.ipc");
    const listener = StreamListener.listen({ family: "unix", path }, { backlog: 1 });
    const dialed = Array.from({ length: 5 }, () => dial(ipc, `ipc://${path}`));
    const accepted = [];
    for (let i = 0; i < 5; i++) {
      const socket = await listener.accept();
      await socket.write(Uint8Array.of(0, 0x53, 0x50, 0, 0, PULL.protocol, 0, 0));
      accepted.push(socket);
    }

    const connections = await Promise.all(dialed);

    for (const connection of connections) connection.close();
    for (const socket of accepted) socket.close();
    listener.close();
  }));

test("ipc: listening in a folder that is not there is a system error at once", () => {
  assert.throws(() => new Host(ipc, "ipc:///nowhere/at/all.ipc"), withCode("ENOENT"));
});

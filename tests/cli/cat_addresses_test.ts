/** Addresses of `sockeye cat` beside those of nngcat: which there are, how they are shown, and how they are complained about. */

import { deepEqual } from "node:assert/strict";
import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";
import { test } from "../support/harness.ts";
import { CATS, Folder, nngcatMissing, run } from "./nngcat.ts";

const skip = nngcatMissing();

/** What either program is started with, as `--pull --recv-timeout 1`; nobody listens on port 7, and nobody comes. */
const ADDRESSES: Readonly<Record<string, readonly string[]>> = {
  "shown as they were given, with the port that was got": [
    "--listen tcp://127.0.0.1:0 -v",
    "--listen tcp://127.0.0.1:00 -v",
    "--listen tcp://127.0.0.1 -v",
    "--listen tcp://localhost:0 -v",
    "--listen tcp://*:0 -v",
    "--listen tcp://:0 -v",
    "--listen tcp4://localhost -v",
    "--listen tcp6://[::1]:0 -v",
    "--listen tcp://[::1] -v",
    "--bind-local 0 --verbose",
    "-L0 -v",
    "-q -v -X FOLDER/x",
    "-v -q -XFOLDER/x",
    "--listen ipc://FOLDER/u -v",
    "--listen unix://FOLDER/u -v",
    "--listen abstract://sockeye-NAME-PID -v",
    "--listen inproc://a --listen ipc://FOLDER/b -v",
    "--async --dial tcp://127.0.0.1:7 -v",
    "--async --dial tcp://nobody.invalid:7 -v",
    "--compat --connect ipc://FOLDER/nobody -v",
  ],
  "refused when they make no sense": [
    "--listen tcp://127.0.0.1:x",
    "--listen tcp://127.0.0.1:",
    "--listen tcp://[::1",
    "--listen tcp://127.0.0.1:0/path",
    "--listen tcp://0.0.0.0:65536",
    "--listen tcp://256.1.1.1:0",
    "--listen tcp://nobody.invalid:7",
    "--listen inproc://a --listen inproc://a",
    "--dial tcp://127.0.0.1:x",
    "--dial tcp://127.0.0.1:",
    "--dial tcp://localhost:x",
    "--dial tcp://127.0.0.1:99999",
    "--dial tcp://127.0.0.1:7?x=y",
    "--dial tcp://[::1",
    "--dial tcp://[::1]",
    "--dial tcp://[::1]:x",
    "--dial tcp://[::1]:70000",
    "--dial tcp://*:7",
    "--dial tcp://:7",
    "--dial tcp:127.0.0.1:7",
    "--dial http://x",
    "--dial tcp://",
    "--dial tcp://127.0.0.1",
    "--dial bogus",
    "--dial bogus://x",
    "--listen ipc://",
    "--dial ://",
    "--dial ipc://",
    `--dial ipc:///${"x".repeat(200)}`,
    `--listen ipc:///${"x".repeat(200)}`,
    `--async --dial ipc:///${"x".repeat(200)}`,
    "--async --dial bogus://",
  ],
  "tried, and nobody found there": [
    "--dial tcp://127.0.0.1:0",
    "--dial tcp://127.0.0.1:7",
    "--dial tcp4://127.0.0.1:7",
    "--dial tcp6://[::1]:7",
    "--dial tcp://localhost:7",
    "--dial TCP://127.0.0.1:7",
    "--dial tcp://nobody.invalid:7",
    "--dial:tcp://127.0.0.1:7",
    "-l7",
    "-x nonexistent/socket",
    "--dial IPC:///nonexistent/socket",
    "--dial unix:///nonexistent",
    "--dial abstract://sockeye-nobody",
    "--dial inproc://a",
    "--listen ipc:///nonexistent/folder/socket",
    "--listen tcp://192.0.2.1:45673",
    "--listen inproc://a --dial inproc://b",
  ],
};

/**
 * Whether this machine has an address of the family that a URL insists on, besides that of the loopback: without one,
 * getaddrinfo(3) finds nothing at all for nng, which asks with AI_ADDRCONFIG.
 */
function hasFamilyOf(words: string): boolean {
  const family = /\btcp([46]):/.exec(words)?.[1];
  const isIt = (address?: NetworkInterfaceInfo) => address?.family === `IPv${family}` && !address.internal;
  return family === undefined || Object.values(networkInterfaces()).flat().some(isIt);
}

async function runWith(name: keyof typeof CATS, words: string) {
  using folder = new Folder();
  const filled = words.replaceAll("FOLDER", folder.path).replace("NAME", name).replace("PID", String(Deno.pid));
  const outcome = await run([...CATS[name], "--pull", "--recv-timeout", "1", ...filled.split(" ")]);
  const anonymous = (text: string) =>
    text.replaceAll(folder.path, "FOLDER").replace(`-${name}-`, "-NAME-").replace(/:\d{4,5}$/m, ":PORT")
      // Where no name server answers, nobody can tell that there is no such host.
      .replace(": Try again", ": Address invalid");
  return { ...outcome, stdout: anonymous(outcome.stdout), stderr: anonymous(outcome.stderr) };
}

for (const [about, lines] of Object.entries(ADDRESSES)) {
  for (const words of lines) {
    test(`addresses are ${about}, as by nngcat: ${words.slice(0, 60)}`, async () => {
      const [theirs, ours] = await Promise.all([runWith("nngcat", words), runWith("sockeye", words)]);

      deepEqual(ours, theirs);
    }, { skip, where: hasFamilyOf(words) });
  }
}

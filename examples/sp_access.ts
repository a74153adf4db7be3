/**
 * Who may connect, and who does: a socket file for one user, a look at the peer's process, and a pipe that is refused.
 *
 *     deno run -A examples/sp_access.ts
 *
 * @module
 */

import { Pull, Push } from "@sockeye/sockeye/sp";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

const folder = mkdtempSync(join(tmpdir(), "sockeye-access-"));
const path = join(folder, "work.ipc");

try {
  await using pull = new Pull({ receiveTimeout: 5000 });
  await pull.listen(`ipc://${path}`, { mode: 0o600, allowPeer: ({ uid }) => uid === process.getuid!() });
  console.log(`the file has mode ${(statSync(path).mode & 0o777).toString(8)}`);

  let onRefused = () => {};
  const refused = new Promise<void>((resolve) => onRefused = resolve);
  pull.onPipe(({ type, pipe, refuse }) => {
    if (type === "adding" && pull.pipes.length > 0) refuse();
    if (type === "added") {
      console.log(`connected: a process of ${pipe.credentials!.uid === process.getuid!() ? "ours" : "others"}`);
    }
  });
  pull.onFailure(({ error }) => {
    if (error.code === "STATE") onRefused();
  });

  await using push = new Push();
  await push.dial(`ipc://${path}`);
  await push.send("work");
  console.log(`received: ${(await pull.receive()).text()}`);

  await using second = new Push();
  await second.dial(`ipc://${path}`, { wait: false });
  await refused;
  console.log("a second one: refused");
} finally {
  rmSync(folder, { recursive: true, force: true });
}

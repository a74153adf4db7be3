import assert from "node:assert/strict";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { test } from "../../support/harness.ts";
import { Child } from "./child.ts";

const ECHO = fileURLToPath(new URL("programs/echo.ts", import.meta.url));
// One that is not about sockets: a Deno that is spawned without any is given all.
const PERMISSIONS = ["--no-prompt", "--allow-sys"];

const ENDS = [
  ["listen", "tcp://127.0.0.1:0"],
  ["listen", "tcp://[::1]:0"],
  ["listen", "ipc:///tmp/sockeye-never.ipc"],
  ["dial", "tcp://127.0.0.1:1"],
  ["dial", "ipc:///tmp/sockeye-never.ipc"],
];

for (const [role, url] of ENDS) {
  test(`without permissions the error of ${role} ${url} can be caught, and says what to permit`, async () => {
    const child = new Child(process.execPath, ["run", "--no-check", ...PERMISSIONS, ECHO, role, url]);

    assert.match(await child.output, /^failed: UNSUPPORTED .*--allow-(net|read) flag; or with --allow-ffi/);
  });
}

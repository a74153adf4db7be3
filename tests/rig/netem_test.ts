// Links with netem: on this kernel if it has netem, else in a guest, whose kernel has it.

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { test } from "../support/harness.ts";
import { netemAvailable, netnsUnavailable } from "../support/netns/topology.ts";
import { ensureRig } from "../support/rig/ensure_rig.ts";
import { runInRig } from "../support/rig/rig.ts";

if (netnsUnavailable() === undefined && netemAvailable()) {
  await import("./netem_cases.ts");
} else {
  const guest = ensureRig({ hostKernel: false });
  const skip = guest.kernel === "none" && guest.reason;

  test("links with netem, in a guest", async () => {
    const { code, stdout } = await runInRig({
      command: "deno",
      args: ["test", "-A", "--no-check", fileURLToPath(new URL("./netem_cases.ts", import.meta.url))],
      env: { NO_COLOR: "1" },
      stdout: "piped",
      kernel: "guest",
    });

    const report = new TextDecoder().decode(stdout);
    assert.equal(code, 0, report);
    assert.match(report, /duplicated packets arrive twice \.\.\. ok/);
  }, { skip });
}

// What holds for a command in the rig, whichever kernel runs it: this machine's or a guest's.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, realpathSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setImmediate } from "node:timers/promises";
import { test } from "../support/harness.ts";
import { ensureRig } from "../support/rig/ensure_rig.ts";
import { type RigCommand, runInRig, startInRig } from "../support/rig/rig.ts";
import { guestsOf, isMounted, processesNaming } from "./leftovers.ts";

const guest = ensureRig({ hostKernel: false });

for (const kernel of ["host", "guest"] as const) {
  const skip = kernel === "guest" && guest.kernel === "none" && guest.reason;
  const claim = (name: string, fn: () => Promise<void>) => test(`${kernel}: ${name}`, fn, { skip });

  const run = (script: string, options: Partial<RigCommand> = {}) =>
    runInRig({
      command: "bash",
      stdout: "piped",
      stderr: "piped",
      kernel,
      ...options,
      args: ["-c", script, ...options.args ?? []],
    });

  claim("arguments, variables and the working directory reach the command as they are", async () => {
    const odd = ["a b", "", "'\"$x\\", "two\nlines", "\t é 🐟 \x7f\x01", "-n", "*"];
    const large = "x".repeat(100_000);
    const folder = realpathSync(mkdtempSync(join(tmpdir(), "sockeye odd ' folder ")));
    try {
      const { stdout } = await run(`printf '%s\\0' "$PWD" "$ODD" "$LARGE" "$@"`, {
        args: ["bash", ...odd],
        env: { ODD: odd.join("|"), LARGE: large },
        cwd: folder,
      });

      assert.deepEqual(text(stdout).split("\0"), [folder, odd.join("|"), large, ...odd, ""]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  claim("standard output and error arrive apart, whole and unchanged, also at a slow reader", async () => {
    const bytes = randomBytes(2_000_000);
    const folder = mkdtempSync(join(tmpdir(), "sockeye-"));
    const output = createHash("sha256");
    try {
      await Deno.writeFile(join(folder, "bytes"), bytes);
      const { code, stderr } = await run(`cat bytes; cat bytes >&2; exit 7`, {
        cwd: folder,
        stdout: async (chunk) => {
          output.update(chunk);
          await setImmediate();
        },
      });

      assert.equal(code, 7);
      assert.equal(output.digest("hex"), createHash("sha256").update(bytes).digest("hex"));
      assert(bytes.equals(stderr));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  claim("standard input reaches the command unchanged, and ends", async () => {
    const bytes = randomBytes(100_000);

    const { stdout } = await run("cat", { stdin: bytes });

    assert(bytes.equals(stdout));
  });

  claim("a command that reads nothing is not held up by its input", async () => {
    const { code } = await run("exec 0<&-; echo done", { stdin: new Uint8Array(1_000_000) });

    assert.equal(code, 0);
  });

  claim("without input, standard input has ended", async () => {
    const { stdout } = await run("cat; echo end");

    assert.equal(text(stdout), "end\n");
  });

  claim("input and output flow while the command runs", async () => {
    const asked = Promise.withResolvers<void>();
    async function* answers() {
      await asked.promise;
      yield new TextEncoder().encode("Chinook\n");
    }
    let output = "";

    await run(`echo "Which salmon?"; read answer; echo "$answer it is"`, {
      stdin: answers(),
      stdout: (chunk) => {
        output += text(chunk);
        if (output.includes("?")) asked.resolve();
      },
    });

    assert.equal(output, "Which salmon?\nChinook it is\n");
  });

  claim("death by a signal is status 128 and its number", async () => {
    const { code } = await run("kill -TERM $$");

    assert.equal(code, 143);
  });

  claim("a missing command is status 127, and named", async () => {
    const { code, stderr } = await runInRig({ command: "no-such-salmon", stderr: "piped", kernel });

    assert.equal(code, 127);
    assert.match(text(stderr), /no-such-salmon/);
  });

  claim("a signal reaches the command, which ends as it likes", async () => {
    let output = "";
    const started = startInRig({
      command: "bash",
      args: ["-c", `trap 'echo interrupted; exit 5' INT; echo ready; sleep 1000 & wait`],
      kernel,
      stdout: (chunk) => {
        output += text(chunk);
        if (text(chunk).includes("ready")) started.kill("SIGINT");
      },
    });

    const { code } = await started.result;

    assert.equal(output, "ready\ninterrupted\n");
    assert.equal(code, 5);
  });

  claim("the time limit ends everything, and nothing is left", async () => {
    const mark = uniqueSleep();
    const folder = mkdtempSync(join(tmpdir(), "sockeye-"));
    const mount = kernel === "guest" ? `mount -t tmpfs none ${folder}` : "true";

    const { code, timedOut } = await run(`${mount}; trap '' INT TERM HUP; (setsid sleep ${mark} &); sleep ${mark}`, {
      timeoutMs: kernel === "guest" ? 3_000 : 300,
    });

    assert.deepEqual({ code, timedOut }, { code: 124, timedOut: true });
    assert.deepEqual([...guestsOf(process.pid), ...processesNaming(mark)], []);
    assert.equal(isMounted(folder), false);
    rmdirSync(folder);
  });

  claim("an abort ends everything, and rejects with its reason", async () => {
    const mark = uniqueSleep();
    const abort = new AbortController();
    const reason = new Error("enough");

    const result = run(`echo ready; sleep ${mark}`, { signal: abort.signal, stdout: () => abort.abort(reason) });

    await assert.rejects(result, reason);
    assert.deepEqual([...guestsOf(process.pid), ...processesNaming(mark)], []);
  });

  claim("what a command leaves running ends with it", async () => {
    const mark = uniqueSleep();

    const { code, stdout } = await run(`sleep ${mark} & (setsid sleep ${mark} &); echo done`);

    assert.equal(code, 0);
    assert.equal(text(stdout), "done\n");
    assert.deepEqual([...guestsOf(process.pid), ...processesNaming(mark)], []);
  });

  claim("an error of whoever takes the output ends everything, and is reported", async () => {
    const reason = new Error("the disk is full");

    const result = run("yes", {
      stdout: () => {
        throw reason;
      },
    });

    await assert.rejects(result, reason);
    assert.deepEqual(guestsOf(process.pid), []);
  });
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** A duration that no other process sleeps, in seconds. */
function uniqueSleep(): string {
  return `1000.${randomBytes(4).readUInt32LE()}`;
}

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "../support/harness.ts";

const TRACE = new URL("../../qos/trace/trace.ts", import.meta.url);
const PROGRAM = `
  import { trace } from ${JSON.stringify(TRACE.href)};
  for (const method of ["icmp", "tcp", "udp"]) {
    try {
      for await (const event of trace("127.0.0.1", { method })) if (event.type === "reached") console.log(method);
    } catch (error) {
      console.log(method, error.name, error.message);
    }
  }
`;
const hasSetpriv = spawnSync("setpriv", ["--version"]).status === 0;

test("without the privilege for raw sockets UDP works, and for the others the error says so", () => {
  const privileges = ["--bounding-set=-net_raw", "--inh-caps=-net_raw"];
  const command = [Deno.execPath(), "eval", "--no-check", PROGRAM];

  const { stdout, stderr } = spawnSync("setpriv", [...privileges, ...command], { encoding: "utf8" });

  const [icmp, tcp, udp] = stdout.split("\n");
  for (const line of [icmp, tcp]) {
    assert.match(line, /^(icmp|tcp) UnsupportedError .*CAP_NET_RAW.*"udp", which needs no privilege/, stderr);
  }
  assert.equal(udp, "udp");
}, { skip: hasSetpriv ? undefined : "needs setpriv of util-linux" });

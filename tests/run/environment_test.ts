import assert from "node:assert/strict";
import { test } from "../support/harness.ts";
import { neutralize } from "../support/run/environment.ts";

test("whatever locale, time zone, shell and colours somebody has, stages have the same", () => {
  const environment = { PATH: "/bin", LC_ALL: "de_DE.UTF-8", TZ: "Asia/Tokyo", SHELL: "/bin/false", FORCE_COLOR: "1" };

  neutralize(environment);

  assert.deepEqual(environment, { PATH: "/bin", LC_ALL: "C.UTF-8", TZ: "UTC", SHELL: "/bin/sh", NO_COLOR: "1" });
});

test("a temporary folder is kept if its name leaves room for that of a socket", () => {
  const short = { TMPDIR: "/var/tmp" };
  const long = { TMPDIR: `/${"long/".repeat(20)}` };

  neutralize(short);
  neutralize(long);

  assert.deepEqual([short.TMPDIR, long.TMPDIR], ["/var/tmp", "/tmp"]);
});

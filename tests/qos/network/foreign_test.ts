// What Debian's programs print about a path.

import assert from "node:assert/strict";
import { test } from "../../support/harness.ts";
import { parseTracepath, parseTraceroute } from "./foreign.ts";

test("what traceroute prints is read as it is meant", () => {
  const { hops, mtu } = parseTraceroute(
    [
      "traceroute to 10.78.9.2 (10.78.9.2), 30 hops max, 65000 byte packets",
      " 1  10.78.1.2  0.033 ms F=1500  0.005 ms  0.007 ms",
      " 3  10.78.4.2  0.013 ms 10.78.3.2  0.009 ms *",
      " 4  * * *",
      " 6  10.78.8.2  0.020 ms F=1400 !H  0.014 ms !X  0.013 ms !3-9",
      "",
    ].join("\n"),
  );

  assert.deepEqual(hops, [
    { ttl: 1, routers: ["10.78.1.2"], unanswered: 0, annotations: [], mtu: 1500 },
    { ttl: 3, routers: ["10.78.3.2", "10.78.4.2"], unanswered: 1, annotations: [], mtu: undefined },
    { ttl: 4, routers: [], unanswered: 3, annotations: [], mtu: undefined },
    { ttl: 6, routers: ["10.78.8.2"], unanswered: 0, annotations: ["!H", "!X", "!3-9"], mtu: 1400 },
  ]);
  assert.equal(mtu, 1400);
});

test("what tracepath prints is read as it is meant", () => {
  const { hops, mtu } = parseTracepath(
    [
      " 1?: [LOCALHOST]                        0.021ms pmtu 1500",
      " 1:  fd78:1::2                                             0.107ms ",
      " 1:  fd78:1::2                                             0.015ms ",
      " 4:  no reply",
      " 6:  fd78:7::2                                             0.027ms pmtu 1400",
      " 6:  fd78:8::2                                             0.030ms reached",
      "     Resume: pmtu 1400 hops 6 back 6 ",
      "",
    ].join("\n"),
  );

  assert.deepEqual(hops, [
    { ttl: 1, routers: ["fd78:1::2"], unanswered: 0, annotations: [], mtu: undefined },
    { ttl: 4, routers: [], unanswered: 1, annotations: [], mtu: undefined },
    { ttl: 6, routers: ["fd78:8::2"], unanswered: 0, annotations: [], mtu: 1400 },
  ]);
  assert.equal(mtu, 1400);
});

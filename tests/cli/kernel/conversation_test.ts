/** `sockeye sctp listen` and `sockeye sctp connect` against each other. @module */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "../../support/harness.ts";
import { objects, type Outcome, type Program, runSockeye, startSockeye } from "../sockeye.ts";

const STYLES = ["one-to-many", "one-to-one"];

/** Starts a server, and gives it with its URL once it listens. */
async function listen(...words: string[]): Promise<{ server: Program; url: string }> {
  const url = words[0]?.startsWith("sctp://") ? [] : ["sctp://127.0.0.1:0"];
  const server = startSockeye(["sctp", "listen", ...url, ...words, "--json"]);
  const [, address] = await server.line(/"type":"listening","address":"([^"]+)"/);
  return { server, url: address };
}

function connect(url: string, ...words: string[]): Outcome {
  return runSockeye(["sctp", "connect", url, ...words, "--json"]);
}

function messages({ stdout }: Outcome): Record<string, unknown>[] {
  return objects(stdout).filter(({ type }) => type === "message");
}

function notifications({ stdout }: Outcome): unknown[] {
  return objects(stdout).filter(({ type }) => type === "notification").map(({ event, state }) => state ?? event);
}

for (const listenStyle of STYLES) {
  for (const connectStyle of STYLES) {
    test(`an echo comes back as it went, from ${listenStyle} to ${connectStyle}`, async () => {
      const { server, url } = await listen("--echo", "--style", listenStyle);
      await using _ = server;
      const words = [
        "--data",
        "grüße",
        "--stream",
        "3",
        "--ppid",
        "101",
        "--unordered",
        "--count",
        "2",
        "--receive",
        "2",
      ];

      const client = connect(url, ...words, "--style", connectStyle);

      equal(client.status, 0, client.stderr);
      equal(messages(client).length, 2);
      for (const { type, stream, ppid, data, from, unordered, length } of messages(client)) {
        deepEqual({ type, stream, ppid, data, from, unordered, length }, {
          type: "message",
          stream: 3,
          ppid: 101,
          data: "grüße",
          from: url,
          unordered: true,
          length: 7,
        });
      }
      const [connected] = objects(client.stdout);
      equal(connected.type, "connected");
      equal(connected.peer, url);
      deepEqual(objects(client.stdout).at(-1), { type: "end", sent: 2, received: 2 });

      server.kill("SIGTERM");
      const served = await server.ended;
      equal(served.status, 0, served.stderr);
      deepEqual(messages(served).map(({ from, stream, ppid }) => [from, stream, ppid]), [
        [connected.local, 3, 101],
        [connected.local, 3, 101],
      ]);
    });
  }
}

test("ordered messages of a stream have their sequence numbers", async () => {
  const { server, url } = await listen("--count", "3");
  await using _ = server;

  equal(connect(url, "--data", "x", "--count", "3", "--stream", "9").status, 0);

  deepEqual(messages(await server.ended).map(({ ssn, unordered }) => [ssn, unordered]), [[0, false], [1, false], [
    2,
    false,
  ]]);
});

for (const style of STYLES) {
  test(`the notifications of a ${style} association tell of its beginning and its end`, async () => {
    const { server, url } = await listen("--events", "--style", style);
    await using _ = server;

    const client = connect(url, "--data", "x", "--events", "--style", style);
    await server.line(/shutdown-complete/);
    server.kill("SIGINT");

    for (const outcome of [client, await server.ended]) {
      equal(outcome.status, 0, outcome.stderr);
      const told = notifications(outcome);
      ok(told.indexOf("comm-up") >= 0, `${told}`);
      ok(told.indexOf("shutdown-complete") > told.indexOf("comm-up"), `${told}`);
    }
  });
}

test("without --events only messages are told", async () => {
  const { server, url } = await listen("--count", "1");
  await using _ = server;

  const client = connect(url, "--data", "x");

  deepEqual(notifications(client), []);
  deepEqual(notifications(await server.ended), []);
});

test("people read the message with its metadata in one line", async () => {
  await using server = startSockeye(["sctp", "listen", "sctp://127.0.0.1:0", "--count", "1"]);
  const [, url] = await server.line(/^listening on (sctp:.*)$/);

  const { stdout } = runSockeye(["sctp", "connect", url, "--data", "a\x1b[2J", "--stream", "2", "--ppid", "7"]);

  match(stdout, /^connected to sctp:\/\/127\.0\.0\.1:\d+ from sctp:.*streams out/);
  match(stdout, /\nsent 1, received 0\n$/);
  match(
    (await server.ended).stdout,
    /\nmessage +stream 2 {2}ppid 7 {2}ssn 0 {2}tsn \d+ {2}from sctp:\/\/127\.0\.0\.1:\d+ {2}"a\\u\{1b\}\[2J"\n$/,
  );
});

test("bytes that are no text are told in hexadecimal, and a file is one message", async () => {
  const file = join(tmpdir(), `sockeye-${crypto.randomUUID()}`);
  const bytes = Uint8Array.from({ length: 70_000 }, (_, index) => index % 251);
  writeFileSync(file, bytes);
  try {
    const { server, url } = await listen("--count", "1");
    await using _ = server;

    equal(connect(url, "--file", file).status, 0);

    const [{ dataHex, data, length }] = messages(await server.ended);
    equal(data, undefined);
    equal(length, bytes.length);
    equal(dataHex, readFileSync(file, "hex"));
  } finally {
    rmSync(file);
  }
});

test("with --hex data is given and printed in hexadecimal", async () => {
  const { server, url } = await listen("--echo", "--hex");
  await using _ = server;

  const client = connect(url, "--hex", "--data", "68:69", "--receive", "1");

  equal(messages(client)[0].dataHex, "6869");
});

test("each line of standard input is a message, until its end", async () => {
  const { server, url } = await listen("--echo");
  await using _ = server;
  await using client = startSockeye(["sctp", "connect", url, "--json"], { stdin: true });

  client.write("one\n");
  await client.line(/"data":"one"/);
  client.write("two\n\nthree");
  await client.line(/"data":"two"/);
  client.closeInput();
  await server.line(/"data":"three"/);

  equal((await client.ended).status, 0);
  deepEqual(objects((await client.ended).stdout).at(-1)!.sent, 3);
});

test("both ends of a multi-homed association know all addresses", async () => {
  const { server, url } = await listen("sctp://127.0.0.1,127.0.0.2:0", "--echo");
  await using _ = server;
  match(url, /^sctp:\/\/127\.0\.0\.1,127\.0\.0\.2:\d+$/);

  const client = connect(url, "--bind", "sctp://127.0.0.3,127.0.0.4:0", "--data", "x", "--receive", "1");

  const [connected] = objects(client.stdout);
  equal(connected.peer, url);
  match(connected.local as string, /^sctp:\/\/127\.0\.0\.3,127\.0\.0\.4:\d+$/);
});

test("IPv6 and host names lead to the peer", async () => {
  const { server, url } = await listen("sctp://[::1],127.0.0.1:0", "--echo");
  await using _ = server;
  const port = url.slice(url.lastIndexOf(":"));

  for (const host of ["[::1]", "localhost"]) {
    const client = connect(`sctp://${host}${port}`, "--data", host, "--receive", "1");

    equal(client.status, 0, client.stderr);
    equal(messages(client)[0].data, host);
  }
});

test("a stream that only one side has can't echo, which is told, and the server goes on", async () => {
  const { server, url } = await listen("--echo", "--streams", "2");
  await using _ = server;
  await using client = startSockeye(["sctp", "connect", url, "--stream", "5"], { stdin: true });

  client.write("x\n");
  const [complaint] = await server.line(/^sockeye: no echo .*/);
  match(complaint, /no echo to 127\.0\.0\.1 on stream 5: .*raise --streams/);

  equal(connect(url, "--data", "x", "--stream", "1", "--receive", "1").status, 0);
});

test("nobody listens: one line, and a failure", () => {
  const { status, stdout, stderr } = connect("sctp://127.0.0.1:9", "--data", "x");

  equal(status, 1);
  equal(stdout, "");
  match(stderr, /^sockeye: connect sctp:\/\/127\.0\.0\.1:9: the peer refused[^\n]*\n$/);
});

test("a port that is taken: one line, and a failure", async () => {
  const { server, url } = await listen();
  await using _ = server;

  const { status, stderr } = runSockeye(["sctp", "listen", url]);

  equal(status, 1);
  match(stderr, /^sockeye: [^\n]*\n$/);
  match(stderr, /in use/);
});

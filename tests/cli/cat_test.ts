/** The parts of `sockeye cat` that need no peer; what nngcat does itself is in `cat_stand_in_test.ts`. */

import { deepEqual, equal, rejects, throws } from "node:assert/strict";
import { bytesOf, byteTexts } from "../../cli/cat/byte_text.ts";
import { CatFailure } from "../../cli/cat/failure.ts";
import { type Format, formatMessage } from "../../cli/cat/format.ts";
import { readSettings, type Settings } from "../../cli/cat/settings.ts";
import { type Found, scan } from "../../cli/cat/spellings.ts";
import { test } from "../support/harness.ts";
import { runSockeye, startSockeye } from "./sockeye.ts";

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

/** What nngcat 1.5.2 prints for these bytes: a"\ and a line feed, a return, a tab, 00 01 7f 80 ff 0b 1b ~ space c3 a9. */
const SAMPLE = bytesOf('a"\\\n\r\t\x00\x01\x7f\x80\xff\x0b\x1b~ \xc3\xa9');
const PRINTED: Record<Format, string> = {
  no: "",
  raw: latin1(SAMPLE),
  ascii: 'a"\\..........~ ..',
  quoted: '"a\\"\\\\\\n\\r\\t\\x00\\x01\\x7f\\x80\\xff\\x0b\\x1b~ \\xc3\\xa9"\n',
  hex: '"\\x61\\x22\\x5c\\x0a\\x0d\\x09\\x00\\x01\\x7f\\x80\\xff\\x0b\\x1b\\x7e\\x20\\xc3\\xa9"\n',
  msgpack: "\xc4\x11" + latin1(SAMPLE),
};

for (const [format, printed] of Object.entries(PRINTED) as [Format, string][]) {
  test(`the format ${format} is nngcat's`, () => {
    equal(formatMessage(SAMPLE, format).map(latin1).join(""), printed);
  });
}

test("an option may be cut short where that leaves one, and has its value in one of three places", () => {
  const words = ["--req", "--sub", "--pair", "--coun=1", "--dat:x=y", "--conn", "-", "-C1", "-C", "2", "-q"];
  // "--conn" leaves two: a connection, and one to an IPC path or a local port.
  throws(
    () => [...scan(words)],
    (error: Error) => error instanceof CatFailure && /--conn is ambiguous/.test(error.message),
  );
  deepEqual([...scan(words.with(5, "--connect"))].map(({ meaning, value }: Found) => [meaning, value]), [
    ["req", ""],
    ["sub", ""],
    ["pair", ""],
    ["count", "1"],
    ["data", "x=y"],
    ["dial", "-"],
    ["count", "1"],
    ["count", "2"],
    ["silent", ""],
  ]);
});

test("what follows the first word that is no option is not looked at", () => {
  deepEqual([...scan(["--raw", "word", "--nonsense"])], [{ meaning: "raw", value: "" }]);
  deepEqual([...scan(["-", "--nonsense"])], []);
});

async function settings(...words: string[]): Promise<Settings> {
  return await readSettings(words, (path) => Promise.resolve(bytesOf(`of ${path}`))) as Settings;
}

test("nanocat's spellings of addresses are taken", async () => {
  const { ends } = await settings(
    ...["--pull", "-X", "tmp/a", "-x/tmp/b", "-L", "5000", "-l5001", "--bind=inproc://c", "--connect", "ipc://d"],
  );

  deepEqual(ends, [
    { role: "listen", url: "ipc:///tmp/a" },
    { role: "dial", url: "ipc:////tmp/b" },
    { role: "listen", url: "tcp://127.0.0.1:5000" },
    { role: "dial", url: "tcp://127.0.0.1:5001" },
    { role: "listen", url: "inproc://c" },
    { role: "dial", url: "ipc://d" },
  ]);
});

test("--pair is version 1, and version 0 with --compat, which dials in the background", async () => {
  const modern = await settings("--pair", "--dial", "inproc://a");
  const compatible = await settings("--pair", "--compat", "--dial", "inproc://a");

  deepEqual([modern.pattern, modern.background], ["pair1", false]);
  deepEqual([compatible.pattern, compatible.background], ["pair0", true]);
});

test("times are seconds, or parts of them; a timeout of 0 is none", async () => {
  const { delayMs, intervalMs, sendTimeoutMs, receiveTimeoutMs } = await settings(
    ...["--req", "--dial", "inproc://a", "-D", "x", "-d", "2", "-i.25", "--send-timeout=1.5", "--recv-timeout", "0"],
  );

  deepEqual([delayMs, intervalMs, sendTimeoutMs, receiveTimeoutMs], [2_000, 250, 1_500, undefined]);
});

test("SUB is for everything unless it is for topics, which are bytes", async () => {
  const all = await settings("--sub", "--dial", "inproc://a");
  const some = await settings("--sub", "--dial", "inproc://a", "--subscribe", "\xff", "--subscribe=b");

  deepEqual(all.topics, [new Uint8Array(0)]);
  deepEqual(some.topics, [Uint8Array.of(0xff), Uint8Array.of(0x62)]);
});

test("data is that of a file where a file is given", async () => {
  const { data } = await settings("--push", "--dial", "inproc://a", "--file", "-");

  deepEqual(data, bytesOf("of -"));
  await rejects(settings("--push", "--dial", "inproc://a", "--file", "-", "-D", "x"), /may be specified only once/);
});

test("words that are no UTF-8 are looked up, if the record is of these words", () => {
  const record = () => bytesOf("deno\0main.ts\0cat\0-D\0\xff\xc3\xbc\0");

  deepEqual(byteTexts(["-D", "\ufffdü"], record), ["-D", "\xff\xc3\xbc"]);
  deepEqual(byteTexts(["other", "\ufffdü"], record), ["other", "\xef\xbf\xbd\xc3\xbc"]);
  deepEqual(
    byteTexts(["-D", "ü"], () => {
      throw new Error("nobody asks");
    }),
    ["-D", "\xc3\xbc"],
  );
});

test("a request is answered, and either end ends by itself", async () => {
  await using server = startSockeye(["cat", "--rep", "--listen", "tcp://127.0.0.1:0", "-v", "-D", "42", "-Q", "-C1"]);
  const [, url] = await server.line(/^Listening at: (.*)$/);

  const client = runSockeye(["cat", "--req", "--dial", url, "-D", 'what "is" it?', "-Q"]);

  deepEqual(client, { status: 0, stdout: '"42"\n', stderr: "" });
  deepEqual(await server.ended, { status: 0, stdout: `Listening at: ${url}\n"what \\"is\\" it?"\n`, stderr: "" });
});

test("a signal ends it as it ends any program, and its socket file is removed", async () => {
  const folder = Deno.makeTempDirSync();
  try {
    await using server = startSockeye(["cat", "--pull", "--listen", `ipc://${folder}/socket`, "-v"]);
    await server.line(/^Listening at/);

    server.kill("SIGTERM");

    const { status, stderr } = await server.ended;
    deepEqual([status, stderr], [null, ""]);
    deepEqual([...Deno.readDirSync(folder)], []);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

test("a file that is no socket is never replaced", () => {
  const folder = Deno.makeTempDirSync();
  try {
    Deno.writeTextFileSync(`${folder}/precious`, "kept");

    const { status, stderr } = runSockeye(["cat", "--pull", "--listen", `ipc://${folder}/precious`]);

    deepEqual([status, stderr], [1, `Unable to listen on ipc://${folder}/precious: Address in use\n`]);
    equal(Deno.readTextFileSync(`${folder}/precious`), "kept");
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

/** `sockeye cat` beside nngcat: the same words, the same bytes, the same statuses, in either place of a conversation. */

import { Push } from "@sockeye/sockeye/sp";
import { deepEqual, equal } from "node:assert/strict";
import { byteTexts } from "../../cli/cat/byte_text.ts";
import { CatFailure } from "../../cli/cat/failure.ts";
import { readSettings } from "../../cli/cat/settings.ts";
import { readWhole } from "../../cli/cat/standard_streams.ts";
import { test } from "../support/harness.ts";
import { CATS, Folder, nngcatMissing, run } from "./nngcat.ts";

const skip = nngcatMissing();

/** Words that are wrong. None of them gets as far as to dial or listen. */
const MISTAKES: readonly string[][] = [
  [],
  ["--req"],
  ["--foo"],
  ["--foo=bar"],
  ["--re"],
  ["--rec"],
  ["--conn"],
  ["--connect-"],
  ["--bind-", "x"],
  ["--v"],
  ["--s"],
  ["--pu"],
  ["--pai"],
  ["--REQ"],
  ["--=x"],
  ["--"],
  ["-z"],
  ["-Ax"],
  ["--verbose=x"],
  ["--dial"],
  ["-D"],
  ["word", "--dial", "x"],
  ["-", "--dial", "x"],
  ["--pull", "--push"],
  ["--hex", "--raw"],
  ["--hex", "--format", "raw"],
  ["--format", "foo"],
  ["--format", "RAW"],
  ["--format="],
  ["-Q", "-Q"],
  ["-C", "x"],
  ["-C", ""],
  ["-C", "-1"],
  ["-C", "+1"],
  ["-C", " 1"],
  ["-C", "2147483648"],
  ["-Z2147483648"],
  ["-d", "86401"],
  ["--recv-timeout", "x"],
  ["--send-timeout="],
  ["--receive-timeout", "1"],
  ["-L", "65537"],
  ["--bind-local", "70000"],
  ["-F", "/nonexistent"],
  ["-F", "/"],
  ["--cacert", "/nonexistent"],
  ["-E", "/nonexistent"],
  ["--key", "/nonexistent"],
  ["--cacert", "/dev/null", "--cacert=/dev/null"],
  ["--cert", "/dev/null", "-E", "/dev/null"],
  ["--key", "/dev/null", "--key", "/dev/null"],
  ["--insecure=x"],
  ["--zt-home"],
  ["--zt-home", "/nonexistent"],
  ["-D", "a", "-D", "b"],
  ["-D", "a", "-F", "b"],
  ["--dial", "inproc://x"],
  ["--req", "--dial", "inproc://x"],
  ["--pull", "-D", "a", "--dial", "inproc://x"],
  ["--push", "--dial", "inproc://x"],
  ["--push", "--dial", "inproc://x", "-D", "a", "--hex"],
  ["--rep", "-i", "1", "--dial", "inproc://x"],
  ["--sub", "-i1", "--dial", "inproc://x"],
  ["--pair1", "-i1", "--dial", "inproc://x"],
  ["--pair1", "--compat", "--dial", "inproc://x"],
  ["--compat", "--async", "--dial", "inproc://x"],
  ["--compat", "-C3", "--dial", "inproc://x"],
  ["--pull", "--subscribe", "x", "--dial", "inproc://x"],
];

test("what is wrong with a command line is told in nngcat's words", async () => {
  for (const words of MISTAKES) {
    const theirs = await run([...CATS.nngcat, ...words]);

    equal(await complaintAbout(words), theirs.stderr, words.join(" "));
    deepEqual([theirs.status, theirs.stdout], [1, ""]);
  }
}, { skip });

async function complaintAbout(words: readonly string[]): Promise<string> {
  try {
    await readSettings(byteTexts(words), readWhole);
    return "";
  } catch (error) {
    if (!(error instanceof CatFailure)) throw error;
    return `${error.message}\n`;
  }
}

const ALL_BYTES = Uint8Array.from({ length: 256 }, (_, byte) => byte);

/** Messages at which formats may go wrong. */
const MESSAGES: readonly Uint8Array[] = [
  new TextEncoder().encode("plain"),
  new Uint8Array(0),
  new TextEncoder().encode('"quoted" \\ back\nslash\r\ttab, grüße, %s \\x41 ~'),
  ALL_BYTES,
  ALL_BYTES.subarray(0, 255),
  new Uint8Array(65_535).fill(0x7f),
  new Uint8Array(65_536).fill(0x80),
];

const FORMATS = [
  ["--raw"],
  ["--ascii"],
  ["-A"],
  ["--quoted"],
  ["-Q"],
  ["--hex"],
  ["--msgpack"],
  ["--format=no"],
  ["--format:raw"],
  ["--format", "msgpack"],
  [],
];

for (const format of FORMATS) {
  test(`messages are printed byte for byte as by nngcat ${format.join(" ") || "without a format"}`, async () => {
    const [theirs, ours] = await Promise.all([CATS.nngcat, CATS.sockeye].map(async (cat) => {
      using folder = new Folder();
      await using push = new Push();
      const url = folder.url("messages");
      await push.listen(url);
      const ended = run([...cat, "--pull", "--dial", url, "--count", String(MESSAGES.length), ...format]);
      for (const message of MESSAGES) await push.send(message);
      return await ended;
    }));

    deepEqual(ours, theirs);
    deepEqual([ours.status, ours.stderr], [0, ""]);
  }, { skip });
}

/**
 * Scripts, as people have them; `$SERVER` and `$CLIENT` are either program. Clients dial in the background, or wait by `up`
 * until their server is there.
 */
const SCRIPTS: Record<string, string> = {
  "a question and its answer": `
    $SERVER --rep --listen $URL --data 42 --quoted --count 1 > served & server=$!
    $CLIENT --req --async --dial $URL -D 'what is the answer?' -Q
    echo "client $?"; wait $server; echo "server $?"; cat served`,
  "questions at intervals, answered in hexadecimal": `
    $SERVER --rep0 --bind=$URL -D yes --hex -C2 > served &
    up; $CLIENT --req0 --connect:$URL -D "sure?" --format hex -C 2 -i 1; echo $?; wait; cat served`,
  "requests that are printed, and not answered": `
    $SERVER --rep --listen $URL -Q -C 1 > served &
    $CLIENT --req --async --dial $URL -D anybody --recv-timeout 1 -Q; echo $?; wait; cat served`,
  "jobs one by one, with bytes that are no text": `
    $SERVER --pull --listen $URL -C 4 --quoted > served & server=$!
    for job in one two 'three "3"' "$(printf '\\377\\001\\303\\274')"; do $CLIENT --push --async --dial $URL --data "$job"; echo $?; done
    wait $server; echo "server $?"; cat served`,
  "a file and standard input": `
    printf 'from\\000file\\n' > file
    $SERVER --pull --listen $URL -C 2 --hex > served &
    $CLIENT --push --async --dial $URL --file file
    printf 'from stdin\\nin lines\\n' | $CLIENT --push --async --dial $URL -F -
    wait; cat served`,
  "news on a topic": `
    $SERVER --sub --listen $URL --subscribe sport --subscribe=wea -Q -C 2 > served &
    up; $CLIENT --pub --dial $URL -D 'weather sunny' --delay 1 -C 2; echo $?
    wait; cat served`,
  "news on another topic, until nothing comes": `
    $SERVER --sub --listen $URL --subscribe x -Q --recv-timeout 3 > served & server=$!
    up; $CLIENT --pub --dial $URL -D 'weather sunny'; wait $server; echo "server $?"; cat served`,
  "a survey": `
    $SERVER --respondent --listen $URL -D here -A -C 1 > served &
    up; $CLIENT --surveyor --dial $URL -D 'who?' -Q; echo $?; wait; cat served`,
  "a pair, both of whom speak": `
    $SERVER --pair1 --listen $URL -D listener -Q --recv-timeout 3 > served & server=$!
    up; $CLIENT --pair1 --dial $URL -D dialer -Q --recv-timeout 3; echo $?; wait $server; echo $?; cat served`,
  "a pair of version 0 at intervals": `
    $SERVER --pair0 --listen $URL --msgpack -C 2 > served &
    up; $CLIENT --pair0 --dial $URL -D tick -i 1 -C 2; echo $?; wait; cat served`,
  "a bus": `
    $SERVER --bus --listen $URL -Q --recv-timeout 4 > served &
    up; $CLIENT --bus --compat --dial $URL -D hop --delay 1 --recv-timeout 1 --raw; echo $?; wait; cat served`,
  "nobody there": `
    $SERVER --pull --listen $URL --recv-timeout 1; echo $?
    $SERVER --push --listen $URL -D x --send-timeout 1; echo $?
    $CLIENT --push --async --dial $URL -D x --send-timeout 1; echo $?
    $CLIENT --req --dial $URL.nobody -D x; echo $?
    $SERVER --rep --listen $URL -D x --recv-timeout 1; echo $?
    $SERVER --surveyor --listen $URL -D x -Q; echo $?`,
  "a message that is too large": `
    head -c 2000 /dev/zero > large
    $SERVER --pull --listen $URL --recv-maxsz 1000 -C 1 --hex > served &
    $CLIENT --push --async --dial $URL -F large; echo $?
    $CLIENT --push --async --dial $URL -D fits; echo $?; wait; cat served`,
  "every byte there is, through standard input, and nothing at all": `
    awk 'BEGIN { for (i = 0; i < 256; i++) printf "%c", i }' > bytes; LC_ALL=C awk 'BEGIN { printf "" }' > nothing
    $SERVER --pull --listen $URL -C 4 --quoted > served &
    $CLIENT --push --async --dial $URL -F - < bytes; echo $?
    $CLIENT --push --async --dial $URL --file nothing; echo $?
    $CLIENT --push --async --dial $URL -D ''; echo $?
    $CLIENT --push --async --dial $URL --file - < /dev/null; echo $?; wait; cat served`,
  "a count without an interval": `
    $SERVER --pull --listen $URL -C 5 -Q > served &
    up; $CLIENT --push --dial $URL -D again --count 5; echo $?; wait; cat served`,
  "two servers, to one of which each job goes": `
    $SERVER --pull --listen $URL.a -C 1 -Q > a & $SERVER --pull --bind=$URL.b -C 1 -Q > b &
    until [ -S socket.a ] && [ -S socket.b ]; do sleep 0.02; done
    $CLIENT --push --dial $URL.a --connect $URL.b -D job -C 2; echo $?; wait; cat a b`,
  "two publishers, and topics that are bytes": `
    $SERVER --sub --listen $URL --listen $URL.b --subscribe "$(printf '\\377')" --subscribe b -Q -C 2 > served &
    until [ -S socket ] && [ -S socket.b ]; do sleep 0.02; done
    $CLIENT --pub --dial $URL -D "$(printf '\\377x')"; $CLIENT --pub --dial $URL -D a; $CLIENT --pub --dial $URL.b -D bc
    wait; cat served`,
  "a path from the root, and a port": `
    path=\${URL#ipc://}
    $SERVER --pull -X $path -C 1 -A > served & up; $CLIENT --push -x$path -D short; echo $?; wait; cat served`,
  "signals": `
    for signal in INT TERM HUP; do
      env --default-signal $SERVER --pull --listen $URL & server=$!
      $CLIENT --push --async --dial $URL -D x; kill -$signal $server; wait $server; echo "$signal $?"
    done 2> /dev/null`,
  "a reader that goes away": `
    { $SERVER --pull --listen $URL --quoted; echo "server $?" > status; } | head -n 1 > served &
    for job in 1 2 3; do $CLIENT --push --async --dial $URL -D $job --send-timeout 5 || break; done 2> /dev/null
    wait; cat served status`,
  "a message of more than the mebibyte that the manual has for a limit": `
    head -c 1048577 /dev/zero > large
    $SERVER --pull --listen $URL -C 1 --raw > served & server=$!
    $CLIENT --push --async --dial $URL -F large; echo $?; wait $server; echo "server $?"; wc -c < served`,
  "an address that is taken": `
    $SERVER --pull --listen $URL & server=$!
    $CLIENT --push --async --dial $URL -D hello
    $CLIENT --pull --listen $URL; echo $?; kill $server; wait $server; echo "killed $?"`,
  "a name cut short, and verbose": `
    $SERVER --pul --list=$URL --verb --coun:1 --quo > served &
    $CLIENT --pus --asy --dia $URL --dat short -v; wait; cat served`,
};

/** Between the words of a command, as its path may hold any other character. */
const SEPARATOR = "\x1f";

/** Waits until there is a socket file. */
const UP = "up() { until [ -S socket ]; do sleep 0.02; done; }";

type CatName = keyof typeof CATS;

async function runScript(script: string, server: CatName, client: CatName) {
  using folder = new Folder();
  const { status, stdout, stderr } = await run([
    "sh",
    "-c",
    `cd ${folder.path} || exit\nIFS='${SEPARATOR}'\n${UP}\n${script}`,
  ], {
    SERVER: CATS[server].join(SEPARATOR),
    CLIENT: CATS[client].join(SEPARATOR),
    URL: folder.url("socket"),
  });
  // The folders differ, and when a shell tells of a killed job is a matter of luck.
  const anonymous = (text: string) => text.replaceAll(folder.path, "FOLDER").replace("Terminated\n", "");
  return { status, stdout: anonymous(stdout), stderr: anonymous(stderr) };
}

for (const [about, script] of Object.entries(SCRIPTS)) {
  test(`a script about ${about} does the same with sockeye cat at either end, or at both`, async () => {
    const [theirs, ...ours] = await Promise.all([
      runScript(script, "nngcat", "nngcat"),
      runScript(script, "sockeye", "nngcat"),
      runScript(script, "nngcat", "sockeye"),
      runScript(script, "sockeye", "sockeye"),
    ]);

    equal(theirs.status, 0, theirs.stderr);
    for (const outcome of ours) deepEqual(outcome, theirs);
  }, { skip });
}

/** `sockeye device` with nngcat at both ends, and what it refuses. */

import { deepEqual, equal, match } from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "../support/harness.ts";
import { Folder, nngcatMissing, run } from "./nngcat.ts";
import { objects, Program, runSockeye, startSockeye } from "./sockeye.ts";

const skip = nngcatMissing();

/** Two programs that meet at a device, and what they print. */
interface Meeting {
  option: string;
  front: string[];
  back: string[];
  frontPrints: string;
  backPrints: string;
  /** Whether who isn't there yet misses something, so that the front has to speak again. */
  isLossy?: boolean;
}

const MEETINGS: readonly Meeting[] = [
  {
    option: "--req-rep",
    front: ["--req", "-D", "question", "-Q"],
    back: ["--rep", "-D", "answer", "-Q", "-C1"],
    frontPrints: '"answer"\n',
    backPrints: '"question"\n',
  },
  {
    option: "--push-pull",
    front: ["--push", "-D", "job"],
    back: ["--pull", "-Q", "-C1"],
    frontPrints: "",
    backPrints: '"job"\n',
  },
  {
    option: "--pub-sub",
    front: ["--pub", "-D", "news"],
    back: ["--sub", "--subscribe", "ne", "-Q", "-C1"],
    frontPrints: "",
    backPrints: '"news"\n',
    isLossy: true,
  },
  {
    option: "--survey",
    front: ["--surveyor", "-D", "who?", "-Q"],
    back: ["--respondent", "-D", "here", "-Q", "-C1"],
    frontPrints: '"here"\n',
    backPrints: '"who?"\n',
    isLossy: true,
  },
  {
    option: "--bus",
    front: ["--bus", "-D", "hop", "--recv-timeout", "1"],
    back: ["--bus", "-Q", "-C1"],
    frontPrints: "",
    backPrints: '"hop"\n',
    isLossy: true,
  },
  ...["0", "1"].map((version) => ({
    option: version === "1" ? "--pair" : "--pair0",
    front: [`--pair${version}`, "-D", "there", "-Q", "--recv-timeout", "4"],
    back: [`--pair${version}`, "-D", "and back", "-Q", "--recv-timeout", "4"],
    frontPrints: '"and back"\n',
    backPrints: '"there"\n',
  })),
];

for (const meeting of MEETINGS) {
  test(`nngcat meets nngcat at a device of ${meeting.option} that listens`, async () => {
    using folder = new Folder();
    const [frontUrl, backUrl] = [folder.url("front"), folder.url("back")];
    await using device = startSockeye(["device", meeting.option, frontUrl, backUrl]);
    await device.line(/^back listens on /);

    await meet(meeting, ["--dial", frontUrl], ["--dial", backUrl]);
  }, { skip });

  test(`nngcat meets nngcat at a device of ${meeting.option} that dials`, async () => {
    using folder = new Folder();
    const [frontUrl, backUrl] = [folder.url("front"), folder.url("back")];
    await using device = startSockeye(["device", meeting.option, frontUrl, backUrl, "--dial", "both"]);
    await device.line(/^back dials /);

    // Programs that speak at once, and go, have to be found before.
    await meet(meeting, ["--listen", frontUrl, "--delay", "2"], ["--listen", backUrl, "--delay", "2"]);
  }, { skip });
}

async function meet(meeting: Meeting, toFront: string[], toBack: string[]): Promise<void> {
  const { back, front, backPrints, frontPrints, isLossy = false } = meeting;
  const listening = startNngcat([...back, ...toBack]);
  await using _ = listening;
  let isHeard = false;
  const heard = listening.ended.then((outcome) => {
    isHeard = true;
    return outcome;
  });
  let said;
  do {
    const outcome = await run(["nngcat", ...front, ...toFront]);
    // Once more may be too often, where the end of the other program is noticed late; nobody answers then.
    if (said?.stdout !== frontPrints) said = outcome;
  } while (isLossy && !isHeard);

  deepEqual([said.status, said.stdout, said.stderr], [0, frontPrints, ""]);
  deepEqual(await heard, { status: 0, stdout: backPrints, stderr: "" });
}

function startNngcat(words: string[]): Program {
  return new Program("nngcat", words);
}

test("a device of --bus with one address gives what one nngcat says to another", async () => {
  using folder = new Folder();
  const url = folder.url("bus");
  await using device = startSockeye(["device", "--bus", url]);
  await device.line(/^front listens on /);

  await meet(MEETINGS.find(({ option }) => option === "--bus")!, ["--dial", url], ["--dial", url]);
}, { skip });

for (const [option, pattern] of [["--pair", "--pair1"], ["--pair0", "--pair0"]]) {
  test(`a device of ${option} with one address gives back what nngcat says`, async () => {
    using folder = new Folder();
    const url = folder.url("mirror");
    await using device = startSockeye(["device", option, url]);
    await device.line(/^front listens on /);

    const { status, stdout } = await run(["nngcat", pattern, "--dial", url, "-D", "me", "-Q", "--recv-timeout", "4"]);

    deepEqual([status, stdout], [0, '"me"\n']);
  }, { skip });
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(`${signal} ends a device with status 0, what it counted, and without its socket files`, async () => {
    using folder = new Folder();
    await using device = startSockeye(["device", "--push-pull", folder.url("front"), folder.url("back"), "--json"]);
    await device.line(/"side":"back"/);

    device.kill(signal);

    const { status, stdout, stderr } = await device.ended;
    deepEqual([status, stderr], [0, ""]);
    deepEqual(objects(stdout).at(-1), { type: "end", fromFront: 0, fromBack: 0 });
    deepEqual(readdirSync(folder.path), []);
  });
}

for (const [limit, answer] of [["1", ""], ["2", '"got it"\n']]) {
  test(
    `behind one device another with --hop-limit ${limit} ${answer === "" ? "drops" : "forwards"} requests`,
    async () => {
      using folder = new Folder();
      const [first, middle, last] = ["first", "middle", "last"].map((name) => folder.url(name));
      await using near = startSockeye(["device", "--req-rep", first, middle]);
      await near.line(/^back listens on /);
      await using far = startSockeye(["device", "--req-rep", middle, last, "--dial", "front", "--hop-limit", limit]);
      await far.line(/^back listens on /);
      await using _ = startNngcat(["--rep", "--dial", last, "-D", "got it"]);

      const { status, stdout } = await run([
        "nngcat",
        "--req",
        "--dial",
        first,
        "-D",
        "?",
        "-Q",
        "--recv-timeout",
        "4",
      ]);

      deepEqual([status, stdout], [0, answer]);
    },
    { skip },
  );
}

/** Words that make no sense, or can't be done. */
const MISTAKES: readonly (readonly [words: readonly string[], status: number, complaint: RegExp])[] = [
  [[], 2, /FRONT/],
  [["inproc://a", "inproc://b"], 2, /give one of --req-rep, --pub-sub, --push-pull, --survey, --bus, --pair, --pair0/],
  [["--bus", "--pair", "inproc://a"], 2, /give one of/],
  [["--req-rep", "inproc://a"], 2, /BACK is missing: --req-rep needs two addresses/],
  [["--bus", "inproc://a", "inproc://b", "inproc://c"], 2, /inproc:\/\/c/],
  [["--bus", "inproc://a", "--hop-limit", "16"], 2, /--hop-limit must be an integer from 1 to 15, not "16"/],
  [["--bus", "inproc://a", "--dial", "left"], 2, /--dial must be none or front or back or both, not "left"/],
  [["--bus", "bogus://a"], 1, /bogus/],
  [["--bus", "ipc:///nonexistent/folder/socket"], 1, /ENOENT/],
  [["--bus", "inproc://a", "inproc://a"], 1, /inproc:\/\/a.*EADDRINUSE/],
];

for (const [words, expected, complaint] of MISTAKES) {
  test(`a device is refused with status ${expected}: ${words.join(" ") || "no words"}`, () => {
    const { status, stderr } = runSockeye(["device", ...words]);

    equal(status, expected);
    match(stderr, complaint);
  });
}

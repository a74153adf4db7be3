/**
 * The Scalability Protocols in one program: questions and answers, news by topic, and a survey, over unix sockets; with nngcat
 * at the other end, too, where it is installed (Debian: nng-utils).
 *
 *     deno run -A examples/sp_demo.ts
 *
 * @module
 */

import { Pub, Rep, Req, Respondent, Sub, Surveyor } from "@sockeye/sockeye/sp";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folder = mkdtempSync(join(tmpdir(), "sockeye-demo-"));
const url = (name: string) => `ipc://${join(folder, name)}`;

/** What nngcat prints, with these arguments. */
async function nngcat(...args: string[]): Promise<string> {
  const child = spawn("nngcat", args, { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text) => output += text);
  await once(child, "close");
  return output.trim();
}

async function showRequests(hasNngcat: boolean): Promise<void> {
  await using rep = new Rep();
  await rep.listen(url("double"));
  const serving = rep.serve((question) => String(2 * Number(question.text())));
  await using req = new Req();
  await req.dial(url("double"));

  const answers = await Promise.all([1, 2, 3].map((number) => req.request(String(number), { timeout: 5_000 })));
  console.log(`req:     1, 2, 3 doubled at the same time: ${answers.map((answer) => answer.text()).join(", ")}`);
  if (hasNngcat) {
    console.log(
      `req:     nngcat asks for 21, and gets ${await nngcat(
        "--req",
        "--dial",
        url("double"),
        "--data",
        "21",
        "--raw",
      )}`,
    );
  }
  await rep.close();
  await serving;
}

async function showNews(hasNngcat: boolean): Promise<void> {
  await using sub = new Sub();
  sub.subscribe("weather ");
  await sub.listen(url("news"));
  await using pub = new Pub();
  await pub.dial(url("news"));
  for (const news of ["sports 2:1", "weather sunny"]) await pub.send(news);
  console.log(`sub:     ${(await sub.receive({ timeout: 5_000 })).text()}`);
  if (!hasNngcat) return;
  await nngcat("--pub", "--dial", url("news"), "--delay", "1", "--data", "weather rain, says nngcat");
  console.log(`sub:     ${(await sub.receive({ timeout: 5_000 })).text()}`);
}

async function showSurvey(): Promise<void> {
  await using surveyor = new Surveyor();
  await surveyor.listen(url("survey"));
  const respondents = ["ann", "bob", "eve"].map((name) => {
    const respondent = new Respondent();
    return { respondent, serving: respondent.serve(() => name) };
  });
  for (const { respondent } of respondents) await respondent.dial(url("survey"));

  const names: string[] = [];
  for await (const answer of surveyor.survey("who is there?", { timeout: 5_000 })) {
    if (names.push(answer.text()) === respondents.length) break;
  }
  console.log(`survey:  ${names.sort().join(", ")} answered`);
  for (const { respondent, serving } of respondents) {
    await respondent.close();
    await serving;
  }
}

const hasNngcat = spawnSync("nngcat", ["--version"], { stdio: "ignore" }).status === 0;
try {
  await showRequests(hasNngcat);
  await showNews(hasNngcat);
  await showSurvey();
  if (!hasNngcat) console.log("nngcat:  is not installed here; Debian has it in nng-utils");
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/**
 * SURVEYOR and RESPONDENT: one question to all, and the answers that come in time.
 *
 *     deno run -A examples/sp_survey.ts
 *
 * @module
 */

import { Respondent, Surveyor } from "@sockeye/sockeye/sp";

await using surveyor = new Surveyor();
await surveyor.listen("inproc://who");

const respondents = await Promise.all(["ann", "bob", "eve"].map(async (name) => {
  const respondent = new Respondent();
  await respondent.dial("inproc://who");
  // Eve does not answer, which is no error: that survey ends at its deadline.
  void respondent.serve(() => name === "eve" ? undefined : name);
  return respondent;
}));

for await (const answer of surveyor.survey("who is there?", { timeout: 1000 })) console.log(answer.text());
console.log("time is up");
for (const respondent of respondents) await respondent.close();

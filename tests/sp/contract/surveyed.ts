/**
 * Surveys on machines that may be busy.
 *
 * @module
 */

import type { Surveyor } from "@sockeye/sockeye/sp";

/**
 * The answers to a survey, when it is over; `count` of them are sent. Where a busy machine is too slow for them to come in
 * time, the question is asked again with more of it.
 */
export async function surveyed(surveyor: Surveyor, question: string, count: number): Promise<string[]> {
  let answers: string[] = [];
  for (const timeout of [300, 3_000, 30_000]) {
    answers = [];
    for await (const answer of surveyor.survey(question, { timeout })) answers.push(answer.text());
    if (answers.length >= count) break;
  }
  return answers;
}

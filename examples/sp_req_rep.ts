/**
 * REQ and REP: three questions at a time over one connection, and the answers, whichever comes first.
 *
 *     deno run -A examples/sp_req_rep.ts
 *
 * @module
 */

import { Rep, Req } from "@sockeye/sockeye/sp";
import process from "node:process";

const url = `ipc://@sockeye-req-rep-${process.pid}`;

await using rep = new Rep();
await rep.listen(url);
void rep.serve((question) => String(2 * Number(question.text())), { concurrency: 3 });

await using req = new Req();
await req.dial(url);
const questions = ["1", "2", "3"];
const answers = await Promise.all(questions.map((question) => req.request(question, { timeout: 5000 })));
answers.forEach((answer, i) => console.log(`${questions[i]} doubled is ${answer.text()}`));

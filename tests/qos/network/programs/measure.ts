// Traces paths and measures their MTU, all at a time, and says in the end what was found.
// Its argument is a list of Jobs as JSON, its output as many Findings.

import { pathMtu, trace, type TraceEvent } from "@sockeye/sockeye/qos";
import process from "node:process";
import type { Finding, Job } from "../measure.ts";

async function find(job: Job): Promise<Finding> {
  try {
    return await findOrFail(job);
  } catch (error) {
    const { name, message } = error as Error;
    return { failure: { name, message } };
  }
}

async function findOrFail(job: Job): Promise<Finding> {
  if (job.kind === "mtu") return { mtu: await pathMtu(job.host, job.options) };
  const events: TraceEvent[] = [];
  for await (const event of trace(job.host, job.options)) events.push(event);
  return { events };
}

const jobs: Job[] = JSON.parse(process.argv[2]);
console.log(JSON.stringify(await Promise.all(jobs.map(find))));

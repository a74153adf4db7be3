#!/usr/bin/env -S deno run -A
/** The `sockeye` command. @module */

import process from "node:process";
import { runCommandLine } from "./command_line.ts";
import { sockeye } from "./sockeye.ts";

process.exitCode = await runCommandLine(process.argv.slice(2), sockeye);

import { test } from "../../support/harness.ts";
import { expectOutput, SCTP_PROGRAMS } from "../programs.ts";

for (const [name, expected] of Object.entries(SCTP_PROGRAMS)) {
  test(`examples/${name} prints what it promises`, () => expectOutput(name, expected));
}

/** The contract over SCTP, which needs a kernel that has it. */

import { runOverOnly } from "../contract/carriers.ts";

runOverOnly("sctp");
for (
  const suite of [
    "patterns",
    "lifecycle",
    "contexts",
    "devices",
    "errors",
    "serve",
    "blocking",
    "too_large",
    "waits",
    "withdrawn",
  ]
) {
  await import(`../contract/${suite}_test.ts`);
}

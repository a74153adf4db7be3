/** Who may connect over unix sockets. */

import { ArgumentError, type SockeyeError } from "@sockeye/sockeye";
import { Pull, Push } from "@sockeye/sockeye/sp";
import assert from "node:assert/strict";
import { overEach } from "./carriers.ts";

overEach("allowPeer lets in by true and nothing else, and what it throws refuses", async (carrier) => {
  const broken = new Error("no idea");
  const decisions: (() => unknown)[] = [
    () => {
      throw broken;
    },
    () => Promise.resolve(false),
    () => "yes",
    () => true,
  ];
  const pull = new Pull();
  const failures: SockeyeError[] = [];
  pull.onFailure(({ error }) => failures.push(error));
  const added = new Promise<void>((resolve) => pull.onPipe(({ type }) => type === "added" && resolve()));
  const { url } = await pull.listen(carrier.url(), { allowPeer: () => decisions.shift()!() as boolean });
  const push = new Push({ reconnectMin: 1 });

  await push.dial(url, { wait: false });
  await added;

  assert.deepEqual(failures.map(({ code }) => code), ["EACCES", "EACCES", "EACCES"]);
  assert.equal(failures[0].cause, broken);
  assert.equal(pull.stats().connections, 1);
  await push.close();
  await pull.close();
}, { only: ({ name }) => /^(ipc|unixgram)/.test(name) });

overEach("a mode for a name without a file is refused, for it would protect nothing", async (carrier) => {
  await using pull = new Pull();

  await assert.rejects(pull.listen(carrier.url(), { mode: 0o600 }), ArgumentError);

  await pull.listen(carrier.url());
}, { only: ({ name }) => /abstract/.test(name) });

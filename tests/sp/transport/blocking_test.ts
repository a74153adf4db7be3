import assert from "node:assert/strict";
import { Push } from "../../../sp/mod.ts";
import { test } from "../../support/harness.ts";
import { CARRIERS, greetedPeer } from "./stream_support.ts";

for (const { name, url, isIpc, skip } of CARRIERS) {
  test(`${name}: what sendSync was given is in the kernel when it returns`, async () => {
    const push = new Push();
    const added = new Promise<void>((resolve) => {
      push.onPipe(({ type }) => type === "added" && resolve());
    });
    const listener = await push.listen(url());
    const peer = await greetedPeer(listener.url, 81);
    await added;

    const buffer = new Uint8Array(100);
    for (const text of ["one", "two", "six"]) {
      push.sendSync(text);
      assert.equal(peer.tryRead(buffer), (isIpc ? 9 : 8) + text.length);
    }

    peer.close();
    await push.close();
  }, { skip });
}

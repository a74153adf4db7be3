import assert from "node:assert/strict";
import { ArgumentError } from "../../common/errors.ts";
import { pathMtu } from "../../qos/path_mtu/path_mtu.ts";
import { PathMtuSearch, type SearchSettings, type SizeAnswer, type SizeRequest } from "../../qos/path_mtu/search.ts";
import { PLATEAUS } from "../../qos/trace/plateaus.ts";
import { test } from "../support/harness.ts";
import { chance } from "./trace_network.ts";

/** A link of the path, and what the router in front of it says to packets that are too large for it. */
interface Link {
  mtu: number;
  /** `"nothing"` makes it a black hole; a number is what it claims, 0 that it doesn't know. */
  says?: "truth" | "nothing" | number;
}

interface Network {
  links: readonly Link[];
  rtt?: number;
  /** What every 1,000 bytes add to a round trip, in milliseconds. */
  slowness?: number;
  loss?: number;
  jitter?: number;
  /** How many answers the destination gives at once, and how many more each second; without it all. */
  limit?: { burst: number; perSecond: number };
  isSilent?: boolean;
  /** Whether answers leave open which of the probes they are about. */
  isVague?: boolean;
  seed?: number;
}

const DEFAULTS: SearchSettings = { family: "inet", min: 68, max: 65535, probes: 3, timeout: 1000 };
const TOO_MANY = 10_000;

/** Runs a search through the network. */
function simulate(network: Network, options: Partial<SearchSettings> = {}) {
  const search = new PathMtuSearch({ ...DEFAULTS, ...options });
  const { links, rtt = 10, slowness = 0, loss = 0, jitter = 0, limit, isSilent = false, isVague = false } = network;
  const random = chance(network.seed ?? 1);
  let arrivals: { at: number; answer: SizeAnswer }[] = [];
  let now = 5000;
  let tokens = limit?.burst ?? Infinity;
  let refilledAt = now;
  let sent = 0;

  const isAllowed = () => {
    if (limit === undefined) return true;
    tokens = Math.min(limit.burst, tokens + (now - refilledAt) / 1000 * limit.perSecond);
    refilledAt = now;
    return tokens >= 1 && tokens-- >= 1;
  };
  const send = ({ id, size }: SizeRequest) => {
    sent++;
    const at = now + rtt + size / 1000 * slowness + random() * jitter;
    const ids = isVague ? Array.from({ length: id + 1 }, (_, index) => index) : [id];
    const say = (meaning: SizeAnswer["meaning"], router: string, mtu?: number) => {
      if (random() >= loss) arrivals.push({ at, answer: { ids, meaning, router, mtu, receivedAt: at } });
    };
    const narrow = links.findIndex(({ mtu }) => size > mtu);
    if (narrow < 0) {
      if (!isSilent && isAllowed()) say("arrived", "destination");
    } else {
      const { mtu, says = "truth" } = links[narrow];
      if (says !== "nothing") say("too-big", `router ${narrow}`, says === "truth" ? mtu : says);
    }
  };

  for (let turn = 0; !search.isDone; turn++) {
    assert.ok(turn < TOO_MANY, `seed ${network.seed}: the search doesn't come to an end`);
    for (let request = search.next(now); request !== undefined; request = search.next(now)) {
      if (request.size > links[0].mtu) {
        // Nothing that may be tried fits this machine's own link.
        if (!search.refused(request, links[0].mtu)) assert.ok(search.isDone);
      } else {
        send(request);
        search.sent(request, now);
      }
    }
    if (search.isDone) break;
    const wake = Math.min(search.wakeAt() ?? Infinity, ...arrivals.map(({ at }) => at));
    assert.ok(wake < Infinity, "the search waits for nothing");
    now = Math.max(now, wake);
    const due = arrivals.filter(({ at }) => at <= now).sort((left, right) => left.at - right.at);
    arrivals = arrivals.filter(({ at }) => at > now);
    for (const { answer } of due) search.answer(answer, now);
    search.expire(now);
  }
  const { mtu, reached, steps, blackHoleAt } = search;
  return { mtu, reached, steps, blackHoleAt, sent, duration: now - 5000 };
}

const outcomes = ({ steps }: ReturnType<typeof simulate>) => steps.map(({ size, outcome }) => `${size} ${outcome}`);

test("a path as wide as the local link takes one round trip", () => {
  const found = simulate({ links: [{ mtu: 1500 }] });

  assert.deepEqual([found.mtu, found.reached, found.blackHoleAt, found.sent], [1500, true, undefined, 2]);
  assert.equal(found.duration, 10);
});

test("what routers say is followed, one after the other", () => {
  const found = simulate({ links: [{ mtu: 9000 }, { mtu: 4000 }, { mtu: 5000 }, { mtu: 1400 }] });

  assert.deepEqual(
    outcomes(found),
    [
      "65535 refused",
      "9000 too-big",
      "68 arrived",
      "4000 too-big",
      "1400 arrived",
    ].toSorted((left, right) => outcomes(found).indexOf(left) - outcomes(found).indexOf(right)),
  );
  assert.equal(found.mtu, 1400);
  assert.equal(found.blackHoleAt, undefined);
});

test("a router that doesn't say what fits is asked with common sizes", () => {
  for (const mtu of [1492, 1400, 1300, 576, 100]) {
    assert.equal(simulate({ links: [{ mtu: 1500 }, { mtu, says: 0 }] }).mtu, mtu);
  }
});

test("a router that claims what can't be is not believed, and one that claims too little is", () => {
  for (const says of [1500, 9000, 60]) {
    assert.equal(simulate({ links: [{ mtu: 1500 }, { mtu: 1430, says }] }).mtu, 1430, `says ${says}`);
  }
  assert.equal(simulate({ links: [{ mtu: 1500 }, { mtu: 1430, says: 1300 }] }).mtu, 1300);
});

test("a black hole is found exactly, wherever it begins", () => {
  for (let mtu = 68; mtu < 1500; mtu++) {
    const found = simulate({ links: [{ mtu: 1500 }, { mtu, says: "nothing" }] });

    assert.deepEqual([found.mtu, found.reached, found.blackHoleAt], [mtu, true, mtu + 1]);
  }
});

test("a black hole at a common size is found with a few sizes", () => {
  for (const mtu of PLATEAUS.filter((size) => size < 1500 && size > 68)) {
    const found = simulate({ links: [{ mtu: 1500 }, { mtu, says: "nothing" }] });

    assert.ok(found.steps.length <= 9, `${mtu}: ${outcomes(found).join(", ")}`);
    assert.ok(found.duration < 3000, `${mtu}: ${found.duration} ms`);
  }
});

test("a black hole behind a router that speaks is found, too", () => {
  const found = simulate({ links: [{ mtu: 1500 }, { mtu: 1400 }, { mtu: 1333, says: "nothing" }] });

  assert.deepEqual([found.mtu, found.blackHoleAt], [1333, 1334]);
});

test("a black hole shows also where a router behind it speaks of smaller packets", () => {
  const found = simulate({ links: [{ mtu: 1500 }, { mtu: 1400, says: "nothing" }, { mtu: 1300 }] });

  assert.deepEqual([found.mtu, found.blackHoleAt], [1300, 1500]);
});

test("a host that limits its answers is not taken for a black hole", () => {
  const limit = { burst: 6, perSecond: 1 };
  for (let mtu = 70; mtu <= 1500; mtu += 13) {
    const found = simulate({ links: [{ mtu: 1500 }, { mtu, says: "nothing" }], limit, rtt: 0.1 });

    assert.equal(found.mtu, mtu);
  }
  assert.equal(simulate({ links: [{ mtu: 1500 }], limit: { burst: 1, perSecond: 1 }, rtt: 0.1 }).mtu, 1500);
});

test("large packets on a slow link are waited for", () => {
  const found = simulate({ links: [{ mtu: 1500 }], rtt: 1, slowness: 30 });

  assert.deepEqual([found.mtu, found.blackHoleAt], [1500, undefined]);
});

test("a host that doesn't answer leaves the size that nobody objected to", () => {
  const found = simulate({ links: [{ mtu: 1500 }, { mtu: 1400 }], isSilent: true });

  assert.deepEqual([found.mtu, found.reached, found.blackHoleAt], [1400, false, undefined]);
  assert.ok(found.duration <= 6000, `took ${found.duration} ms`);
});

test("IPv6 doesn't go below 1280", () => {
  const found = simulate({ links: [{ mtu: 1500 }, { mtu: 1280, says: 800 }] }, { family: "inet6", min: 1280 });

  assert.equal(found.mtu, 1280);
});

test("where not even the smallest size fits, the search ends", () => {
  const behind = simulate({ links: [{ mtu: 3000 }, { mtu: 1400 }] }, { min: 2000 });
  assert.deepEqual([behind.mtu, behind.reached], [1400, false]);

  const search = new PathMtuSearch({ ...DEFAULTS, min: 2000 });
  assert.equal(search.refused(search.next(0)!, 1500), false);
  assert.equal(search.isDone, true);
});

test("an answer that doesn't say which probe it is about leads to the same", () => {
  for (const mtu of [1500, 1400, 576]) {
    assert.equal(simulate({ links: [{ mtu: 1500 }, { mtu }], isVague: true }).mtu, mtu);
  }
});

test("a host that can't be reached ends the search", () => {
  const search = new PathMtuSearch(DEFAULTS);
  search.sent(search.next(0)!, 0);
  search.answer({ ids: [0], meaning: "unreachable", router: "10.0.0.1", mtu: undefined, receivedAt: 1 }, 1);

  assert.equal(search.isDone, true);
  assert.equal(search.reached, false);
  assert.equal(search.next(2), undefined);
});

test("whatever the network does, the search ends, and is right where nothing gets lost", () => {
  for (let seed = 0; seed < 4000; seed++) {
    const random = chance(seed);
    const below = (limit: number) => Math.floor(random() * limit);
    const isLossy = random() < 0.5;
    const links = Array.from({ length: 1 + below(6) }, (): Link => ({
      mtu: random() < 0.5 ? 1500 : 68 + below(9000),
      says: random() < 0.7 ? "truth" : random() < 0.7 ? "nothing" : 0,
    }));
    const network: Network = {
      links,
      seed,
      rtt: random() * 100,
      jitter: random() < 0.5 ? random() * 20 : 0,
      slowness: random() < 0.5 ? random() * 2 : 0,
      loss: isLossy ? random() * 0.5 : 0,
      limit: random() < 0.3 ? { burst: 1 + below(6), perSecond: 1 } : undefined,
    };

    const min = isLossy ? 68 + below(2000) : 68;
    const found = simulate(network, { probes: 1 + below(4), min, max: min + below(9000) + (isLossy ? 0 : 9000) });

    const truth = Math.min(...links.map(({ mtu }) => mtu));
    const where = `seed ${seed}: ${JSON.stringify(network)} ${outcomes(found).join(", ")}`;
    if (!isLossy) {
      assert.equal(found.mtu, truth, where);
      assert.equal(found.reached, true, where);
      if (links.every(({ says }) => says !== "nothing")) assert.equal(found.blackHoleAt, undefined, where);
    } else if (found.reached) assert.ok(found.mtu <= truth, where);
  }
});

test("options out of range are refused before anything is sent", async () => {
  const wrong: [string, Record<string, unknown>][] = [
    ["options.method", { method: "tcp" }],
    ["options.family", { family: "ipv4" }],
    ["options.port", { port: 0 }],
    ["options.min", { min: 67 }],
    ["options.min", { min: 1500, max: 1400 }],
    ["options.max", { max: 65536 }],
    ["options.probes", { probes: 0 }],
    ["options.timeout", { timeout: -1 }],
    ["options.dscp", { dscp: 64 }],
    ["options.flowLabel", { flowLabel: 1, family: "inet" }],
  ];
  for (const [argument, options] of wrong) {
    await assert.rejects(
      pathMtu("127.0.0.1", options),
      (error) => error instanceof ArgumentError && error.argument === argument,
      argument,
    );
  }
});

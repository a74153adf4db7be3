/** How a trace is shown: as lines, and as a table that is drawn in its place. @module */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { TraceEvent } from "@sockeye/sockeye/qos";
import fc from "fast-check";
import { LiveRegion } from "../../cli/live_region.ts";
import { type LinesOptions, PathLines } from "../../cli/trace/lines.ts";
import { Path } from "../../cli/trace/path.ts";
import { conclusion, pathTable, type TableLook, timeText } from "../../cli/trace/table.ts";
import { test } from "../support/harness.ts";
import { Screen } from "./screen.ts";
import { arrival, MPLS, reply, sent, target, timeout, wholeTrace } from "./trace_events.ts";

const NUMERIC: LinesOptions = { firstTtl: 1, queries: 3, isNumeric: true, showsExtensions: false };
const NAMED: LinesOptions = { ...NUMERIC, isNumeric: false };
const LOOK: TableLook = { columns: 100, hasColours: false, hasUnicode: true };

function lines(events: readonly TraceEvent[], options = NUMERIC): string[] {
  const printer = new PathLines(options);
  return events.flatMap((event) => printer.apply(event));
}

function table(events: readonly TraceEvent[], options = NUMERIC, look = LOOK): string[] {
  return pathTable(pathOf(events), options, look);
}

function pathOf(events: readonly TraceEvent[]): Path {
  const path = new Path();
  for (const event of events) path.apply(event);
  return path;
}

test("the lines of a trace are those of traceroute, and end with the destination", () => {
  deepEqual(lines(wholeTrace()), [
    "traceroute to example.org (192.0.2.9), 30 hops max, 60 byte packets",
    " 1  192.0.2.1  0.500 ms  1.500 ms  2.500 ms",
    " 2  * * *",
    " 3  192.0.2.9  12.250 ms  12.250 ms  12.250 ms",
  ]);
});

test("a hop is printed as soon as it and those before it are settled", () => {
  const printer = new PathLines({ ...NUMERIC, queries: 1 });
  const printed = (event: TraceEvent) => printer.apply(event).length;

  equal(printed(target()), 1);
  deepEqual([sent(1, 0), sent(2, 0), sent(3, 0)].map(printed), [0, 0, 0]);
  equal(printed(reply(2, 0, "192.0.2.2", 2)), 0);
  equal(printed(reply(1, 0, "192.0.2.1", 1)), 2);
  equal(printed(timeout(3, 0)), 1);
});

test("a hop with names waits for them, and the end of the trace for none", () => {
  const printer = new PathLines({ ...NAMED, queries: 1 });
  for (const event of [target(), sent(1, 0), sent(2, 0)]) printer.apply(event);

  deepEqual(printer.apply(reply(1, 0, "192.0.2.1", 1)), []);
  deepEqual(printer.apply({ type: "name", address: "192.0.2.1", name: "gate.example" }), [
    " 1  gate.example (192.0.2.1)  1.000 ms",
  ]);
  deepEqual(printer.apply(reply(2, 0, "192.0.2.2", 1)), []);
  deepEqual(printer.apply(wholeTrace().at(-1)!), [" 2  192.0.2.2 (192.0.2.2)  1.000 ms"]);
});

test("a hop with several routers names each where it changes", () => {
  const events = [
    ...[target(), sent(1, 0), sent(1, 1), sent(1, 2)],
    reply(1, 0, "192.0.2.1", 1),
    timeout(1, 1),
    reply(1, 2, "192.0.2.2", 2),
  ];

  equal(lines(events)[1], " 1  192.0.2.1  1.000 ms * 192.0.2.2  2.000 ms");
  deepEqual(
    table(events).slice(2).map((line) => line.trim().replace(/ {2,}/g, "|")),
    ["1|192.0.2.1|33%|1.000|1.000|1.000|1.000|▅×", "192.0.2.2|2.000|2.000|2.000|2.000|█"],
  );
});

test("what is unusual about an answer stands behind it, and extensions where they are wanted", () => {
  const odd = reply(1, 0, "192.0.2.1", 1, { annotation: "!X", extensions: [MPLS], isFinal: true });
  const events = [target(), sent(1, 0), odd];
  const options = { ...NUMERIC, queries: 1 };

  equal(lines(events, options)[1], " 1  192.0.2.1  1.000 ms !X");
  equal(
    lines(events, { ...options, showsExtensions: true })[1],
    " 1  192.0.2.1 <MPLS:L=24001,E=0,S=1,T=1>  1.000 ms !X",
  );
  match(table(events, options).join("\n"), /192\.0\.2\.1 !X/);
  equal(table(events, { ...options, showsExtensions: true }).at(-1), "       MPLS:L=24001,E=0,S=1,T=1");
});

test("an MTU that falls is told at the hop behind it", () => {
  const events: TraceEvent[] = [
    ...[target(), sent(1, 0), sent(1, 1), { type: "mtu", ttl: 1, router: undefined, mtu: 1400 } as const],
    ...[reply(1, 0, "192.0.2.1", 1), timeout(1, 1)],
  ];
  const options = { ...NUMERIC, queries: 2 };

  equal(lines(events, options)[1], " 1  192.0.2.1  1.000 ms F=1400 *");
  equal(table(events, options).at(-1), "       MTU 1400 on the way here");
});

test("the table has each hop with its losses and times, and says what it comes to", () => {
  const rows = table(wholeTrace());

  deepEqual(rows, [
    "traceroute to example.org (192.0.2.9), 30 hops max, 60 byte packets",
    "Hop  Address    Loss   Last   Best    Avg  Worst  Probes",
    "  1  192.0.2.1    0%  2.500  0.500  1.500  2.500  ▁▁▂",
    "  2  *          100%                              ×××",
    "  3  192.0.2.9    0%  12.25  12.25  12.25  12.25  ███",
  ]);
  deepEqual(conclusion(pathOf(wholeTrace()), LOOK), ["", "reached in 3 hops"]);
});

test("before the end the table has what is known, and what is under way", () => {
  const events = [target(), sent(1, 0), sent(1, 1), sent(2, 0), reply(1, 0, "192.0.2.1", 1)];

  deepEqual(table(events).slice(2), [
    "  1  192.0.2.1    0%  1.000  1.000  1.000  1.000  █·",
    "  2  *                                            ·",
  ]);
  deepEqual(conclusion(pathOf(events), LOOK), []);
});

test("silence behind the last answer is one row and one line, so that what was found stays on the screen", () => {
  const events = [target(), sent(1, 0), reply(1, 0, "192.0.2.1", 1), ...[2, 3, 4, 5].map((ttl) => sent(ttl, 0))];

  deepEqual(table(events).slice(3), [
    "  2  *                                            ·",
    "       nothing from 3 to 5 either",
  ]);
  equal(table([...events, reply(4, 0, "192.0.2.4", 1)]).at(-1), "  5  *                                            ·");
});

test("names stand beside the addresses, and nothing in them reaches the terminal", () => {
  const name = { type: "name", address: "192.0.2.1", name: "\x1b[2Jgate\u202e" } as const;
  const events = [target(), sent(1, 0), reply(1, 0, "192.0.2.1", 1), name];

  match(table(events, NAMED)[2], /^ {2}1 {2}192\.0\.2\.1 {2}\\u\{1b\}\[2Jgate\\u\{202e\} /);
  match(lines([...events, timeout(1, 1), timeout(1, 2)], NAMED)[1], /^ 1 {2}\\u\{1b\}\[2Jgate/);
});

test("a table fits the terminal, however narrow, and leaves out columns rather than hops", () => {
  const named = wholeTrace().toSpliced(
    -1,
    0,
    { type: "name", address: "192.0.2.1", name: "a-very-long-name.of-a-router.somewhere.example" },
  );
  fc.assert(fc.property(fc.integer({ min: 1, max: 200 }), fc.boolean(), (columns, isNumeric) => {
    const rows = table(named, { ...NUMERIC, isNumeric }, { ...LOOK, columns });
    equal(rows.length, 5);
    for (const row of rows) ok([...row].length <= columns, `${columns}: ${row}`);
  }));
  equal(table(named, NAMED, { ...LOOK, columns: 80 })[1].includes("Name"), true);
  equal(table(named, NAMED, { ...LOOK, columns: 40 })[1], "Hop  Address    Loss   Last    Avg");
  equal(table(named, NAMED, { ...LOOK, columns: 20 })[2], "  1  192.0.2.1    0%");
});

test("colours change the look of a table, and not its text", () => {
  const coloured = table(wholeTrace(), NUMERIC, { ...LOOK, hasColours: true });

  ok(coloured.join("").includes("\x1b[31m100%\x1b[0m"));
  // deno-lint-ignore no-control-regex
  deepEqual(coloured.map((row) => row.replace(/\x1b\[\d+m/g, "")), table(wholeTrace()));
  ok(!table(wholeTrace()).join("").includes("\x1b"));
});

test("a terminal without Unicode gets ASCII", () => {
  for (const row of table(wholeTrace(), NAMED, { ...LOOK, columns: 50, hasUnicode: false })) {
    match(row, /^[\x20-\x7e]*$/);
  }
});

test("times have at most five characters", () => {
  deepEqual([0, 0.0421, 9.9996, 12.345, 99.996, 123.45, 999.96, 12345].map(timeText), [
    ...["0.000", "0.042", "10.00", "12.35", "100.0", "123.5", "1000", "12345"],
  ]);
});

test("what is drawn again takes the place of what was there, whatever the sizes", () => {
  const frame = fc.array(fc.string({ unit: fc.constantFrom("a", "b", " "), maxLength: 12 }), { maxLength: 12 });
  fc.assert(fc.property(fc.array(frame), frame, fc.integer({ min: 2, max: 8 }), (frames, last, rows) => {
    const screen = new Screen(12, rows);
    screen.write("$ sockeye\n");
    const region = new LiveRegion((text) => screen.write(text));

    for (const lines of frames) {
      region.draw(lines, rows);
      equal(screen.text, ["$ sockeye", ...lines.slice(-Math.max(1, rows - 1)), ""].join("\n"));
    }
    region.finish(last);

    equal(screen.text, ["$ sockeye", ...last, ""].join("\n"));
    deepEqual(screen.cursor, { row: last.length + 1, column: 0 });
  }));
});

test("a trace that is drawn at each of its events ends as its table", () => {
  const screen = new Screen(LOOK.columns, 24);
  const region = new LiveRegion((text) => screen.write(text));
  const path = new Path();
  for (const event of [...wholeTrace(), arrival(3, 1, 12.25)]) {
    path.apply(event);
    region.draw(pathTable(path, NUMERIC, { ...LOOK, hasColours: true }), 24);
  }

  equal(screen.text, [...table(wholeTrace()), ""].join("\n"));
});

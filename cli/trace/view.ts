/**
 * How a trace is shown while it runs: objects, lines, or a table that grows in its place.
 *
 * @module
 */

import type { TraceEvent } from "@sockeye/sockeye/qos";
import { jsonable } from "../json.ts";
import { LiveRegion } from "../live_region.ts";
import type { Output, Report } from "../output.ts";
import { terminal } from "../terminal.ts";
import { type LinesOptions, PathLines } from "./lines.ts";
import { Path } from "./path.ts";
import { conclusion, pathTable } from "./table.ts";

/** Shows a trace. */
export interface TraceView {
  /** Takes the next event. */
  show(event: TraceEvent): void;
  /** Nothing more comes, whether the trace came to its end or not. */
  end(): void;
}

/** How often the table is drawn at most: every so many milliseconds. */
const FRAME_MS = 50;

/** The view that fits the output. */
export function traceView(output: Output, options: LinesOptions): TraceView {
  if (output.isJson) return new ObjectView(output);
  return terminal() === undefined ? new LineView(output, options) : new TableView(output, options);
}

class ObjectView implements TraceView {
  readonly #output: Output;

  constructor(output: Output) {
    this.#output = output;
  }

  show(event: TraceEvent): void {
    this.#output.report(jsonable(event) as Report, () => undefined);
  }

  end(): void {}
}

class LineView implements TraceView {
  readonly #output: Output;
  readonly #lines: PathLines;

  constructor(output: Output, options: LinesOptions) {
    this.#output = output;
    this.#lines = new PathLines(options);
  }

  show(event: TraceEvent): void {
    for (const line of this.#lines.apply(event)) this.#output.print(line);
  }

  end(): void {}
}

class TableView implements TraceView {
  readonly #options: LinesOptions;
  readonly #path = new Path();
  readonly #region: LiveRegion;
  #frame: ReturnType<typeof setTimeout> | undefined;

  constructor(output: Output, options: LinesOptions) {
    this.#options = options;
    this.#region = new LiveRegion((text) => output.write(text));
  }

  show(event: TraceEvent): void {
    this.#path.apply(event);
    this.#frame ??= setTimeout(() => {
      this.#frame = undefined;
      this.#draw();
    }, FRAME_MS);
  }

  #draw(): void {
    const look = terminal();
    if (look !== undefined) this.#region.draw(pathTable(this.#path, this.#options, look), look.rows);
  }

  end(): void {
    clearTimeout(this.#frame);
    const look = terminal();
    if (look === undefined) return;
    this.#region.finish([...pathTable(this.#path, this.#options, look), ...conclusion(this.#path, look)]);
  }
}

/**
 * A clock that is never set, and the kernel's timestamps on it.
 *
 * The kernel stamps what arrives with the time of day, CLOCK_REALTIME. Round trips are measured on the monotonic clock of
 * `performance.now()`, which nobody steps. Both are slewed alike, so that their distance changes only by steps (and by a
 * suspended machine).
 *
 * @module
 */

/** `Date.now()` has whole milliseconds; a distance that is further off than that is another one. */
const TOLERANCE_MS = 1.5;
/** How closely the two clocks are read when their distance is measured, in milliseconds, and how often that is tried. */
const READING_MS = 0.01;
const READINGS = 4;

/** The time of day at which `performance.now()` was 0, in milliseconds since the epoch. */
let origin = performance.timeOrigin;

/** The monotonic clock, in milliseconds. */
export function monotonicNow(): number {
  return performance.now();
}

/**
 * Makes sure of the distance between the two clocks: once for each trace.
 *
 * The runtime's own figure does unless the time of day has been stepped since the program began. Then it is measured, which
 * takes a millisecond.
 */
export function alignClocks(): void {
  const isAligned = Math.abs(Date.now() + 0.5 - (origin + performance.now())) <= TOLERANCE_MS;
  if (!isAligned) origin = measureOrigin();
}

/**
 * When something arrived, on the monotonic clock.
 *
 * @param timestamp The kernel's timestamp, in milliseconds since the epoch.
 */
export function monotonicOf(timestamp: number | undefined): number | undefined {
  return timestamp === undefined ? undefined : timestamp - origin;
}

/** Reads both clocks at the moment at which `Date.now()` moves on, when it is exact. */
function measureOrigin(): number {
  let closest = Infinity;
  let measured = origin;
  for (let reading = 0; reading < READINGS && closest > READING_MS; reading++) {
    const start = Date.now();
    let before = performance.now();
    for (;;) {
      const date = Date.now();
      const after = performance.now();
      if (date !== start) {
        if (after - before < closest) {
          closest = after - before;
          measured = date - (before + after) / 2;
        }
        break;
      }
      before = after;
    }
  }
  return measured;
}

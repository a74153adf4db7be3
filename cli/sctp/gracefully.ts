/** A graceful end, with bounded patience. @module */

/** How long a peer may take to agree to the end once we are in a hurry, in milliseconds. */
const GRACE_MS = 2_000;

/**
 * Shuts down, and aborts what has not ended two seconds after the signal.
 *
 * @param hurry Begins the two seconds.
 * @param shutdown The graceful end; the wait for it ends with its signal.
 * @param abort The other end.
 * @returns False if it had to abort. What had ended already, or broke, needs no end.
 */
export async function gracefully(
  hurry: AbortSignal,
  shutdown: (patience: AbortSignal) => Promise<void>,
  abort: () => void,
): Promise<boolean> {
  const patience = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const count = () => {
    timer = setTimeout(() => patience.abort(), GRACE_MS);
  };
  if (hurry.aborted) count();
  else hurry.addEventListener("abort", count, { once: true });
  try {
    await shutdown(patience.signal);
    return true;
  } catch {
    // Whoever follows the association is told why it ended; all that matters here is whether it has.
    if (patience.signal.aborted) abort();
    return !patience.signal.aborted;
  } finally {
    hurry.removeEventListener("abort", count);
    clearTimeout(timer);
  }
}

import { setTimeout as pause } from "node:timers/promises";

/** How long a fact may take before a test gives up: far above what any of them needs, for a busy machine. */
const deadlineMsDefault = 20_000;
const pollMs = 10;

export interface UntilOptions {
  /** Default 20,000. Only how long to hope, never how fast something has to be. */
  readonly deadlineMs?: number;
}

/**
 * Waits for a fact instead of for a time: asks `fact` every 10 ms until it returns something other than `undefined`,
 * `false` or `null`, and returns that. This is the only timer in the tests.
 *
 * @param fact what must become true; may throw while it is not (a refused connection): the last error is shown
 * @param describe the fact in words, `the listener to be active`; or a function, called at the deadline, that can
 *        add what was seen instead
 * @throws at the deadline: `waited 20 s for the listener to be active`, with the last error of `fact` as its cause
 */
export async function until<T>(
  fact: () => T | Promise<T>,
  describe: string | (() => string),
  { deadlineMs = deadlineMsDefault }: UntilOptions = {},
): Promise<Exclude<T, undefined | null | false>> {
  const end = performance.now() + deadlineMs;
  let cause: unknown;
  for (;;) {
    try {
      const found = await fact();
      cause = undefined;
      if (found !== undefined && found !== null && found !== false) {
        return found as Exclude<T, undefined | null | false>;
      }
    } catch (error) {
      cause = error;
    }
    if (performance.now() > end) break;
    await pause(pollMs);
  }
  const what = typeof describe === "string" ? describe : describe();
  throw new Error(`waited ${deadlineMs / 1000} s for ${what}${cause instanceof Error ? `: ${cause.message}` : ""}`, {
    cause,
  });
}

/** A fact that held so many times in a row: of several workers, each connection has another one. */
export function inARow(count: number, fact: () => Promise<boolean>): () => Promise<boolean> {
  let held = 0;
  return async () => {
    held = (await fact()) ? held + 1 : 0;
    return held === count;
  };
}

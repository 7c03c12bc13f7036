import { percentile } from "../figures.ts";

/**
 * Measures all, round after round. Each round begins with another one, so that what the machine does again and again besides
 * meets all alike.
 */
export async function inTurns<T>(all: readonly T[], rounds: number, measure: (one: T) => Promise<void>): Promise<void> {
  for (let round = 0; round < rounds; round += 1)
    for (let turn = 0; turn < all.length; turn += 1) {
      const one = all[(round + turn) % all.length];
      if (one !== undefined) await measure(one);
    }
}

/** The lower quartile: what else the machine does only ever adds. */
export function quiet(samples: readonly number[]): number {
  return percentile(samples, 25);
}

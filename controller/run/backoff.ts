/** Wait before the first restart; a killed controller is back at once. */
const firstMs = 200;
const mostMs = 10_000;
/** What ran this long has recovered: its next death counts as the first. */
const recoveredMs = 10_000;

/**
 * How long to wait before a restart, and how many restarts in a row this is: doubling from 200 ms to 10 s, each wait
 * drawn from its upper half so that what died together does not start together.
 *
 * @param restarts as returned by the last call; 0 at first
 * @param upMs how long the process ran
 * @param random from 0 to below 1
 */
export function nextRestart({ restarts, upMs, random }: { restarts: number; upMs: number; random: number }): {
  readonly restarts: number;
  readonly delayMs: number;
} {
  const before = upMs >= recoveredMs ? 0 : restarts;
  const mostNowMs = Math.min(mostMs, firstMs * 2 ** before);
  return { restarts: before + 1, delayMs: Math.round(mostNowMs * (0.5 + random / 2)) };
}

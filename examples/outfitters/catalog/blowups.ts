/** Faults that the catalog can be told to show, by `POST /blowup`. */
export const blowupTypes = ["500", "latency", "drop"] as const;
export type BlowupType = (typeof blowupTypes)[number];

/** One fault as it was posted; what is absent has the default written here. */
export interface Blowup {
  readonly type: BlowupType;
  readonly active?: boolean;
  /** Share of requests with fault 500 or drop; default (and 0) 100. 50 means 51 %: see {@link strikes}. */
  readonly percentage?: number;
  /** Default (and 0) 1000. */
  readonly latencyMs?: number;
  /** The latency is drawn between 0 and `latencyMs` for each request. */
  readonly volatile?: boolean;
}

export type Blowups = Readonly<Partial<Record<BlowupType, Blowup>>>;

/** What happens to one request for items. */
export interface Fate {
  readonly delayMs: number;
  readonly end: "served" | "500" | "drop";
}

/** `undefined` where the value is no object with a known `type`. */
export function parseBlowup(value: unknown): Blowup | undefined {
  if (typeof value !== "object" || value === null || !("type" in value)) return undefined;
  const type = blowupTypes.find((known) => known === value.type);
  return type === undefined ? undefined : { ...value, type };
}

/**
 * Whether a percentage hits: a whole number from 0 to 99 that is at most `percentage`, so that 50 hits 51 of 100, as
 * the shop's catalog has always done.
 *
 * @param random from 0 to below 1
 */
export function strikes(percentage: number | undefined, random: number): boolean {
  return Math.floor(random * 100) <= (percentage || 100);
}

/** @param random a source of numbers from 0 to below 1 */
export function fateOf(blowups: Blowups, random: () => number): Fate {
  const { "500": failure, latency, drop } = blowups;
  if (failure?.active && strikes(failure.percentage, random())) return { delayMs: 0, end: "500" };
  if (drop?.active && strikes(drop.percentage, random())) return { delayMs: 0, end: "drop" };
  if (!latency?.active) return { delayMs: 0, end: "served" };
  const delayMs = latency.latencyMs || 1000;
  return { delayMs: latency.volatile ? Math.floor(random() * delayMs) : delayMs, end: "served" };
}

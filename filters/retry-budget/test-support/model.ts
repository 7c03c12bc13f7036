// Naive models of the rule, which remember every call and every retry: what the filter is compared with.

export interface Rule {
  readonly windowNs: bigint;
  readonly percent: number;
  readonly minRetries: number;
}

export interface Past {
  readonly calls: bigint[];
  readonly retries: bigint[];
}

function count(times: readonly bigint[], from: bigint, to: bigint): number {
  return times.filter((time) => time > from && time <= to).length;
}

function limit(calls: number, { percent, minRetries }: Rule): number {
  return Math.max(minRetries, Math.floor((percent * calls) / 100));
}

/** The rule as it is written: retries in (t - window, t] plus this one against the calls of the same window. */
export function exact(past: Past, now: bigint, rule: Rule): boolean {
  const from = now - rule.windowNs;
  return count(past.retries, from, now) + 1 <= limit(count(past.calls, from, now), rule);
}

/** The rule in buckets: calls from the whole ones, retries from all that the window touches. */
export function bucketed(past: Past, now: bigint, rule: Rule): boolean {
  const length = rule.windowNs / 20n;
  const start = now / length - 20n;
  const calls = past.calls.filter((time) => time / length > start).length;
  const retries = past.retries.filter((time) => time / length >= start).length;
  return retries + 1 <= limit(calls, rule);
}

/** A rule that may err by one bucket on either side admits at least what this one does. */
export function generous(past: Past, now: bigint, rule: Rule): boolean {
  const length = rule.windowNs / 20n;
  const calls = count(past.calls, now - rule.windowNs + length, now);
  return count(past.retries, now - rule.windowNs - length, now) + 1 <= limit(calls, rule);
}

/** What is later than this. */
export function within({ calls, retries }: Past, from: bigint): Past {
  return { calls: calls.filter((time) => time > from), retries: retries.filter((time) => time > from) };
}

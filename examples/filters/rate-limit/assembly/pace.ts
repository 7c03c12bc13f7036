// The algorithm: a bucket that leaks steadily (GCRA). All that it must remember is one moment, when the bucket will be empty. It
// knows no clock and no hostcall.

/**
 * Admits a request at `nowNs`.
 *
 * @param emptyNs    when the bucket will be empty by what was admitted so far; 0 at first
 * @param intervalNs that one request fills, on its way out
 * @param burst      requests that the bucket holds
 * @returns when it will be empty with this one; 0: it is not admitted
 */
export function admit(emptyNs: u64, nowNs: u64, intervalNs: u64, burst: u32): u64 {
  const next = max(emptyNs, nowNs) + intervalNs;
  return next <= nowNs + intervalNs * burst ? next : 0;
}

/** Whole seconds, 1 or more, after which one more request would be admitted. */
export function secondsToWait(emptyNs: u64, nowNs: u64, intervalNs: u64, burst: u32): u64 {
  const waitNs = emptyNs + intervalNs - (nowNs + intervalNs * burst);
  return (waitNs + 999_999_999) / 1_000_000_000;
}

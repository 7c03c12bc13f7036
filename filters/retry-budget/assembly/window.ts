// The sliding window of one budget, over 192 bytes that all workers share. It knows no clock and no hostcall: the caller
// brings the bytes and the time, and writes the bytes back.
//
//    0  u64  number of the newest bucket: time / length of a bucket
//    8  u64  length of a bucket in nanoseconds: window / 20; 0 while the budget is new
//   16  u32  share in use that the gauge shows
//   20  u32  hash of the name of the scope whose window it is; 0 while it is nobody's
//   24  21 x (u32 calls, u32 retries), bucket number n at n % 21
//
// A window of 20 lengths touches 21 buckets, the oldest only in part. That one's calls don't count and its retries do,
// so the error is always on the stingy side: never more is admitted than the exact rule allows. The newest bucket has no
// part outside the window, since nothing in it can be later than now.

/** Part of the key under which the bytes are kept; another layout needs another number. */
export const LAYOUT = 2;

/** Bytes of a window. */
export const WINDOW_SIZE = 192;

/** Buckets that a window is long. */
const BUCKETS: u64 = 20;

const NEWEST: usize = 0;
const LENGTH: usize = 8;
const SHOWN: usize = 16;
const OWNER: usize = 20;
const COUNTS: usize = 24;
const COUNTS_SIZE: usize = 168; // 21 buckets of 8 bytes
const CALLS: usize = 0;
const RETRIES: usize = 4;

const old = memory.data(168, 8);

/** Hash of the scope whose window it is; 0: nobody's so far, and from now on this one's. */
export function own(at: usize, hash: u32): u32 {
  const owner = load<u32>(at, OWNER);
  if (!owner) store<u32>(at, hash, OWNER);
  return owner;
}

/**
 * Brings the window up to now: buckets that it no longer touches are emptied. Where its length has changed, what was
 * counted moves to the new buckets: calls as early and retries as late as they may have been.
 */
export function advance(at: usize, nowNs: u64, windowNs: u64): void {
  const length = windowNs / BUCKETS;
  if (load<u64>(at, LENGTH) != length) return resize(at, nowNs, length);
  const from = load<u64>(at, NEWEST);
  const to = nowNs / length;
  if (to <= from) return;
  for (let n = from + 1, end = min(to, from + BUCKETS + 1); n <= end; n++) store<u64>(bucket(at, n), 0);
  store<u64>(at, to, NEWEST);
}

/** Counts a call, now. */
export function countCall(at: usize): void {
  add(bucket(at, load<u64>(at, NEWEST)) + CALLS, 1);
}

/**
 * Admits one retry and counts it, now; false, and nothing counted, where the window's share is spent.
 *
 * @param percent    retries per 100 calls
 * @param minRetries admitted in any case, so that a quiet service can retry at all
 */
export function tryAdmit(at: usize, percent: u32, minRetries: u32): bool {
  if (retries(at) >= limit(at, percent, minRetries)) return false;
  add(bucket(at, load<u64>(at, NEWEST)) + RETRIES, 1);
  return true;
}

/** When the bucket begins in which a retry that is admitted now counts. */
export function newestNs(at: usize): u64 {
  return load<u64>(at, NEWEST) * load<u64>(at, LENGTH);
}

/**
 * Takes back a retry that was admitted but not made. False, and nothing changed, where there is none in the bucket of that
 * time, which has left the window, or whose retries a change of the window's length has moved on: it then counts as made.
 *
 * @param timeNs what {@link newestNs} was when it was admitted
 */
export function giveBack(at: usize, timeNs: u64): bool {
  const length = load<u64>(at, LENGTH);
  if (!length) return false;
  const number = timeNs / length;
  const last = load<u64>(at, NEWEST);
  if (number > last || last - number > BUCKETS) return false;
  const count = bucket(at, number) + RETRIES;
  if (!load<u32>(count)) return false;
  store<u32>(count, load<u32>(count) - 1);
  return true;
}

/** Calls of the buckets that lie in the window as a whole. */
export function calls(at: usize): u64 {
  const last = load<u64>(at, NEWEST);
  let sum: u64 = 0;
  for (let back: u64 = 0; back < BUCKETS && back <= last; back++) sum += load<u32>(bucket(at, last - back), CALLS);
  return sum;
}

/** Retries of all buckets that the window touches. */
export function retries(at: usize): u64 {
  let sum: u64 = 0;
  for (let i: usize = 0; i < COUNTS_SIZE; i += 8) sum += load<u32>(at + COUNTS + i, RETRIES);
  return sum;
}

/** Retries that the window may have: `percent` of its calls, but not less than `minRetries`. */
export function limit(at: usize, percent: u32, minRetries: u32): u64 {
  return max<u64>(minRetries, (calls(at) * percent) / 100);
}

/**
 * Share of the limit that is in use, in percent from 0 to 100.
 *
 * @returns -1 where it is what the gauge shows; else it has been noted as shown
 */
export function shareToShow(at: usize, percent: u32, minRetries: u32): i32 {
  const most = limit(at, percent, minRetries);
  const used = retries(at);
  const share = used < most ? <u32>((used * 100) / most) : used ? 100 : 0; // calls leave the window, so used may be more
  if (load<u32>(at, SHOWN) == share) return -1;
  store<u32>(at, share, SHOWN);
  return share;
}

/** Puts the counts into buckets of another length. */
function resize(at: usize, nowNs: u64, length: u64): void {
  const oldLength = load<u64>(at, LENGTH);
  const oldNewest = load<u64>(at, NEWEST);
  memory.copy(old, at + COUNTS, COUNTS_SIZE);
  memory.fill(at + COUNTS, 0, COUNTS_SIZE);
  const to = nowNs / length;
  store<u64>(at, to, NEWEST);
  store<u64>(at, length, LENGTH);
  for (let back: u64 = 0; back <= BUCKETS && back <= oldNewest && oldLength; back++) {
    const n = oldNewest - back;
    const counts = old + slot(n);
    const first = (n * oldLength) / length;
    const last = min(((n + 1) * oldLength - 1) / length, to);
    if (first + BUCKETS >= to) add(bucket(at, min(first, to)) + CALLS, load<u32>(counts, CALLS));
    if (last + BUCKETS >= to) add(bucket(at, last) + RETRIES, load<u32>(counts, RETRIES));
  }
}

function slot(number: u64): usize {
  return (<usize>(number % (BUCKETS + 1))) << 3;
}

function bucket(at: usize, number: u64): usize {
  return at + COUNTS + slot(number);
}

function add(at: usize, by: u32): void {
  store<u32>(at, load<u32>(at) + by);
}

// Which deadline belongs to a request id: how a sidecar ties a call of its application to the request that caused it. The
// ring has a fixed number of places, by hash, since shared data knows no delete; the newest takes the place of what is
// there, and a request that lost its place is not tightened. The id is kept as it is, so that no other one is taken for it.
//
//   0  i64  deadline in nanoseconds of the monotonic clock; 0: none
//   8  ...  the id

/** Part of the key of a place; another layout needs another number. */
export const LAYOUT = 1;

/** Places: with 400 requests open, one in ten would lose its place. */
export const PLACES: u32 = 4096;

/** An id that is longer is not kept; a UUID has 36 bytes, a trace id 32. */
export const ID_MAX: i32 = 64;

/** Bytes of a record before the id. */
export const HEAD = 8;

/** Where the id's record lies: FNV-1a, folded. */
export function placeOf(id: usize, size: i32): u32 {
  let hash: u32 = 0x811c9dc5;
  for (let i = 0; i < size; i++) hash = (hash ^ load<u8>(id + i)) * 0x01000193;
  return (hash ^ (hash >> 16)) % PLACES;
}

/** Writes a record of `HEAD + size` bytes. */
export function writeRecord(at: usize, id: usize, size: i32, deadline: i64): void {
  store<i64>(at, deadline);
  memory.copy(at + HEAD, id, size);
}

/** The deadline in a record of `recordSize` bytes; 0 if it has none, or belongs to another id. */
export function deadlineOf(at: usize, recordSize: i32, id: usize, size: i32): i64 {
  if (recordSize != HEAD + size || memory.compare(at + HEAD, id, size) != 0) return 0;
  return load<i64>(at);
}

/** Offset of the 32 hex digits of the trace id in a `traceparent` of this size; -1 if it is none. W3C Trace Context 2.2. */
export function traceIdIn(at: usize, size: i32): i32 {
  return size >= 55 && load<u8>(at, 2) == 0x2d && load<u8>(at, 35) == 0x2d ? 3 : -1;
}

export const TRACE_ID_SIZE: i32 = 32;

// Where objects lie. Memory from `__heap_base` on is one row of blocks, without gaps:
//
//   u32 size of the block, a multiple of 8; bit 0: kept by hand | u32 link | u32 class id | u32 size of the object | the object
//
// A block in use has in `link` what the collector puts there. `sweep` walks the row and joins free neighbours into spans;
// a span has nothing but the first two words, and its link is the next span's address, whose last bits are no mark. A small
// block takes the next bytes of the current span, so that to allocate is to add; where they don't suffice, the next span
// becomes the current one, and what is left of the last is lost until the next sweep. A large block is cut off the end of
// a large span, and leaves the small spans to the small blocks, between which it would find no place the next time.
//
// A sweep comes after as many bytes as are in use, so collecting costs a constant share of the time, and memory stays within
// a small multiple of what is in use. It grows by what is missing.

/** Bytes of a block before its object. */
export const HEADER: usize = 16;

/** Set in a block's size: no sweep frees it. */
const KEPT: usize = 1;
const SIZE: usize = ~7;

/** Blocks and spans from here on are large. */
const LARGE: usize = 2048;

/** No host has more memory. */
const OBJECT_MAX: usize = 1 << 30;

/** Fewer bytes than this are not worth a collection; with it, a filter that holds little stays within its first page. */
const GARBAGE_MIN: usize = 32 * 1024;

/** What is left of the current span. */
let cursor: usize = 0;
let limit: usize = 0;

/** Heads of the lists of the other small and large spans, by address: in the place of a span's link is the first one. */
const SMALL_SPANS = memory.data(8, 4);
const LARGE_SPANS = memory.data(8, 4);

/** End of the row. */
let end: usize = 0;

/** Bytes that the last sweep left, and bytes to be allocated until the next one is due. */
let live: usize = 0;
let untilSweep: isize = GARBAGE_MIN;

/** A block for an object of this size; its link is 0, what follows is as it happens to be. */
export function allocate(size: usize): usize {
  const total = blockSize(size);
  let block = cursor;
  if (total <= min(limit - cursor, LARGE)) cursor += total;
  else block = total > LARGE ? allocateLarge(total) : allocateInNextSpan(total);
  untilSweep -= total;
  setSpan(block, total);
  return block;
}

/** Makes a block smaller. False if it is too small for an object of this size. */
export function shrink(block: usize, size: usize): bool {
  const total = blockSize(size);
  const info = load<usize>(block);
  const rest = (info & SIZE) - total;
  if (<isize>rest < 0) return false;
  store<usize>(block, total | (info & KEPT));
  if (rest) setSpan(block + total, rest);
  return true;
}

/** Has sweeps keep a block. */
export function keep(block: usize): void {
  store<usize>(block, load<usize>(block) | KEPT);
}

/** Leaves a block that was kept to the next sweep. */
export function release(block: usize): void {
  const size = load<usize>(block) & SIZE;
  store<usize>(block, size);
  untilSweep -= size; // as if it had never been in use
}

/** Whether as much was allocated as is in use. */
export function isSweepDue(): bool {
  return untilSweep < 0;
}

/** Bytes of all blocks in use, as of the last sweep. */
export function liveBytes(): usize {
  return live;
}

/** Frees every block whose link's last two bits are not these, if it is not kept by hand. */
export function sweep(mark: usize): void {
  closeSpan();
  cursor = limit = live = 0;
  let lastSmall = SMALL_SPANS;
  let lastLarge = LARGE_SPANS;
  let block = heapStart();
  while (block < end) {
    const start = block;
    while (block < end && isFree(block, mark)) block += load<usize>(block) & SIZE;
    const free = block - start;
    if (free) setSpan(start, free);
    if (free >= LARGE) lastLarge = append(lastLarge, start);
    else if (free) lastSmall = append(lastSmall, start);
    while (block < end && !isFree(block, mark)) {
      const size = load<usize>(block) & SIZE;
      live += size;
      block += size;
    }
  }
  store<usize>(lastSmall, 0, 4);
  store<usize>(lastLarge, 0, 4);
  untilSweep = max(live, GARBAGE_MIN);
}

/** Makes a span the one after the last, and the last. */
function append(last: usize, span: usize): usize {
  store<usize>(last, span, 4);
  return span;
}

function isFree(block: usize, mark: usize): bool {
  return !(load<usize>(block) & KEPT) && (load<usize>(block, 4) & 3) != mark;
}

function allocateInNextSpan(total: usize): usize {
  do {
    closeSpan();
    let list = SMALL_SPANS;
    if (!load<usize>(list, 4)) list = LARGE_SPANS;
    if (!load<usize>(list, 4)) grow(list, total);
    const span = load<usize>(list, 4);
    store<usize>(list, load<usize>(span, 4), 4);
    cursor = span;
    limit = span + load<usize>(span);
  } while (total > limit - cursor);
  const block = cursor;
  cursor += total;
  return block;
}

function allocateLarge(total: usize): usize {
  if (total <= limit - cursor) return (limit -= total);
  let span = LARGE_SPANS;
  while (load<usize>(span) <= total) {
    // so that something is left of the span
    const next = load<usize>(span, 4);
    if (!next) grow(span, total + 8);
    span = load<usize>(span, 4);
  }
  const rest = load<usize>(span) - total;
  store<usize>(span, rest);
  return span + rest;
}

/** Adds memory as a span of so many bytes at least, after the last one. */
function grow(last: usize, size: usize): void {
  if (!end) end = heapStart();
  const missing = <isize>(end + size) - <isize>(memory.size() << 16);
  if (missing > 0 && memory.grow((<i32>missing + 0xffff) >>> 16) < 0) throw new Error("out of memory");
  const start = end;
  end = memory.size() << 16;
  setSpan(start, end - start);
  append(last, start);
}

/** Makes a free block of what is left of the current span, so that the row has no gaps. */
function closeSpan(): void {
  if (cursor < limit) setSpan(cursor, limit - cursor);
}

function setSpan(span: usize, size: usize): void {
  store<u64>(span, size); // and no link
}

function blockSize(size: usize): usize {
  if (size > OBJECT_MAX) throw new Error("out of memory");
  return HEADER + ((size + 7) & ~7);
}

function heapStart(): usize {
  return (__heap_base + 7) & ~7;
}

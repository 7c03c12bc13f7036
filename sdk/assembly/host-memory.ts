// Memory that a hostcall reads from and writes to, outside the garbage collector.
//
// In: the host asks for memory (`proxy_on_memory_allocate`) in the middle of a hostcall, at most once for each, writes the
// value there and tells address and size. All values land in one region that is used again and again: a value must be
// copied or read before the next hostcall that returns one. Nothing to free, so nothing to leak.
//
// Out: an `Argument` holds where one string or byte argument lies while a call runs. Literals, such as header names, are
// encoded once and found again by their address.

import { encodePath } from "./property-path";
import { encodeUtf8, maxUtf8Size } from "./utf8";

let region: usize = 0;
let regionSize: usize = 0;

/** Memory beyond this is given back when a smaller value comes: one large body must not cost its size for ever. */
const KEPT: usize = 256 * 1024;

/** Whether memory of this capacity must be replaced to hold so many bytes. */
function mustReplace(capacity: usize, size: usize): bool {
  return size > capacity || (capacity > KEPT && size <= KEPT);
}

/** Memory for a value of the host, valid until the next call. */
export function allocateForHost(size: usize): usize {
  received += size;
  if (mustReplace(regionSize, size)) {
    if (region) heap.free(region);
    regionSize = max<usize>(size, 1024);
    region = heap.alloc(regionSize);
  }
  return region;
}

/** Bytes that the host has written since the last collection. */
export let received: usize = 0;

export function resetReceived(): void {
  received = 0;
}

/** Where the host writes address and size of a value, and words such as a metric's id. */
export const OUT_PTR = memory.data(24, 8);
export const OUT_SIZE = OUT_PTR + 4;
export const OUT_WORD = OUT_PTR + 8;
export const OUT_LONG = OUT_PTR + 16;

/** Address of the value that the last hostcall returned. */
export function valuePtr(): usize {
  return load<usize>(OUT_PTR);
}

/** Size in bytes of the value that the last hostcall returned. */
export function valueSize(): usize {
  return load<usize>(OUT_SIZE);
}

/** A copy of the value that the last hostcall returned. */
export function valueBytes(): Uint8Array {
  const size = <i32>valueSize();
  const bytes = new Uint8Array(size);
  memory.copy(bytes.dataStart, valuePtr(), size);
  return bytes;
}

/** Whether the value that the last hostcall returned is this text, which must be ASCII. */
export function valueIs(text: string): bool {
  const size = text.length;
  if (valueSize() != size) return false;
  for (let i = 0; i < size; i++) {
    if (load<u8>(valuePtr() + i) != load<u16>(changetype<usize>(text) + (i << 1))) return false;
  }
  return true;
}

/** One string or byte argument of a hostcall while the call runs; used again by each call. */
export class Argument {
  ptr: usize = 0;
  size: usize = 0;
  private buffer: usize = 0;
  private capacity: usize = 0;

  /** The text as UTF-8. */
  text(text: string): this {
    const literal = literalSlot(changetype<usize>(text));
    if (literal && this.recall(literal)) return this;
    this.encode(text);
    if (literal) this.remember(literal);
    return this;
  }

  /** A property's path, such as `request.headers['x-id']`, its parts parted by NUL. */
  path(path: string): this {
    const literal = literalSlot(changetype<usize>(path) | AS_PATH);
    if (literal && this.recall(literal)) return this;
    this.encode(path);
    this.size = encodePath(this.ptr, this.size);
    if (literal) this.remember(literal);
    return this;
  }

  /** Nothing. */
  none(): this {
    this.ptr = 0;
    this.size = 0;
    return this;
  }

  /** Room for up to `size` bytes, for the caller to fill and to set `size`. */
  room(size: usize): usize {
    if (mustReplace(this.capacity, size)) {
      if (this.buffer) heap.free(this.buffer);
      this.capacity = size + (size >> 1);
      this.buffer = heap.alloc(this.capacity);
    }
    this.ptr = this.buffer;
    return this.buffer;
  }

  private encode(text: string): void {
    const at = this.room(maxUtf8Size(text.length));
    this.size = encodeUtf8(text, text.length, at);
  }

  /** Takes the encoding that the slot keeps; false if it keeps none yet. */
  private recall(slot: usize): bool {
    const ptr = load<usize>(slot, 4);
    if (!ptr) return false;
    this.ptr = ptr;
    this.size = load<usize>(slot, 8);
    return true;
  }

  private remember(slot: usize): void {
    const copy = heap.alloc(this.size);
    memory.copy(copy, this.ptr, this.size);
    store<usize>(slot, copy, 4);
    store<usize>(slot, this.size, 8);
  }
}

/** Tells a path from a text at the same address: objects lie at multiples of 16. */
const AS_PATH: usize = 1;

/** 256 slots of 12 bytes: key, address and size of the encoding. */
const LITERALS = memory.data(3072, 4);

/**
 * The slot of a literal, which is known by its address: it lies below the heap, never moves and never changes. 0 for any
 * other text, and for a literal whose slot another one has: both are encoded each time.
 */
function literalSlot(key: usize): usize {
  if (key >= __heap_base) return 0;
  const slot = LITERALS + (((key >> 4) ^ key) & 255) * 12;
  const owner = load<usize>(slot);
  if (!owner) store<usize>(slot, key);
  return !owner || owner == key ? slot : 0;
}

export const FIRST = new Argument();
export const SECOND = new Argument();
export const THIRD = new Argument();

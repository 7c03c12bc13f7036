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

/** Memory beyond this is given back when a smaller value comes: one large body must not cost its size for ever. */
const KEPT: usize = 256 * 1024;

/** Memory for a value of the host, valid until the next call. */
export function allocateForHost(size: usize): usize {
  return RECEIVED.room(size);
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
@unmanaged
export class Argument {
  size: usize = 0;
  ptr: usize = 0;
  private buffer: usize = 0;
  private capacity: usize = 0;

  /** The text as UTF-8. */
  text(text: string): Argument {
    const kept = recall(text, TEXT);
    if (kept != null) return kept;
    this.encode(text);
    this.remember(text, TEXT);
    return this;
  }

  /** A property's path, such as `request.headers['x-id']`, its parts parted by NUL. */
  path(path: string): Argument {
    const kept = recall(path, PATH);
    if (kept != null) return kept;
    this.encode(path);
    this.size = encodePath(this.ptr, this.size);
    this.remember(path, PATH);
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
    if (size > this.capacity || (this.capacity > KEPT && size <= KEPT)) {
      if (this.buffer) heap.free(this.buffer);
      this.capacity = size > KEPT ? size : max<usize>(size + (size >> 1), 256);
      this.buffer = heap.alloc(this.capacity);
    }
    this.ptr = this.buffer;
    return this.buffer;
  }

  private encode(text: string): void {
    const at = this.room(maxUtf8Size(text.length));
    this.size = encodeUtf8(text, text.length, at);
  }

  /** Has a literal keep its encoding, if it keeps none yet. */
  private remember(text: string, kind: usize): void {
    if (changetype<usize>(text) >= __heap_base) return;
    const kept = keptBy(text);
    if (kept.ptr) return;
    const copy = heap.alloc(this.size + kind) + kind;
    memory.copy(copy, this.ptr, this.size);
    kept.ptr = copy;
    kept.size = this.size;
  }
}

/** What a literal's encoding is, told by its address: memory from the heap is even. */
const TEXT: usize = 0;
const PATH: usize = 1;

/** The encoding that a literal keeps; null if it keeps none of this kind. */
function recall(text: string, kind: usize): Argument | null {
  if (changetype<usize>(text) >= __heap_base) return null;
  const kept = keptBy(text);
  return kept.ptr && (kept.ptr & 1) == kind ? kept : null;
}

/** Where a literal keeps it: `size` and `ptr` are words of its static header that the runtime does not use. */
function keptBy(text: string): Argument {
  return changetype<Argument>(changetype<usize>(text) - 20);
}

export const FIRST = changetype<Argument>(memory.data(16, 4));
export const SECOND = changetype<Argument>(memory.data(16, 4));
export const THIRD = changetype<Argument>(memory.data(16, 4));
const RECEIVED = changetype<Argument>(memory.data(16, 4));

// All headers of a map as they came from the host in one call (the form is drawn in pairs.ts), to be read many times.
import { FIRST, OUT_PTR, OUT_SIZE, SECOND, valuePtr, valueSize } from "./host-memory";
import { decodePairs, Pair } from "./pairs";
import { decodeUtf8 } from "./utf8";

/**
 * The headers of one moment. A call of the host costs microseconds, a read here nanoseconds: take a snapshot where several
 * headers are read, or one by several parts. It stays as it is when the map changes, and can be kept after the request is
 * gone. Names are case-insensitive. It is one object, whose bytes are the host's block.
 */
@final
export class HeaderSnapshot {
  /** How many headers there are, each value of a name counted. */
  get size(): i32 {
    return load<i32>(changetype<usize>(this));
  }

  /** Bytes of all names and values, as Envoy counts them. */
  get sizeBytes(): i32 {
    return load<i32>(changetype<usize>(this) - 4) - 4 - 10 * this.size; // beside them there are sizes and ends
  }

  has(name: string): bool {
    return this.find(name, 0) >= 0;
  }

  /** The value, the first one where there are several; null if there is none. What is not UTF-8 is U+FFFD in it. */
  get(name: string): string | null {
    return this.find(name, 0) < 0 ? null : decodeUtf8(valuePtr(), valueSize());
  }

  /** The value's bytes, the first one's where there are several. */
  getBytes(name: string): Uint8Array | null {
    if (this.find(name, 0) < 0) return null;
    const bytes = new Uint8Array(<i32>valueSize());
    memory.copy(bytes.dataStart, valuePtr(), valueSize());
    return bytes;
  }

  /** All values of a name, in order. */
  getAll(name: string): string[] {
    const values: string[] = [];
    for (let at = this.find(name, 0); at >= 0; at = this.find(name, at + 1))
      values.push(decodeUtf8(valuePtr(), valueSize()));
    return values;
  }

  /** Whether one of the name's values is this text, byte for byte; nothing is allocated for it. */
  is(name: string, text: string): bool {
    const expected = SECOND.text(text);
    for (let at = this.find(name, 0); at >= 0; at = this.find(name, at + 1)) {
      if (valueSize() == expected.size && !memory.compare(valuePtr(), expected.ptr, expected.size)) return true;
    }
    return false;
  }

  /** All headers in order, names in lower case. */
  entries(): Pair[] {
    return decodePairs(changetype<usize>(this), load<u32>(changetype<usize>(this) - 4));
  }

  /** The place, from one on, of a header with this name, whose value is then what the host would have returned; -1: none. */
  private find(name: string, from: i32): i32 {
    const asked = FIRST.text(name);
    const sizes = changetype<usize>(this) + 4;
    let data = sizes + ((<usize>this.size) << 3);
    for (let i = 0; i < this.size; i++) {
      const nameSize = load<usize>(sizes + ((<usize>i) << 3));
      const size = load<usize>(sizes + ((<usize>i) << 3), 4);
      if (i >= from && nameSize == asked.size && equalsIgnoringCase(data, asked.ptr, nameSize)) {
        store<usize>(OUT_PTR, data + nameSize + 1);
        store<usize>(OUT_SIZE, size);
        return i;
      }
      data += nameSize + size + 2;
    }
    return -1;
  }
}

/** A snapshot of the value that the last hostcall returned; without headers where that is no block of pairs. */
export function takeSnapshot(isThere: bool): HeaderSnapshot {
  const size = isThere && isWhole(valuePtr(), valueSize()) ? valueSize() : 0;
  const snapshot = __new(max<usize>(size, 4), idof<HeaderSnapshot>());
  store<u32>(snapshot, 0);
  memory.copy(snapshot, valuePtr(), size);
  return changetype<HeaderSnapshot>(snapshot);
}

/** Whether all pairs lie within the block. */
function isWhole(block: usize, size: usize): bool {
  if (size < 4) return false;
  const count = <u64>load<u32>(block);
  let end: u64 = 4 + count * 8;
  if (end > size) return false;
  for (let at = block + 4; at < block + 4 + <usize>count * 8; at += 4) end += <u64>load<u32>(at) + 1;
  return end <= size;
}

/** As HTTP compares names: letters of ASCII only. The first one is in lower case. */
function equalsIgnoringCase(lower: usize, name: usize, size: usize): bool {
  for (let i: usize = 0; i < size; i++) {
    const code = load<u8>(name + i);
    if (load<u8>(lower + i) != (code >= 0x41 && code <= 0x5a ? code | 0x20 : code)) return false;
  }
  return true;
}

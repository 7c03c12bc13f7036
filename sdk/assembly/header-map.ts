import { isEnding } from "./callback";
import {
  proxy_add_header_map_value,
  proxy_get_header_map_pairs,
  proxy_get_header_map_value,
  proxy_remove_header_map_value,
  proxy_replace_header_map_value,
} from "./env";
import { HeaderSnapshot, takeSnapshot } from "./header-snapshot";
import { FIRST, OUT_PTR, OUT_SIZE, SECOND, valueBytes, valuePtr, valueSize } from "./host-memory";
import { decodePairs, Pair } from "./pairs";
import { Status } from "./status";
import { decodeUtf8 } from "./utf8";

/**
 * Headers or trailers. Names are case-insensitive. A header that is not there, or a map that this phase does not have,
 * reads as null; an empty one as "". Values are bytes: where they are not UTF-8, `get` has U+FFFD in their place and
 * `getBytes` has them as they are.
 */
@final
@unmanaged
export class HeaderMap {
  /** One of sdk/abi/map-type.ts. It is all that a map is, so the reference itself says it and nothing is allocated. */
  constructor(type: i32) {
    return changetype<HeaderMap>(type + 1); // 0 is null
  }

  private get type(): i32 {
    return changetype<i32>(this) - 1;
  }

  /** The value, the first one where there are several. */
  get(name: string): string | null {
    return this.read(name) ? decodeUtf8(valuePtr(), valueSize()) : null;
  }

  /** The value's bytes, the first one's where there are several. */
  getBytes(name: string): Uint8Array | null {
    return this.read(name) ? valueBytes() : null;
  }

  has(name: string): bool {
    return this.read(name);
  }

  /** All values of a name, in order. */
  getAll(name: string): string[] {
    return this.snapshot().getAll(name);
  }

  /** All headers in one call of the host, for many reads. Without any where this phase does not have the map. */
  snapshot(): HeaderSnapshot {
    return takeSnapshot(proxy_get_header_map_pairs(this.type, OUT_PTR, OUT_SIZE) == Status.Ok);
  }

  /** All headers in order, names in lower case. */
  entries(): Pair[] {
    return proxy_get_header_map_pairs(this.type, OUT_PTR, OUT_SIZE) == Status.Ok
      ? decodePairs(valuePtr(), valueSize())
      : [];
  }

  /** Puts the value in the place of all that the name has. */
  set(name: string, value: string): Status {
    if (isEnding()) return Status.BadArgument;
    const n = FIRST.text(name);
    const v = SECOND.text(value);
    return proxy_replace_header_map_value(this.type, n.ptr, n.size, v.ptr, v.size);
  }

  /** As `set`, for a value that need not be UTF-8. */
  setBytes(name: string, value: Uint8Array): Status {
    if (isEnding()) return Status.BadArgument;
    const n = FIRST.text(name);
    return proxy_replace_header_map_value(this.type, n.ptr, n.size, value.dataStart, value.byteLength);
  }

  /** Adds a value to those that the name has. */
  add(name: string, value: string): Status {
    if (isEnding()) return Status.BadArgument;
    const n = FIRST.text(name);
    const v = SECOND.text(value);
    return proxy_add_header_map_value(this.type, n.ptr, n.size, v.ptr, v.size);
  }

  /** Ok also where there is no such header. */
  remove(name: string): Status {
    if (isEnding()) return Status.BadArgument;
    const n = FIRST.text(name);
    return proxy_remove_header_map_value(this.type, n.ptr, n.size);
  }

  private read(name: string): bool {
    const n = FIRST.text(name);
    return proxy_get_header_map_value(this.type, n.ptr, n.size, OUT_PTR, OUT_SIZE) == Status.Ok;
  }
}

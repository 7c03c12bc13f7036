import { proxy_get_shared_data, proxy_set_shared_data } from "./env";
import { FIRST, OUT_PTR, OUT_SIZE, OUT_WORD, valueBytes } from "./host-memory";
import { Status } from "./status";

/** A value as it was read, with the version that a compare-and-swap needs. */
@final
export class SharedValue {
  constructor(
    readonly bytes: Uint8Array,
    readonly cas: u32,
  ) {}
}

/**
 * The value that all workers, both halves and all plugins with the same vm_id see under this key; null if nobody has
 * written it. It stays until the last of them is gone: keys can't be deleted, so use a fixed number of them.
 */
export function getSharedData(key: string): SharedValue | null {
  const k = FIRST.text(key);
  if (proxy_get_shared_data(k.ptr, k.size, OUT_PTR, OUT_SIZE, OUT_WORD) != Status.Ok) return null;
  return new SharedValue(valueBytes(), load<u32>(OUT_WORD));
}

/** As `cas`: only where nobody has written the key yet. It is no version that a key can have. */
export const IF_ABSENT: u32 = u32.MAX_VALUE;

/**
 * Writes the value. With the `cas` that was read, only if nobody wrote in between: else CasMismatch, so read again.
 * 0 writes in any case, `IF_ABSENT` a key that is new.
 */
export function setSharedData(key: string, value: Uint8Array, cas: u32 = 0): Status {
  const k = FIRST.text(key);
  return proxy_set_shared_data(k.ptr, k.size, value.dataStart, value.byteLength, cas);
}

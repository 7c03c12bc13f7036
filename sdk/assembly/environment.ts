import { decodeUtf8 } from "./utf8";
import { environ_get, environ_sizes_get } from "./wasi_snapshot_preview1";

/**
 * A variable of the VM's environment, which a WasmPlugin sets in `vmConfig.env`; null where there is none, or where the host
 * can't tell. Each call reads the whole environment, which never changes: keep what requests need in a field of the plugin.
 * @see WASI preview 1, environ_get: `name=value` and a NUL, each
 */
export function environment(name: string): string | null {
  const sizes = memory.data(8, 4);
  if (environ_sizes_get(sizes, sizes + 4)) return null;
  const pointersSize = <usize>load<u32>(sizes) * 4;
  const size = load<u32>(sizes, 4);
  const pointers = heap.alloc(pointersSize + size);
  const texts = pointers + pointersSize;
  let found: string | null = null;
  if (!environ_get(pointers, texts)) found = find(name + "=", texts, texts + size);
  heap.free(pointers);
  return found;
}

/** What follows `start` in the first text that begins with it. The texts follow one another: the pointers say nothing more. */
function find(start: string, at: usize, end: usize): string | null {
  while (at < end) {
    const from = at;
    while (at < end && load<u8>(at)) at++;
    const variable = decodeUtf8(from, at - from);
    if (variable.startsWith(start)) return variable.substring(start.length);
    at++;
  }
  return null;
}

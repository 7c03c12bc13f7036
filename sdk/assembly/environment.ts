import { decodeUtf8 } from "./utf8";
import { environ_get, environ_sizes_get } from "./wasi_snapshot_preview1";

/**
 * A variable of the VM's environment, which a WasmPlugin sets in `vmConfig.env`; null where there is none. Each call reads
 * the whole environment, which never changes: keep what requests need in a field of the plugin.
 * @see WASI preview 1, environ_get: `name=value` and a NUL, each
 */
export function environment(name: string): string | null {
  const sizes = memory.data(8, 4);
  environ_sizes_get(sizes, sizes + 4);
  const count = load<u32>(sizes);
  const pointers = heap.alloc(<usize>count * 4 + load<u32>(sizes + 4));
  const texts = pointers + <usize>count * 4;
  environ_get(pointers, texts);
  const end = texts + load<u32>(sizes + 4);
  let found: string | null = null;
  for (let i: u32 = 0; i < count && found == null; i++) {
    const at = load<usize>(pointers + i * 4);
    const next = i + 1 < count ? load<usize>(pointers + (i + 1) * 4) : end;
    const variable = decodeUtf8(at, next - at - 1);
    if (variable.startsWith(name) && variable.charAt(name.length) == "=") found = variable.substring(name.length + 1);
  }
  heap.free(pointers);
  return found;
}

// Functions that Envoy has beyond the ABI, by name.
// @see Envoy source/extensions/common/wasm/foreign.cc
import { proxy_call_foreign_function } from "./env";
import { FIRST, OUT_PTR, OUT_SIZE, valueBytes } from "./host-memory";
import { Status } from "./status";

/** Calls a function with bytes as it wants them. Null if Envoy does not have it, or it refused. */
export function callForeignFunction(name: string, argument: Uint8Array): Uint8Array | null {
  return callForeign(name, argument.dataStart, argument.byteLength) == Status.Ok ? valueBytes() : null;
}

/** Calls a function; its result is then the value that the host returned. */
export function callForeign(name: string, argument: usize, size: usize): Status {
  const n = FIRST.text(name);
  return proxy_call_foreign_function(n.ptr, n.size, argument, size, OUT_PTR, OUT_SIZE);
}

/** The bytes in zlib's format; null if Envoy could not. */
export function compress(bytes: Uint8Array): Uint8Array | null {
  return callForeignFunction("compress", bytes);
}

/** What `compress` made; null if it is not in zlib's format. */
export function uncompress(bytes: Uint8Array): Uint8Array | null {
  return callForeignFunction("uncompress", bytes);
}

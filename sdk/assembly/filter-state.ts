import { proxy_get_property, proxy_set_property } from "./env";
import { FIRST, OUT_PTR, OUT_SIZE, SECOND, valueBytes, valuePtr, valueSize } from "./host-memory";
import { Status } from "./status";
import { decodeUtf8 } from "./utf8";

/**
 * One store a request: what one plugin writes is read by the other half, by later attempts, by other plugins, by the
 * access log (`%FILTER_STATE(wasm.NAME:PLAIN)%`) and by span tags. There is no delete: write "".
 */
@final
@unmanaged
export class FilterState {
  /** There is nothing to allocate: the host knows whose it is. */
  constructor() {
    return changetype<FilterState>(1);
  }

  get(name: string): string | null {
    return this.read(name) ? decodeUtf8(valuePtr(), valueSize()) : null;
  }

  getBytes(name: string): Uint8Array | null {
    return this.read(name) ? valueBytes() : null;
  }

  set(name: string, value: string): Status {
    const n = FIRST.text(name);
    const v = SECOND.text(value);
    return proxy_set_property(n.ptr, n.size, v.ptr, v.size);
  }

  setBytes(name: string, value: Uint8Array): Status {
    const n = FIRST.text(name);
    return proxy_set_property(n.ptr, n.size, value.dataStart, value.byteLength);
  }

  /** The host finds what a plugin wrote under the bare name, its dots being part of it. */
  private read(name: string): bool {
    const n = FIRST.text(name);
    return proxy_get_property(n.ptr, n.size, OUT_PTR, OUT_SIZE) == Status.Ok;
  }
}

import { proxy_get_property, proxy_set_property } from "./env";
import { callForeign } from "./foreign";
import { FIRST, OUT_PTR, OUT_SIZE, SECOND, valueBytes, valuePtr, valueSize } from "./host-memory";
import { writeText } from "./protobuf";
import { Status } from "./status";
import { decodeUtf8, maxUtf8Size } from "./utf8";

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

  /**
   * Sets an object of Envoy's own, such as `envoy.upstream.dynamic_host`, from its text form. It lives as long as the request;
   * as the connection, in a filter of connections. There is no other life span, since Envoy reports a bug of its own where an
   * object is set again with another one.
   *
   * @returns NotFound if Envoy has no such object; BadArgument if the text is none of it
   * @see https://www.envoyproxy.io/docs/envoy/v1.40.0/configuration/advanced/well_known_filter_state
   */
  setEnvoyObject(key: string, value: string): Status {
    // The message SetEnvoyFilterStateArguments { string path = 1; string value = 2; LifeSpan span = 3; }, without a span: FilterChain.
    const message = SECOND;
    const start = message.room(maxUtf8Size(key.length + value.length) + 12);
    let at = writeText(start, 1, key);
    at = writeText(at, 2, value);
    return callForeign("set_envoy_filter_state", start, at - start);
  }

  /** The host finds what a plugin wrote under the bare name, its dots being part of it. */
  private read(name: string): bool {
    const n = FIRST.text(name);
    return proxy_get_property(n.ptr, n.size, OUT_PTR, OUT_SIZE) == Status.Ok;
  }
}

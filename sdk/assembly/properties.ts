import {
  ConnectionAttributes,
  DestinationAttributes,
  PluginAttributes,
  RequestAttributes,
  ResponseAttributes,
  SourceAttributes,
  UpstreamAttributes,
  XdsAttributes,
} from "./attributes";
import { proxy_get_property } from "./env";
import { FIRST, OUT_PTR, OUT_SIZE, valueBytes, valuePtr, valueSize } from "./host-memory";
import { decodePairs, Pair } from "./pairs";
import { Status } from "./status";
import { decodeUtf8 } from "./utf8";

/**
 * Envoy's attributes: those that have a type as getters, `properties.request.path`; all others, and metadata, by path. A part with a dot in it stands in brackets:
 * `xds.route_metadata.filter_metadata['dev.sluice'].retryOn`. A value that does not exist now, or is not of the type
 * asked for, is null or the default. The host does not tell types: ask for the one that Envoy documents.
 * @see https://www.envoyproxy.io/docs/envoy/v1.40.0/intro/arch_overview/advanced/attributes
 */
@final
@unmanaged
export class Properties {
  /** There is nothing to allocate: the host knows whose they are. */
  constructor() {
    return changetype<Properties>(1);
  }

  get plugin(): PluginAttributes {
    return new PluginAttributes();
  }

  get request(): RequestAttributes {
    return new RequestAttributes();
  }

  get response(): ResponseAttributes {
    return new ResponseAttributes();
  }

  get connection(): ConnectionAttributes {
    return new ConnectionAttributes();
  }

  get source(): SourceAttributes {
    return new SourceAttributes();
  }

  get destination(): DestinationAttributes {
    return new DestinationAttributes();
  }

  get upstream(): UpstreamAttributes {
    return new UpstreamAttributes();
  }

  get xds(): XdsAttributes {
    return new XdsAttributes();
  }

  string(path: string): string | null {
    return this.read(path) ? decodeUtf8(valuePtr(), valueSize()) : null;
  }

  bytes(path: string): Uint8Array | null {
    return this.read(path) ? valueBytes() : null;
  }

  /** int, timestamp and duration (nanoseconds). */
  i64(path: string, missing: i64 = 0): i64 {
    return this.readSized(path, 8) ? load<i64>(valuePtr()) : missing;
  }

  /** uint, and what is never negative. */
  u64(path: string, missing: u64 = 0): u64 {
    return this.readSized(path, 8) ? load<u64>(valuePtr()) : missing;
  }

  /** double; a number in metadata is one. */
  f64(path: string, missing: f64 = 0): f64 {
    return this.readSized(path, 8) ? load<f64>(valuePtr()) : missing;
  }

  bool(path: string, missing: bool = false): bool {
    return this.readSized(path, 1) ? load<u8>(valuePtr()) != 0 : missing;
  }

  /** A map's entries; of a list: its elements as names. Empty if there is none. */
  entries(path: string): Pair[] {
    return this.read(path) ? decodePairs(valuePtr(), valueSize()) : [];
  }

  private read(path: string): bool {
    const p = FIRST.path(path);
    return proxy_get_property(p.ptr, p.size, OUT_PTR, OUT_SIZE) == Status.Ok;
  }

  private readSized(path: string, size: usize): bool {
    return this.read(path) && valueSize() == size;
  }
}

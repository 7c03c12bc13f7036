// An access logger: the plugin's root context is told of each request or connection that is over.
// @see Envoy source/extensions/access_loggers/wasm/wasm_access_log_impl.h, source/extensions/common/wasm/context.cc Context::log
import * as MapType from "../abi/map-type.ts";
import { attribute } from "./attributes.ts";
import type { ByteString } from "./bytes.ts";
import type { LoggedHeaders } from "./filter.ts";
import type { EnvoyObject } from "./filter-state.ts";
import type { HeaderMap } from "./header-map.ts";
import { type ListenerInit, listenerProperty } from "./node.ts";
import type { PropertyValue } from "./property-value.ts";
import type { Root } from "./root.ts";
import type { StreamScope } from "./scope.ts";
import type { StreamInfo } from "./stream-info.ts";

/** What is over. */
export interface Logged {
  readonly info: StreamInfo;
  readonly listener: ListenerInit;
  /** Undefined of a TCP connection. */
  readonly headers: LoggedHeaders | undefined;
}

/** Tells an access logger. */
export function writeAccessLog(root: Root, logged: Logged): void {
  if (root.vm.failure === undefined) root.log(new LoggedStream(root, logged));
}

/** A request, or connection, to be read and not changed. */
class LoggedStream implements StreamScope {
  readonly logging = true;
  readonly isReadonly = true;
  readonly #root: Root;
  readonly #logged: Logged;

  constructor(root: Root, logged: Logged) {
    this.#root = root;
    this.#logged = logged;
  }

  get filterState(): Map<ByteString, ByteString> {
    return this.#logged.info.filterState;
  }

  get envoyObjects(): Map<ByteString, EnvoyObject> {
    return this.#logged.info.envoyObjects;
  }

  readableMap(type: number): HeaderMap | undefined {
    const { headers } = this.#logged;
    if (type === MapType.RequestHeaders) return headers?.request;
    if (type === MapType.ResponseHeaders) return headers?.response;
    return type === MapType.ResponseTrailers ? headers?.responseTrailers : undefined;
  }

  writableMap(): undefined {
    return undefined;
  }

  buffer(): undefined {
    return undefined;
  }

  property(path: readonly ByteString[]): PropertyValue | undefined {
    const { info, listener, headers } = this.#logged;
    if (path[0] === "connection_id") return undefined; // Envoy asks a filter's connection
    const name = path.join(".");
    if (Object.hasOwn(info.properties, name)) return info.properties[name];
    return (
      this.#root.vm.property(path) ??
      listenerProperty(path, listener) ??
      attribute(path, {
        info,
        requestHeaders: headers?.request,
        responseHeaders: headers?.response,
        responseTrailers: headers?.responseTrailers,
      })
    );
  }

  /** It is over: nothing can be sent, continued, closed or routed. */
  sendLocalReply(): void {}
  continueStream(): void {}
  closeStream(): void {}
  clearRouteCache(): void {}
}

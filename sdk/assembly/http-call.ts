// HTTP requests of a filter's own, to a cluster that Envoy knows.
import * as BufferType from "../abi/buffer-type";
import * as MapType from "../abi/map-type";
import { awaitAnswer, findWaiting, forgetCallout, Handler } from "./callouts";
import { Context } from "./context";
import { proxy_get_buffer_bytes, proxy_get_header_map_value, proxy_http_call } from "./env";
import { HeaderMap } from "./header-map";
import { FIRST, OUT_PTR, OUT_SIZE, OUT_WORD, SECOND, THIRD, valueBytes, valuePtr, valueSize } from "./host-memory";
import { encodePairs } from "./pairs";
import { Status } from "./status";
import { decodeUtf8 } from "./utf8";

/**
 * A request, written as an object. It has no trailers, which Envoy would drop.
 * `{ cluster: "auth", headers: [[":method", "GET"], [":path", "/"], [":authority", "auth"]] }`
 * @see Envoy source/common/http/async_client_impl.cc AsyncRequestSharedImpl::initialize
 */
export class HttpCall {
  /** A cluster of Envoy's configuration. */
  cluster: string = "";
  /** Names and values; `:method`, `:path` and `:authority` must be there. */
  headers: string[][] = [];
  body: string = "";
  /** A body that is no text: it is sent in the place of `body`. */
  bytes: Uint8Array | null = null;
  /** Until the response is complete; it is then answered with 504. 0: none. */
  timeoutMs: u32 = 5000;
}

/**
 * What becomes of one call. Keep the stream that waits for it in a field: hostcalls act on it while the handler runs, so it
 * can answer or continue. A call whose stream is over by then has no handler any more.
 */
export abstract class HttpCallHandler extends Handler {
  /**
   * The response is complete. Also what Envoy answers itself: 504 where it took too long, 503 where no upstream was there or
   * the connection broke before the response.
   */
  onResponse(response: HttpCallResponse): void {}

  /** The response broke off, or was larger than Envoy takes. */
  onFailure(): void {}
}

/** A response, there only while `onResponse` runs: read what you need at once. */
@final
@unmanaged
export class HttpCallResponse {
  /** There is nothing to allocate: the host knows which one it is. */
  constructor() {
    return changetype<HttpCallResponse>(1);
  }

  /** `:status`, such as 200. */
  get status(): u32 {
    const name = FIRST.text(":status");
    const status = proxy_get_header_map_value(MapType.HttpCallResponseHeaders, name.ptr, name.size, OUT_PTR, OUT_SIZE);
    if (status != Status.Ok) return 0;
    let code: u32 = 0;
    for (let at = valuePtr(), end = at + valueSize(); at < end; at++) code = code * 10 + load<u8>(at) - 0x30;
    return code;
  }

  get headers(): HeaderMap {
    return new HeaderMap(MapType.HttpCallResponseHeaders);
  }

  get trailers(): HeaderMap {
    return new HeaderMap(MapType.HttpCallResponseTrailers);
  }

  /** The body; what is not UTF-8 is U+FFFD in it. */
  text(): string {
    return this.read() ? decodeUtf8(valuePtr(), valueSize()) : "";
  }

  bytes(): Uint8Array {
    return this.read() ? valueBytes() : new Uint8Array(0);
  }

  private read(): bool {
    return proxy_get_buffer_bytes(BufferType.HttpCallResponseBody, 0, i32.MAX_VALUE, OUT_PTR, OUT_SIZE) == Status.Ok;
  }
}

/** Sends it in the name of this context, which must be the effective one. */
export function sendHttpCall(context: Context, call: HttpCall, handler: HttpCallHandler): Status {
  const cluster = FIRST.text(call.cluster);
  const headers = encodePairs(call.headers, SECOND);
  const body = THIRD.text(call.body);
  const bytes = call.bytes;
  const status = proxy_http_call(
    cluster.ptr,
    cluster.size,
    headers.ptr,
    headers.size,
    bytes == null ? body.ptr : bytes.dataStart,
    bytes == null ? body.size : bytes.byteLength,
    0,
    0,
    call.timeoutMs,
    OUT_WORD,
  );
  if (status == Status.Ok) awaitAnswer(load<u32>(OUT_WORD), context, handler);
  return status;
}

/** The host has an answer: without headers it is a failure. */
export function answerHttpCall(token: u32, headerCount: u32): void {
  const handler = findWaiting<HttpCallHandler>(token);
  if (handler == null) return;
  forgetCallout(token);
  if (headerCount) handler.onResponse(new HttpCallResponse());
  else handler.onFailure();
}

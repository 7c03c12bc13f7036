import * as BufferType from "../abi/buffer-type";
import * as MapType from "../abi/map-type";
import * as StreamType from "../abi/stream-type";
import { DataAction, HeadersAction, TrailersAction } from "./actions";
import { Body, noBody } from "./body";
import { brings, continueByResult, isOver } from "./callback";
import { Context } from "./context";
import { proxy_close_stream, proxy_continue_stream, proxy_get_header_map_size } from "./env";
import { callForeign } from "./foreign";
import { HeaderMap } from "./header-map";
import { OUT_WORD } from "./host-memory";
import { LocalReply, send } from "./local-reply";
import { Status } from "./status";

/** There was a callback of the response's body or trailers. */
export const RESPONDED: u8 = 0x80;

/** One request and its response; in the upstream half: one attempt. Order: headers, ..., `onLog`, `onDone`, `onDelete`. */
export abstract class HttpContext extends Context {
  /** What Envoy has of the stream between its callbacks: `1 << BufferType` of a body that it keeps, and `RESPONDED`. @internal */
  parts: u8 = 0;

  /** `endOfStream`: there is no body and there are no trailers. */
  onRequestHeaders(endOfStream: bool): HeadersAction {
    return HeadersAction.Continue;
  }

  /**
   * A chunk of `size` bytes, or all that is held so far, in `requestBody`. The end often comes alone, with a size of 0, and
   * where there are trailers not at all: then `onRequestTrailers` is the end.
   */
  onRequestBody(size: u32, endOfStream: bool): DataAction {
    return DataAction.Continue;
  }

  onRequestTrailers(): TrailersAction {
    return TrailersAction.Continue;
  }

  /** Also called for a local reply. Request headers are gone by now: take what you need in `onRequestHeaders`. */
  onResponseHeaders(endOfStream: bool): HeadersAction {
    return HeadersAction.Continue;
  }

  /** As `onRequestBody`, in `responseBody`; also called for a local reply. */
  onResponseBody(size: u32, endOfStream: bool): DataAction {
    return DataAction.Continue;
  }

  onResponseTrailers(): TrailersAction {
    return TrailersAction.Continue;
  }

  /** No other callback but `onDelete` comes now. */
  onDone(): void {}

  /** Until `onRequestHeaders` continues, while the request is held, and in `onLog`. */
  get requestHeaders(): HeaderMap {
    this.makeEffective();
    return new HeaderMap(MapType.RequestHeaders);
  }

  /** In `onRequestBody`, and while it buffers. */
  get requestBody(): Body {
    this.makeEffective();
    return this.bodyOf(BufferType.RequestBody);
  }

  /** From `onRequestTrailers` until it continues. A request without any gets those that the last `onRequestBody` writes. */
  get requestTrailers(): HeaderMap {
    this.makeEffective();
    return new HeaderMap(MapType.RequestTrailers);
  }

  /** From `onResponseHeaders` on. */
  get responseHeaders(): HeaderMap {
    this.makeEffective();
    return new HeaderMap(MapType.ResponseHeaders);
  }

  /** In `onResponseBody`, and while it buffers. */
  get responseBody(): Body {
    this.makeEffective();
    return this.bodyOf(BufferType.ResponseBody);
  }

  /** As `requestTrailers`; and, to be read, in `onLog`. */
  get responseTrailers(): HeaderMap {
    this.makeEffective();
    return new HeaderMap(MapType.ResponseTrailers);
  }

  /**
   * Answers the request from here, after this callback; what the callback returns does not matter then. Once the response's
   * headers have gone, it cuts the response.
   *
   * @returns BadArgument, and nothing happens, in and after `onLog` and `onDone`
   */
  sendLocalReply(reply: LocalReply): Status {
    if (isOver(this.id) || !this.makeEffective()) return Status.BadArgument;
    return send(reply);
  }

  /** Lets a held request go on. In a callback of the request itself: as if that returned `Continue`. */
  continueRequest(): Status {
    if (continueByResult(this.id, StreamType.Request)) return Status.Ok;
    this.makeEffective();
    return proxy_continue_stream(StreamType.Request);
  }

  /**
   * Lets a held response go on. In a callback of the response itself: as if that returned `Continue`.
   *
   * @returns BadArgument, and nothing happens, where this filter has no response in its hands
   */
  continueResponse(): Status {
    if (continueByResult(this.id, StreamType.Response)) return Status.Ok;
    this.makeEffective();
    if (!(this.parts & RESPONDED) && proxy_get_header_map_size(MapType.ResponseHeaders, OUT_WORD) != Status.Ok) {
      return Status.BadArgument;
    }
    return proxy_continue_stream(StreamType.Response);
  }

  /**
   * Has Envoy choose the route anew once the request goes on, for what else than headers routes match: to write a request header
   * does the same by itself.
   */
  clearRouteCache(): Status {
    this.makeEffective();
    return callForeign("clear_route_cache", 0, 0);
  }

  /**
   * Resets the stream: the caller sees it broken off.
   *
   * @returns BadArgument, and nothing happens, in and after `onLog` and `onDone`
   */
  reset(): Status {
    if (isOver(this.id) || !this.makeEffective()) return Status.BadArgument;
    return proxy_close_stream(StreamType.Response);
  }

  /** Notes what a callback of a body returned: only where it buffers, Envoy keeps the chunk. @internal */
  noteBody(type: i32, action: DataAction): void {
    const bit = (<u8>1) << (<u8>type);
    this.parts = action == DataAction.StopIterationAndBuffer ? this.parts | bit : this.parts & ~bit;
  }

  private bodyOf(type: i32): Body {
    return this.parts & ((<u8>1) << (<u8>type)) || brings(this.id, type) ? new Body(type) : noBody();
  }
}

import * as BufferType from "../abi/buffer-type";
import * as MapType from "../abi/map-type";
import * as StreamType from "../abi/stream-type";
import { DataAction, HeadersAction, TrailersAction } from "./actions";
import { Body } from "./body";
import { Context } from "./context";
import { proxy_close_stream, proxy_continue_stream } from "./env";
import { callForeign } from "./foreign";
import { HeaderMap } from "./header-map";
import { LocalReply, send } from "./local-reply";
import { Status } from "./status";

/** One request and its response; in the upstream half: one attempt. Order: headers, ..., `onLog`, `onDone`, `onDelete`. */
export abstract class HttpContext extends Context {
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
    return new Body(BufferType.RequestBody);
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
    return new Body(BufferType.ResponseBody);
  }

  /** As `requestTrailers`; and, to be read, in `onLog`. */
  get responseTrailers(): HeaderMap {
    this.makeEffective();
    return new HeaderMap(MapType.ResponseTrailers);
  }

  /**
   * Answers the request from here, after this callback; what the callback returns does not matter then. Once the response's
   * headers have gone, it cuts the response.
   */
  sendLocalReply(reply: LocalReply): Status {
    this.makeEffective();
    return send(reply);
  }

  /** Lets a held request go on. */
  continueRequest(): Status {
    this.makeEffective();
    return proxy_continue_stream(StreamType.Request);
  }

  /** Lets a held response go on. */
  continueResponse(): Status {
    this.makeEffective();
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

  /** Resets the stream: the caller sees it broken off. */
  reset(): Status {
    this.makeEffective();
    return proxy_close_stream(StreamType.Response);
  }
}

// One filter of one stream: Envoy's Context. It decides which maps a callback sees, and what a dead VM means.
// @see Envoy source/extensions/common/wasm/context.cc, proxy-wasm-cpp-host src/context.cc
import * as BufferType from "../abi/buffer-type.ts";
import * as DataAction from "../abi/data-action.ts";
import * as HeadersAction from "../abi/headers-action.ts";
import * as MapType from "../abi/map-type.ts";
import * as StreamType from "../abi/stream-type.ts";
import { attribute } from "./attributes.ts";
import type { ByteString } from "./bytes.ts";
import { EnvoyBug } from "./errors.ts";
import type { EnvoyObject } from "./filter-state.ts";
import type { HeaderMap } from "./header-map.ts";
import { envoyReply, type LocalReply } from "./local-reply.ts";
import { type ListenerInit, listenerProperty } from "./node.ts";
import type { Chunk } from "./passage.ts";
import type { PropertyValue } from "./property-value.ts";
import type { Root } from "./root.ts";
import type { Context, RootContext, StreamScope } from "./scope.ts";
import type { StreamInfo } from "./stream-info.ts";

/** What the stream around a filter does for it. */
export interface FilterChain {
  readonly info: StreamInfo;
  readonly listener: ListenerInit;
  sendLocalReply(reply: LocalReply): void;
  /** Goes on behind a filter that stopped. @param type of `stream-type.ts` */
  continueStream(type: number): void;
  /** Has the route chosen anew. */
  clearRouteCache(): void;
  /** Resets the stream, for proxy_close_stream. */
  cut(): void;
  /** Body that the filter's buffering holds. */
  held(side: Side): Chunk;
  addTrailers(side: Side): HeaderMap;
}

/** The two directions of a stream. */
export type Side = "request" | "response";

export interface LoggedHeaders {
  readonly request: HeaderMap | undefined;
  readonly response: HeaderMap | undefined;
  readonly responseTrailers: HeaderMap | undefined;
}

/** What the filter has in its hands of one direction: all that it has not let pass. */
interface InHand {
  headers?: HeaderMap | undefined;
  body?: Chunk | undefined;
  trailers?: HeaderMap | undefined;
  /** The last callback of a body asked for all that is held. */
  isBuffering: boolean;
}

export class Filter implements Context, StreamScope {
  readonly id: number;
  readonly #root: Root;
  readonly #chain: FilterChain;
  /** The VM was dead when the stream began: the filter only fails it. */
  readonly #isDead: boolean;
  readonly #inHand: Readonly<Record<Side, InHand>> = {
    request: { isBuffering: false },
    response: { isBuffering: false },
  };
  /** The last callback, of whichever side, was the last of its message. */
  #sawEnd = false;
  #logged: LoggedHeaders | undefined;
  /** A local reply that the running callback asked for. */
  #reply: LocalReply | undefined;
  /** The stream that the running callback has continued. */
  #continued: number | undefined;
  /** Inside on_log, on_done and on_delete. */
  #isEnding = false;
  #isCreated = false;
  #hasFailedStream = false;

  /** A filter whose root's VM is alive, under a new context id; else one that fails its stream. */
  static create(root: Root, chain: FilterChain): Filter {
    if (root.vm.failure !== undefined) return new Filter(0, root, chain);
    return root.vm.addContext((id) => new Filter(id, root, chain));
  }

  private constructor(id: number, root: Root, chain: FilterChain) {
    this.id = id;
    this.#root = root;
    this.#chain = chain;
    this.#isDead = id === 0;
  }

  get root(): RootContext {
    return this.#root;
  }

  get stream(): StreamScope {
    return this;
  }

  get logging(): boolean {
    return this.#logged !== undefined;
  }

  get filterState(): Map<ByteString, ByteString> {
    return this.#chain.info.filterState;
  }

  get envoyObjects(): Map<ByteString, EnvoyObject> {
    return this.#chain.info.envoyObjects;
  }

  /** Headers are the filter's to see until it lets them pass. Gives a number of headers-action.ts. */
  onHeaders(side: Side, headers: HeaderMap, endStream: boolean): number {
    if (side === "request") this.#create();
    if (!this.#isAsked(side)) return HeadersAction.Continue;
    const inHand = this.#inHand[side];
    inHand.headers = headers;
    this.#sawEnd = endStream;
    const { StopAllIterationAndWatermark: stop, StopIteration } = HeadersAction;
    this.#continued = undefined;
    const action = this.#ask(callbacks[side].headers, [headers.pairs.length, endStream ? 1 : 0], stop);
    const { allowOnHeadersStopIteration = false } = this.#root.plugin;
    if (action > stop || (action === StopIteration && !allowOnHeadersStopIteration)) return stop;
    if (action !== HeadersAction.Continue && action !== HeadersAction.ContinueAndEndStream) return action;
    if (this.#continued === (side === "request" ? StreamType.Request : StreamType.Response)) {
      const what = `proxy_continue_stream and then Continue from ${callbacks[side].headers}`;
      throw new EnvoyBug(`${what}: Envoy goes on twice; return a stop`);
    }
    inHand.headers = undefined;
    return HeadersAction.Continue;
  }

  /** Gives a number of data-action.ts. */
  onBody(side: Side, chunk: Chunk, endStream: boolean): number {
    if (!this.#isAsked(side)) return DataAction.Continue;
    const inHand = this.#inHand[side];
    inHand.body = chunk;
    this.#sawEnd = endStream;
    const size = (inHand.isBuffering ? this.#chain.held(side) : chunk).bytes.length;
    const stop = DataAction.StopIterationNoBuffer;
    const action = Math.min(this.#ask(callbacks[side].body, [size, endStream ? 1 : 0], stop), stop);
    inHand.isBuffering = action === DataAction.StopIterationAndBuffer;
    if (action === DataAction.Continue) inHand.body = undefined;
    return action;
  }

  /** True if the trailers pass. */
  onTrailers(side: Side, trailers: HeaderMap): boolean {
    if (!this.#isAsked(side)) return true;
    const inHand = this.#inHand[side];
    inHand.trailers = trailers;
    const passes = this.#ask(callbacks[side].trailers, [trailers.pairs.length], 1) === 0;
    if (passes) inHand.trailers = undefined;
    return passes;
  }

  isBuffering(side: Side): boolean {
    return this.#inHand[side].isBuffering;
  }

  onLog(logged: LoggedHeaders): void {
    if (this.#isDead) return;
    this.#create();
    this.#logged = logged;
    this.#isEnding = true;
    this.#root.vm.callback(this, "proxy_on_log", this.id);
    this.#logged = undefined;
  }

  /** on_done, then on_delete; afterwards the context is gone. */
  onDestroy(): void {
    if (this.#isDead || !this.#isCreated) return;
    this.#isEnding = true;
    this.#root.vm.callback(this, "proxy_on_done", this.id);
    this.#root.vm.callback(this, "proxy_on_delete", this.id);
    this.#root.vm.removeContext(this);
  }

  readableMap(type: number): HeaderMap | undefined {
    if (this.#logged === undefined) return this.#mapInHand(type);
    if (type === MapType.RequestHeaders) return this.#logged.request;
    if (type === MapType.ResponseTrailers) return this.#logged.responseTrailers;
    return type === MapType.ResponseHeaders ? this.#logged.response : undefined;
  }

  /** A message that ends without trailers gets them from the callback that sees the end of its body. */
  writableMap(type: number): HeaderMap | undefined {
    const side = trailersOf.get(type);
    if (side !== undefined && this.#sawEnd && this.#inHand[side].body !== undefined)
      this.#inHand[side].trailers ??= this.#chain.addTrailers(side);
    return this.#mapInHand(type);
  }

  buffer(type: number): Chunk | undefined {
    if (type !== BufferType.RequestBody && type !== BufferType.ResponseBody) return undefined;
    const side = type === BufferType.RequestBody ? "request" : "response";
    const { isBuffering, body } = this.#inHand[side];
    return isBuffering ? this.#chain.held(side) : body;
  }

  property(path: readonly ByteString[]): PropertyValue | undefined {
    const { info, listener } = this.#chain;
    const name = path.join(".");
    if (Object.hasOwn(info.properties, name)) return info.properties[name];
    return (
      this.#root.vm.property(path) ??
      listenerProperty(path, listener) ??
      attribute(path, {
        info,
        requestHeaders: this.#inHand.request.headers ?? this.#logged?.request,
        responseHeaders: this.#inHand.response.headers ?? this.#logged?.response,
        responseTrailers: this.#inHand.response.trailers ?? this.#logged?.responseTrailers,
      })
    );
  }

  /** Of several in one callback the first is sent, with the details of the last. */
  sendLocalReply(reply: LocalReply): void {
    this.#refuseAtEnd("proxy_send_local_response");
    if (this.#reply !== undefined) {
      this.#reply = { ...this.#reply, details: reply.details };
      return;
    }
    this.#reply = reply;
    this.#root.vm.defer(() => {
      const sent = this.#reply ?? reply;
      this.#reply = undefined;
      this.#chain.sendLocalReply(sent);
    });
  }

  /** Whichever side goes on, the request is gone from here. */
  continueStream(type: number): void {
    if (type === StreamType.Downstream) return;
    this.#continued = type;
    const { request } = this.#inHand;
    request.headers = request.body = request.trailers = undefined;
    this.#root.vm.defer(() => this.#chain.continueStream(type));
  }

  clearRouteCache(): void {
    this.#chain.clearRouteCache();
  }

  closeStream(type: number): void {
    this.#refuseAtEnd("proxy_close_stream");
    if (type !== StreamType.Request && type !== StreamType.Response) return;
    this.#chain.info.details ??= "wasm_close_stream";
    this.#root.vm.defer(() => this.#chain.cut());
  }

  #refuseAtEnd(hostcall: string): void {
    if (this.#isEnding)
      throw new EnvoyBug(`${hostcall} in on_log, on_done or on_delete crashes Envoy: the request is over there`);
  }

  #create(): void {
    if (this.#isCreated) return;
    this.#isCreated = true;
    if (!this.#isDead) this.#root.vm.callback(this, "proxy_on_context_create", this.id, this.#root.id);
  }

  /** A filter that failed its stream is not asked about its own 503. */
  #isAsked(side: Side): boolean {
    return side === "request" || (this.#isCreated && !this.#hasFailedStream);
  }

  #mapInHand(type: number): HeaderMap | undefined {
    const { request, response } = this.#inHand;
    if (type === MapType.RequestHeaders) return request.headers;
    if (type === MapType.RequestTrailers) return request.trailers;
    if (type === MapType.ResponseHeaders) return response.headers;
    return type === MapType.ResponseTrailers ? response.trailers : undefined;
  }

  /** What a callback says; `stop` where it answered the request itself, or failed; 0 where there is none. */
  #ask(callback: string, args: readonly number[], stop: number): number {
    if (this.#failsStream()) return stop;
    const outcome = this.#root.vm.callback(this, callback, this.id, ...args);
    if (this.#failsStream() || outcome?.stopped) return stop;
    return (outcome?.result ?? 0) >>> 0;
  }

  /** With a dead VM the stream gets 503, once. */
  #failsStream(): boolean {
    if (this.#root.vm.failure === undefined) return false;
    if (!this.#hasFailedStream) {
      this.#hasFailedStream = true;
      this.#chain.sendLocalReply({ ...envoyReply(503, "", "wasm_fail_stream"), grpcStatus: 14 });
    }
    return true;
  }
}

const callbacks = {
  request: {
    headers: "proxy_on_request_headers",
    body: "proxy_on_request_body",
    trailers: "proxy_on_request_trailers",
  },
  response: {
    headers: "proxy_on_response_headers",
    body: "proxy_on_response_body",
    trailers: "proxy_on_response_trailers",
  },
} as const;

const trailersOf: ReadonlyMap<number, Side> = new Map([
  [MapType.RequestTrailers, "request"],
  [MapType.ResponseTrailers, "response"],
]);

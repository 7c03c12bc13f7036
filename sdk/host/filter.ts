// One filter of one stream: Envoy's Context. It decides which maps a callback sees, and what a dead VM means.
// @see Envoy source/extensions/common/wasm/context.cc, proxy-wasm-cpp-host src/context.cc
import * as HeadersAction from "../abi/headers-action.ts";
import * as MapType from "../abi/map-type.ts";
import { attribute } from "./attributes.ts";
import type { ByteString } from "./bytes.ts";
import type { HeaderMap } from "./header-map.ts";
import { envoyReply, type LocalReply } from "./local-reply.ts";
import { type ListenerInit, listenerProperty } from "./node.ts";
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
  /** Resets the stream, for proxy_close_stream. */
  cut(): void;
}

/** What a filter says of headers: on, or hold everything. */
export type Iteration = "continue" | "stop";

interface LoggedHeaders {
  readonly request: HeaderMap | undefined;
  readonly response: HeaderMap | undefined;
}

export class Filter implements Context, StreamScope {
  readonly id: number;
  readonly #root: Root;
  readonly #chain: FilterChain;
  /** The VM was dead when the stream began: the filter only fails it. */
  readonly #isDead: boolean;
  #requestHeaders: HeaderMap | undefined;
  #responseHeaders: HeaderMap | undefined;
  #logged: LoggedHeaders | undefined;
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

  /** Request headers are the filter's to see until it lets them pass. */
  onRequestHeaders(headers: HeaderMap, endStream: boolean): Iteration {
    this.#create();
    this.#requestHeaders = headers;
    const iteration = this.#onHeaders("proxy_on_request_headers", headers, endStream);
    if (iteration === "continue") this.#requestHeaders = undefined;
    return iteration;
  }

  /** A filter that failed its stream is not asked about its own 503. */
  onResponseHeaders(headers: HeaderMap, endStream: boolean): Iteration {
    if (!this.#isCreated || this.#hasFailedStream) return "continue";
    this.#responseHeaders = headers;
    const iteration = this.#onHeaders("proxy_on_response_headers", headers, endStream);
    if (iteration === "continue") this.#responseHeaders = undefined;
    return iteration;
  }

  /** True if the module wants to see bodies. */
  wantsBody(callback: "proxy_on_request_body" | "proxy_on_response_body"): boolean {
    return !this.#isDead && !this.#hasFailedStream && this.#root.vm.has(callback);
  }

  onLog(logged: LoggedHeaders): void {
    if (this.#isDead) return;
    this.#create();
    this.#logged = logged;
    this.#root.vm.callback(this, "proxy_on_log", this.id);
    this.#logged = undefined;
  }

  /** on_done, then on_delete; afterwards the context is gone. */
  onDestroy(): void {
    if (this.#isDead || !this.#isCreated) return;
    this.#root.vm.callback(this, "proxy_on_done", this.id);
    this.#root.vm.callback(this, "proxy_on_delete", this.id);
    this.#root.vm.removeContext(this);
  }

  readableMap(type: number): HeaderMap | undefined {
    if (this.#logged === undefined) return this.writableMap(type);
    if (type === MapType.RequestHeaders) return this.#logged.request;
    return type === MapType.ResponseHeaders ? this.#logged.response : undefined;
  }

  writableMap(type: number): HeaderMap | undefined {
    if (type === MapType.RequestHeaders) return this.#requestHeaders;
    return type === MapType.ResponseHeaders ? this.#responseHeaders : undefined;
  }

  property(path: readonly ByteString[]): PropertyValue | undefined {
    const { info, listener } = this.#chain;
    const set = info.properties[path.join(".")];
    if (set !== undefined) return set;
    return (
      this.#root.vm.property(path) ??
      listenerProperty(path, listener) ??
      attribute(path, {
        info,
        requestHeaders: this.#requestHeaders ?? this.#logged?.request,
        responseHeaders: this.#responseHeaders ?? this.#logged?.response,
      })
    );
  }

  sendLocalReply(reply: LocalReply): void {
    this.#root.vm.defer(() => this.#chain.sendLocalReply(reply));
  }

  /** Whichever side goes on, the request headers are gone from here. */
  continueStream(type: number): void {
    this.#requestHeaders = undefined;
    this.#root.vm.defer(() => this.#chain.continueStream(type));
  }

  closeStream(): void {
    this.#chain.info.details ??= "wasm_close_stream";
    this.#root.vm.defer(() => this.#chain.cut());
  }

  #create(): void {
    if (this.#isCreated) return;
    this.#isCreated = true;
    if (!this.#isDead) this.#root.vm.callback(this, "proxy_on_context_create", this.id, this.#root.id);
  }

  #onHeaders(callback: string, headers: HeaderMap, endStream: boolean): Iteration {
    if (this.#failsStream()) return "stop";
    const outcome = this.#root.vm.callback(this, callback, this.id, headers.pairs.length, endStream ? 1 : 0);
    if (this.#failsStream()) return "stop";
    if (outcome === undefined) return "continue";
    const goesOn = outcome.result === HeadersAction.Continue || outcome.result === HeadersAction.ContinueAndEndStream;
    return goesOn && !outcome.stopped ? "continue" : "stop";
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

// The network filter of one TCP connection, and what Envoy does around it.
// @see Envoy source/common/network/filter_manager_impl.cc, source/extensions/common/wasm/context.cc
import * as BufferType from "../abi/buffer-type.ts";
import * as PeerType from "../abi/peer-type.ts";
import * as StreamType from "../abi/stream-type.ts";
import { attribute } from "./attributes.ts";
import type { ByteString } from "./bytes.ts";
import type { EnvoyObject } from "./filter-state.ts";
import { type ListenerInit, listenerProperty } from "./node.ts";
import type { Chunk } from "./passage.ts";
import type { PropertyValue } from "./property-value.ts";
import type { Root } from "./root.ts";
import type { Context, RootContext, StreamScope } from "./scope.ts";
import type { StreamInfo } from "./stream-info.ts";

/** What stands around the filter. */
export interface TcpChain {
  readonly info: StreamInfo;
  readonly listener: ListenerInit;
  /** tcp_proxy is to connect to the upstream, unless it has already. */
  connect(): void;
  /** Bytes for the upstream. */
  toServer(bytes: ByteString, endStream: boolean): void;
  /** Bytes for the caller. */
  toClient(bytes: ByteString, endStream: boolean): void;
  /** Envoy is to close the connection; the filter hears of it. */
  close(): void;
}

export class TcpFilter implements Context, StreamScope {
  readonly id: number;
  readonly logging = false;
  readonly #root: Root;
  readonly #chain: TcpChain;
  /** What has arrived and has not passed: after a stop it is shown again, with what comes behind it. */
  readonly #arrived = { client: { bytes: "" } as Chunk, server: { bytes: "" } as Chunk };
  /** Which of them the filter may see. */
  #inHand: { client?: Chunk | undefined; server?: Chunk | undefined } = {};
  /** The caller's end: not come, arrived and held, or passed on. */
  #clientEnd: "none" | "held" | "passed" = "none";
  #isClosed = false;

  constructor(id: number, root: Root, chain: TcpChain) {
    this.id = id;
    this.#root = root;
    this.#chain = chain;
  }

  get root(): RootContext {
    return this.#root;
  }

  get stream(): StreamScope {
    return this;
  }

  get filterState(): Map<ByteString, ByteString> {
    return this.#chain.info.filterState;
  }

  get envoyObjects(): Map<ByteString, EnvoyObject> {
    return this.#chain.info.envoyObjects;
  }

  /** It holds bytes of the caller, or its end. */
  get isHolding(): boolean {
    return this.#arrived.client.bytes !== "" || this.#clientEnd === "held";
  }

  /** A connection was accepted. */
  open(): void {
    this.#root.vm.callback(this, "proxy_on_context_create", this.id, this.#root.id);
    if (this.#passes("proxy_on_new_connection")) this.#chain.connect();
  }

  onClientData(bytes: ByteString, endStream: boolean): void {
    const chunk = this.#arrived.client;
    chunk.bytes += bytes;
    this.#chain.info.requestBodyBytes += chunk.bytes.length; // Envoy counts what was held again
    if (endStream) this.#clientEnd = "held";
    this.#inHand.client = chunk;
    if (!this.#passes("proxy_on_downstream_data", chunk.bytes.length, endStream ? 1 : 0)) return;
    this.#inHand.client = undefined;
    this.#passToServer();
  }

  onServerData(bytes: ByteString, endStream: boolean): void {
    const chunk = this.#arrived.server;
    chunk.bytes += bytes;
    this.#inHand.server = chunk;
    const passes = this.#passes("proxy_on_upstream_data", chunk.bytes.length, endStream ? 1 : 0);
    if (passes) this.#inHand.server = undefined;
    if (endStream) this.#root.vm.callback(this, "proxy_on_upstream_connection_close", this.id, PeerType.Unknown);
    if (!passes || this.#isClosed) return;
    const sent = chunk.bytes;
    chunk.bytes = "";
    this.#chain.toClient(sent, endStream);
  }

  /** The connection to the caller is closed: by the caller (Remote) or by Envoy (Local). */
  onClose(peer: number): void {
    this.#isClosed = true;
    const { vm } = this.#root;
    vm.callback(this, "proxy_on_downstream_connection_close", this.id, peer);
    vm.callback(this, "proxy_on_done", this.id);
    vm.callback(this, "proxy_on_log", this.id);
    vm.callback(this, "proxy_on_delete", this.id);
    vm.removeContext(this);
  }

  readableMap(): undefined {
    return undefined;
  }

  writableMap(): undefined {
    return undefined;
  }

  buffer(type: number): Chunk | undefined {
    if (type === BufferType.DownstreamData) return this.#inHand.client;
    return type === BufferType.UpstreamData ? this.#inHand.server : undefined;
  }

  property(path: readonly ByteString[]): PropertyValue | undefined {
    const { info, listener } = this.#chain;
    const name = path.join(".");
    if (Object.hasOwn(info.properties, name)) return info.properties[name];
    const none = { requestHeaders: undefined, responseHeaders: undefined, responseTrailers: undefined };
    return this.#root.vm.property(path) ?? listenerProperty(path, listener) ?? attribute(path, { info, ...none });
  }

  /** There is no request to answer. */
  sendLocalReply(): void {}

  continueStream(type: number): void {
    if (type !== StreamType.Downstream) return;
    this.#root.vm.defer(() => {
      if (this.#isClosed) return;
      this.#chain.connect();
      if (this.isHolding) this.#passToServer();
    });
  }

  /** There is no route. */
  clearRouteCache(): void {}

  /** Whichever side is named, it is the caller's connection that is closed. */
  closeStream(type: number): void {
    if (type === StreamType.Downstream || type === StreamType.Upstream) this.#root.vm.defer(() => this.#chain.close());
  }

  /** Asks the filter; a dead VM closes the connection. A local reply, which stops a request, stops nothing here. */
  #passes(callback: string, ...args: readonly number[]): boolean {
    const { vm } = this.#root;
    const outcome = vm.callback(this, callback, this.id, ...args);
    if (vm.failure !== undefined) this.#chain.close();
    return !this.#isClosed && (outcome?.result ?? 0) === 0;
  }

  #passToServer(): void {
    const chunk = this.#arrived.client;
    const sent = chunk.bytes;
    chunk.bytes = "";
    const isEnded = this.#clientEnd !== "none";
    if (isEnded) this.#clientEnd = "passed";
    this.#chain.toServer(sent, isEnded);
  }
}

// gRPC calls and streams of filters, and the services that the test plays.
// @see Envoy source/common/grpc/async_client_impl.cc
import * as BufferType from "../abi/buffer-type.ts";
import * as CalloutType from "../abi/callout-type.ts";
import * as MapType from "../abi/map-type.ts";
import { toByteString, toText } from "./bytes.ts";
import { earliest, type Timer, type VirtualClock } from "./clock.ts";
import { HeaderMap, type HeadersInit, type HeaderView } from "./header-map.ts";
import { grpcStatusOfHttp, type LocalReply, localResponse } from "./local-reply.ts";
import type { ResetReason } from "./request.ts";
import { noEndpoint, resetReply, timeoutReply } from "./resets.ts";
import type { Received, RootContext } from "./scope.ts";

/** How a service ends a stream, or lets a call fail. */
export interface GrpcEnd {
  /** Of gRPC. Default 0, which of a call without a message becomes 13. */
  readonly status?: number;
  /** `grpc-message` as it is on the wire. Default none. The filter gets it with Envoy's reason: `text{via_upstream}`. */
  readonly text?: string;
  /** Of a stream. */
  readonly trailingMetadata?: HeadersInit;
  /** Another than 200, the default, decides the gRPC status by itself. */
  readonly httpStatus?: number;
}

/** A call or stream of a filter, as a test sees it. */
export interface GrpcCall {
  readonly cluster: string;
  readonly service: string;
  readonly method: string;
  /** As it reaches the upstream: what the filter gave, and Envoy's own headers. */
  readonly metadata: HeaderView;
  /** What the filter sent so far; of a call: one. */
  readonly messages: readonly Uint8Array[];
  /** The filter sends no more. */
  readonly isComplete: boolean;
  /** False once it is over: answered, closed, cancelled, or its plugin ended. */
  readonly isOpen: boolean;
  /** Sends initial metadata, of a stream; without it the first message does. @throws {Error} if it is over, or begun */
  sendMetadata(metadata: HeadersInit): void;
  /** Sends a message; a call is over with it. @throws {Error} if it is over */
  send(message: string | Uint8Array): void;
  /** Ends a stream, or lets a call fail. @throws {Error} if it is over */
  close(end?: GrpcEnd): void;
  /** Brings no answer: the connection fails, or the upstream cuts it. @throws {Error} if it is over, or begun */
  reset(reason: ResetReason): void;
}

/** Told of each call and stream once the callback that started it is over; it may answer at once, or the test later. */
export type GrpcHandler = (call: GrpcCall) => void;

/** Who answers for a cluster; "no endpoint": it has none, and calls fail at once. */
export type GrpcPeer = GrpcHandler | "no endpoint";

/** All gRPC calls and streams of a process, and who answers them. */
export class GrpcCalls {
  readonly clock: VirtualClock;
  readonly #peers = new Map<string, GrpcPeer>();
  #open: readonly Call[] = [];

  constructor(clock: VirtualClock) {
    this.clock = clock;
  }

  /** Makes a cluster known, and says who answers for it. */
  on(cluster: string, peer: GrpcPeer): void {
    this.#peers.set(cluster, peer);
  }

  /** Undefined: there is no such cluster. */
  peer(cluster: string): GrpcPeer | undefined {
    return this.#peers.get(cluster);
  }

  get open(): readonly Call[] {
    return this.#open;
  }

  /** When the next timeout is due; undefined if none is. */
  get nextNs(): bigint | undefined {
    return earliest(this.#open.map(({ dueNs }) => dueNs));
  }

  start(call: Call): void {
    this.#open = [...this.#open, call];
    const peer = this.#peers.get(call.cluster);
    if (typeof peer === "function") this.clock.after(0n, () => call.isOpen && peer(call));
  }

  find(root: RootContext | undefined, token: number): Call | undefined {
    return this.#open.find((call) => call.root === root && call.token === token);
  }

  forget(call: Call): void {
    this.#open = this.#open.filter((other) => other !== call);
  }

  /** The plugin ends: nobody waits for its calls any more. */
  cancel(root: RootContext): void {
    for (const call of this.#open) if (call.root === root) call.end();
  }
}

export interface CallInit {
  readonly root: RootContext;
  readonly token: number;
  readonly cluster: string;
  readonly service: string;
  readonly method: string;
  readonly metadata: HeaderMap;
  /** 0: none. */
  readonly timeoutMs: number;
}

export class Call implements GrpcCall {
  readonly root: RootContext;
  readonly token: number;
  readonly cluster: string;
  readonly service: string;
  readonly method: string;
  readonly metadata: HeaderMap;
  readonly messages: Uint8Array[] = [];
  isComplete = false;
  /** Initial metadata have come. */
  #isBegun = false;
  readonly #calls: GrpcCalls;
  readonly #startedNs: bigint;
  readonly #timeout: Timer | undefined;

  constructor({ root, token, cluster, service, method, metadata, timeoutMs }: CallInit, calls: GrpcCalls) {
    this.root = root;
    this.token = token;
    this.cluster = cluster;
    this.service = service;
    this.method = method;
    this.metadata = metadata;
    this.#calls = calls;
    this.#startedNs = calls.clock.monotonicNs;
    if (timeoutMs > 0)
      this.#timeout = calls.clock.after(BigInt(timeoutMs) * 1_000_000n, () =>
        this.#fail(timeoutReply("response_timeout")),
      );
  }

  get isOpen(): boolean {
    return this.#calls.open.includes(this);
  }

  get dueNs(): bigint | undefined {
    return this.#timeout?.atNs;
  }

  get #isStream(): boolean {
    return (this.token & 3) === CalloutType.GrpcStream;
  }

  sendMetadata(metadata: HeadersInit): void {
    if (!this.#isStream) throw new Error(`${this.method} is a call: Envoy tells filters nothing of its metadata`);
    this.#refuseIfBegun();
    this.#begin(this.#responseHeaders(metadata));
  }

  send(message: string | Uint8Array): void {
    this.#assertOpen();
    const bytes = toByteString(message);
    if (!this.#isStream) this.end();
    else if (!this.#isBegun) this.sendMetadata({});
    this.#bring({ buffers: { [BufferType.GrpcMessage]: bytes } }, "proxy_on_grpc_receive", bytes.length);
  }

  /** A stream that ends before it has begun has nothing but trailing metadata, with what is else in the initial ones. */
  close({ status = 0, text = "", trailingMetadata = {}, httpStatus = 200 }: GrpcEnd = {}): void {
    this.#assertOpen();
    const via = text === "" ? "via_upstream" : `${text}{via_upstream}`;
    if (httpStatus !== 200) {
      this.#refuseIfBegun();
      this.#end(grpcStatusOfHttp(httpStatus), via, new HeaderMap("response trailers"));
    } else if (!this.#isStream && status === 0) this.#end(13, "");
    else {
      const end = {
        "grpc-status": String(status),
        ...(text === "" ? {} : { "grpc-message": text }),
        ...trailingMetadata,
      };
      const trailers = this.#isBegun ? new HeaderMap("response trailers", end) : this.#responseHeaders(end);
      this.#end(status, via, trailers);
    }
  }

  reset(reason: ResetReason): void {
    this.#refuseIfBegun();
    this.#fail(resetReply(reason));
  }

  /** There is no endpoint: a stream's metadata come while the filter's callback still runs. */
  refuse(): void {
    this.#fail(noEndpoint, (action) => this.root.defer(action));
  }

  /** It is over, and nobody hears of it. */
  end(): void {
    this.#timeout?.cancel();
    this.#calls.forget(this);
  }

  /** Ends with an answer of Envoy's own. */
  #fail(reply: LocalReply, when?: (action: () => void) => void): void {
    const { headers } = localResponse(reply, true);
    const status = Number(headers.first("grpc-status"));
    this.#end(status, `${toText(reply.body)}{${reply.details}}`, headers, when);
  }

  #end(status: number, message: string, trailers = new HeaderMap("response trailers"), when = now): void {
    if (this.#isStream) {
      if (!this.#isBegun) this.#begin(new HeaderMap("response"));
      this.#bringMap("proxy_on_grpc_receive_trailing_metadata", MapType.GrpcTrailingMetadata, trailers);
    }
    when(() => {
      if (!this.isOpen) return;
      this.#bring({ status: { code: status, message: toByteString(message) } }, "proxy_on_grpc_close", status);
      this.end();
    });
  }

  #begin(headers: HeaderMap): void {
    this.#isBegun = true;
    this.#bringMap("proxy_on_grpc_receive_initial_metadata", MapType.GrpcInitialMetadata, headers);
  }

  #responseHeaders(init: HeadersInit): HeaderMap {
    const headers = new HeaderMap("response", { ":status": "200", "content-type": "application/grpc", ...init });
    const elapsedMs = (this.#calls.clock.monotonicNs - this.#startedNs) / 1_000_000n;
    headers.set("x-envoy-upstream-service-time", String(elapsedMs));
    return headers;
  }

  #bringMap(callback: string, type: number, map: HeaderMap): void {
    this.#bring({ maps: { [type]: map } }, callback, map.pairs.length);
  }

  #bring(received: Received, callback: string, word: number): void {
    this.root.receive(received, callback, [this.token, word]);
  }

  #assertOpen(): void {
    if (!this.isOpen) throw new Error(`${this.service}/${this.method} is over already`);
  }

  #refuseIfBegun(): void {
    this.#assertOpen();
    if (this.#isBegun) throw new Error(`${this.service}/${this.method} has its initial metadata already`);
  }
}

function now(action: () => void): void {
  action();
}

// HTTP calls of filters to clusters: the hostcall, and the network that the test plays.
// @see Envoy source/extensions/common/wasm/context.cc httpCall, source/common/http/async_client_impl.cc
import * as BufferType from "../abi/buffer-type.ts";
import * as CalloutType from "../abi/callout-type.ts";
import * as MapType from "../abi/map-type.ts";
import * as Status from "../abi/status.ts";
import { type ByteString, toByteString, toText } from "./bytes.ts";
import { earliest, type Timer, type VirtualClock } from "./clock.ts";
import { type Duration, parseDuration } from "./duration.ts";
import { HeaderMap, type HeadersInit, type HeaderView } from "./header-map.ts";
import { localResponse } from "./local-reply.ts";
import { decodePairs } from "./pairs.ts";
import type { ResetReason } from "./request.ts";
import { resetReply, timeoutReply } from "./resets.ts";
import type { Hostcalls, RootContext, VmScope } from "./scope.ts";

/**
 * Why a call brings no answer of its upstream. For a timeout Envoy says 504, for a connection that is refused or an upstream
 * that cuts it 503; of a response that broke off after its headers ("reset") the filter is told that there is none.
 */
export type HttpCallFailure = "timeout" | "refused" | "reset" | Exclude<ResetReason, "connection-failure">;

/** What answers a call: a response, or none. */
export type HttpCallAnswer =
  | {
      readonly status: number;
      readonly headers?: HeadersInit;
      readonly body?: string | Uint8Array;
      readonly trailers?: HeadersInit;
      /** Time until the response is complete. Default none. */
      readonly after?: Duration;
    }
  | { readonly fail: HttpCallFailure; readonly after?: Duration };

/** Answers a call; undefined leaves it open, to be answered by its `answer` or by its timeout. */
export type HttpCallHandler = (call: HttpCall) => HttpCallAnswer | undefined;

/** Who answers calls to a cluster; "no endpoint": it has none, and the hostcall fails at once. */
export type HttpPeer = HttpCallHandler | "no endpoint";

/** A call of a filter, as a test sees it: trailers are missing, because Envoy drops them. */
export interface HttpCall {
  readonly cluster: string;
  /** As they reach the upstream: those of the filter, and Envoy's own. */
  readonly headers: HeaderView;
  readonly body: string;
  /** 0: none. */
  readonly timeoutMs: number;
  /** False once it was answered, or its plugin ended. */
  readonly isOpen: boolean;
  /** @throws {Error} if it is not open, or fails by a timeout that it does not have */
  answer(answer: HttpCallAnswer): void;
}

interface CallInit {
  readonly root: RootContext;
  readonly token: number;
  readonly cluster: string;
  readonly headers: HeaderMap;
  readonly body: ByteString;
  readonly timeoutMs: number;
}

/** All calls of a process, and who answers them. */
export class HttpCalls {
  readonly #clock: VirtualClock;
  readonly #peers: Map<string, HttpPeer>;
  #open: Call[] = [];

  constructor(clock: VirtualClock, peers: Readonly<Record<string, HttpPeer>> = {}) {
    this.#clock = clock;
    this.#peers = new Map(Object.entries(peers));
  }

  /** Makes a cluster known, and says who answers for it. */
  on(cluster: string, peer: HttpPeer): void {
    this.#peers.set(cluster, peer);
  }

  /** Undefined: there is no such cluster. */
  peer(cluster: string): HttpPeer | undefined {
    return this.#peers.get(cluster);
  }

  get open(): readonly HttpCall[] {
    return this.#open;
  }

  /** When the next answer or timeout is due; undefined if none is. */
  get nextNs(): bigint | undefined {
    return earliest(this.#open.map(({ dueNs }) => dueNs));
  }

  /** Starts a call. The handler is asked once the running callback is over. */
  start(init: CallInit, handler: HttpCallHandler): void {
    const call = new Call(init, this.#clock, () => {
      this.#open = this.#open.filter((other) => other !== call);
    });
    this.#open.push(call);
    init.root.defer(() => {
      const answer = call.isOpen ? handler(call) : undefined;
      if (answer !== undefined) call.answerLater(answer);
    });
  }

  /** The plugin ends: nobody waits for its calls any more. */
  cancel(root: RootContext): void {
    for (const call of this.#open) if (call.root === root) call.cancel();
  }
}

class Call implements HttpCall {
  readonly root: RootContext;
  readonly cluster: string;
  readonly headers: HeaderMap;
  readonly body: string;
  readonly timeoutMs: number;
  readonly #startedNs: bigint;
  readonly #token: number;
  readonly #clock: VirtualClock;
  readonly #onOver: () => void;
  readonly #timeout: Timer | undefined;
  #answer: Timer | undefined;
  #isOpen = true;

  constructor(init: CallInit, clock: VirtualClock, onOver: () => void) {
    this.root = init.root;
    this.cluster = init.cluster;
    this.headers = init.headers;
    this.body = toText(init.body);
    this.timeoutMs = init.timeoutMs;
    this.#token = init.token;
    this.#clock = clock;
    this.#startedNs = clock.monotonicNs;
    this.#onOver = onOver;
    if (init.timeoutMs > 0)
      this.#timeout = clock.after(BigInt(init.timeoutMs) * 1_000_000n, () => this.#deliver({ fail: "timeout" }));
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get dueNs(): bigint | undefined {
    return earliest([this.#answer?.atNs, this.#timeout?.atNs]);
  }

  answer(answer: HttpCallAnswer): void {
    this.answerLater(answer);
    this.#clock.runUntil(this.#answer?.atNs ?? this.#clock.monotonicNs, () => !this.#isOpen);
  }

  answerLater(answer: HttpCallAnswer): void {
    if (!this.#isOpen) throw new Error(`the call to ${this.cluster} is over already`);
    const isTimeout = "fail" in answer && answer.fail === "timeout";
    if (isTimeout && this.#timeout === undefined)
      throw new Error(`the call to ${this.cluster} has no timeout; answer it otherwise`);
    const left = isTimeout
      ? (this.#timeout?.atNs ?? 0n) - this.#clock.monotonicNs
      : parseDuration(answer.after ?? "0s");
    this.#answer?.cancel();
    this.#answer = this.#clock.after(left, () => this.#deliver(answer));
  }

  cancel(): void {
    this.#isOpen = false;
    this.#answer?.cancel();
    this.#timeout?.cancel();
    this.#onOver();
  }

  get #elapsedMs(): bigint {
    return (this.#clock.monotonicNs - this.#startedNs) / 1_000_000n;
  }

  #deliver(answer: HttpCallAnswer): void {
    this.cancel();
    const { headers, body, trailers } = "fail" in answer ? failed(answer.fail) : received(answer);
    if (!("fail" in answer)) headers?.set("x-envoy-upstream-service-time", String(this.#elapsedMs));
    this.root.receive(
      {
        maps: { [MapType.HttpCallResponseHeaders]: headers, [MapType.HttpCallResponseTrailers]: trailers },
        buffers: body === undefined ? {} : { [BufferType.HttpCallResponseBody]: body },
        status: headers === undefined ? { code: Status.BrokenConnection, message: "reset" } : undefined,
      },
      "proxy_on_http_call_response",
      [this.#token, headers?.pairs.length ?? 0, body?.length ?? 0, trailers?.pairs.length ?? 0],
    );
  }
}

interface Parts {
  readonly headers?: HeaderMap;
  readonly body?: ByteString;
  readonly trailers?: HeaderMap;
}

function received(answer: Extract<HttpCallAnswer, { status: number }>): Parts {
  const { status, headers = {}, body = "", trailers } = answer;
  return {
    headers: new HeaderMap("response", { ":status": String(status), ...headers }),
    body: toByteString(body),
    ...(trailers && { trailers: new HeaderMap("response", trailers) }),
  };
}

/** What Envoy makes of a call without an answer [measured, Envoy 1.40]. */
function failed(reason: HttpCallFailure): Parts {
  if (reason === "reset") return {};
  if (reason === "timeout") return localResponse(timeoutReply("response_timeout"), false);
  return localResponse(resetReply(reason === "refused" ? "connection-failure" : reason), false);
}

export function httpCallCalls(vm: VmScope): Hostcalls {
  const { httpCalls } = vm.process;
  return {
    proxy_http_call(
      clusterAddress: number,
      clusterSize: number,
      headersAddress: number,
      headersSize: number,
      bodyAddress: number,
      bodySize: number,
      trailersAddress: number,
      trailersSize: number,
      timeoutMs: number,
      tokenOut: number,
    ) {
      const cluster = vm.memory.read(clusterAddress, clusterSize);
      const headersBlock = vm.memory.read(headersAddress, headersSize);
      const body = vm.memory.read(bodyAddress, bodySize);
      const trailersBlock = vm.memory.read(trailersAddress, trailersSize);
      if (cluster === undefined || headersBlock === undefined || body === undefined || trailersBlock === undefined)
        return Status.InvalidMemoryAccess;
      if (!vm.memory.writeWord(tokenOut, 0)) return Status.InvalidMemoryAccess;
      const { root } = vm.context();
      const headers = new HeaderMap("request");
      for (const [name, value] of decodePairs(headersBlock)) headers.add(name, value);
      const isComplete = [":method", ":path", ":authority"].every((name) => headers.has(name));
      const peer = httpCalls.peer(toText(cluster));
      if (root === undefined || timeoutMs < 0 || peer === undefined || !isComplete) return Status.BadArgument;
      if (peer === "no endpoint") return Status.InternalFailure;
      if (body !== "") headers.replace("content-length", String(body.length));
      addEnvoyHeaders(headers, timeoutMs);
      const token = vm.nextToken(CalloutType.Http);
      vm.memory.writeWord(tokenOut, token);
      httpCalls.start({ root, token, cluster: toText(cluster), headers, body, timeoutMs }, peer);
      return Status.Ok;
    },
    /** Of the callback that brings an answer: why a call failed. */
    proxy_get_status(codeOut: number, messageOut: number, sizeOut: number) {
      const { code, message } = vm.context().root?.received?.status ?? { code: 0, message: "" };
      if (!vm.memory.writeWord(codeOut, code)) return Status.InvalidMemoryAccess;
      return vm.memory.give(message, messageOut, sizeOut);
    },
  };
}

/** What the router adds to a filter's call, HTTP or gRPC. @param timeoutMs 0: none */
export function addEnvoyHeaders(headers: HeaderMap, timeoutMs: number): void {
  headers.set(":scheme", "http");
  headers.add("x-envoy-internal", "true");
  if (timeoutMs > 0) headers.set("x-envoy-expected-rq-timeout-ms", String(timeoutMs));
}

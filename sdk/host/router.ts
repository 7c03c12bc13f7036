// Envoy's router for one request: attempts one after another, their timeouts, and what the caller gets in the end.
// @see Envoy source/common/router/router.cc
import { Attempt, type AttemptOwner } from "./attempt.ts";
import type { ByteString } from "./bytes.ts";
import type { Timer, VirtualClock } from "./clock.ts";
import type { FilterRoot } from "./filter-manager.ts";
import type { HeaderMap } from "./header-map.ts";
import type { LocalReply } from "./local-reply.ts";
import { bufferLimit, type ListenerInit } from "./node.ts";
import type { Endpoint, ResetReason, RouteInit } from "./request.ts";
import { brokenOff, noCluster, noEndpoint, overflow, resetReply, resets, timeoutReply } from "./resets.ts";
import { backOffNs, isRetriableReset, isRetriableResponse, type RetryPolicy, takeRetryPolicy } from "./retry.ts";
import { Flag, type StreamInfo } from "./stream-info.ts";
import { expectedTimeoutMs, type Timeouts, takeTimeouts } from "./timeouts.ts";

/** The request that the router routes. */
export interface RouterOwner {
  readonly info: StreamInfo;
  readonly listener: ListenerInit;
  readonly clock: VirtualClock;
  readonly requestHeaders: HeaderMap;
  /** The plugins of the upstream chain, for a new attempt. */
  upstreamFilters(): Iterable<FilterRoot>;
  onUpstreamHeaders(headers: HeaderMap, endStream: boolean): void;
  onUpstreamBody(bytes: ByteString, endStream: boolean): void;
  onUpstreamTrailers(trailers: HeaderMap): void;
  /** The upstream cut the response after its headers. */
  onUpstreamCut(): void;
  /** A filter of the upstream chain closes the request. */
  onClosedByFilter(): void;
  sendLocalReply(reply: LocalReply): void;
}

/** Where a cluster says nothing of its endpoints. */
export const defaultEndpoint: Endpoint = { address: "127.0.0.1:8080" };

export class Router implements AttemptOwner {
  readonly #owner: RouterOwner;
  readonly #route: RouteInit;
  readonly #policy: RetryPolicy;
  readonly #timeouts: Timeouts;
  #retriesLeft: number;
  /** What has come of the request's body, while it may be needed for another attempt. */
  #requestBody = "";
  #requestTrailers: HeaderMap | undefined;
  #attempt: Attempt | undefined;
  #attemptStartedNs = 0n;
  #requestCompleteNs: bigint | undefined;
  #timeout: Timer | undefined;
  #perTryTimeout: Timer | undefined;
  #backOff: Timer | undefined;

  constructor(owner: RouterOwner, route: RouteInit) {
    this.#owner = owner;
    this.#route = route;
    this.#timeouts = takeTimeouts(route, owner.requestHeaders);
    this.#policy = takeRetryPolicy(route, owner.requestHeaders);
    this.#retriesLeft = this.#policy.retries;
  }

  get info(): StreamInfo {
    return this.#owner.info;
  }

  get listener(): ListenerInit {
    return this.#owner.listener;
  }

  /** The attempt that is running. */
  get attempt(): Attempt | undefined {
    return this.#attempt;
  }

  /** Moment of the next attempt, while the router waits for it. */
  get nextAttemptNs(): bigint | undefined {
    return this.#backOff?.atNs;
  }

  /** Starts the first attempt, or answers where there is nobody to try. */
  start(): void {
    const { cluster } = this.info;
    if (cluster === undefined) {
      this.#answer(Flag.NC, noCluster);
      return;
    }
    this.#prepareAttempt();
    if (cluster.endpoints?.length === 0) this.#answer(Flag.UH, noEndpoint);
    else if (cluster.overflow === "requests") this.#overflow();
    else this.#startAttempt();
  }

  /** The request has arrived as a whole: only now the route's timeout begins. */
  onRequestComplete(): void {
    const { clock } = this.#owner;
    this.#requestCompleteNs = clock.monotonicNs;
    const { routeMs } = this.#timeouts;
    if (routeMs > 0) this.#timeout = clock.after(msToNs(routeMs), () => this.#onTimeout());
    this.#startPerTryTimeout();
  }

  /** A body that is too large to be kept ends the retries. */
  onRequestBody(bytes: ByteString, endStream: boolean): void {
    const limitBytes = bufferLimit(this.listener, this.info.connection.protocol);
    if (this.#requestBody.length + bytes.length > limitBytes) this.#retriesLeft = 0;
    if (this.#retriesLeft > 0) this.#requestBody += bytes;
    if (endStream) this.onRequestComplete();
    this.#attempt?.onRequestBody(bytes, endStream);
  }

  onRequestTrailers(trailers: HeaderMap): void {
    this.#requestTrailers = trailers;
    this.onRequestComplete();
    this.#attempt?.onRequestTrailers(trailers);
  }

  /** Drops the running attempt and everything that is due. */
  abandon(): void {
    this.#timeout?.cancel();
    this.#backOff?.cancel();
    this.#backOff = undefined;
    this.#endAttempt();
  }

  onResponse(headers: HeaderMap, endStream: boolean): void {
    this.#perTryTimeout?.cancel();
    if (isRetriableResponse(this.#policy, headers) && this.#tryAgain()) return;
    headers.set("x-envoy-upstream-service-time", String(this.#attemptNs() / 1_000_000n));
    this.info.responseCode = Number(headers.first(":status"));
    if (endStream) this.#finish();
    this.#owner.onUpstreamHeaders(headers, endStream);
  }

  /** A response without a body is complete with its headers: its latency is known to the filters that see them. */
  onResponseArrived(endStream: boolean): void {
    if (endStream) this.info.backendLatencyNs = this.#attemptNs();
  }

  onResponseBody(bytes: ByteString, endStream: boolean): void {
    if (endStream) this.#finish();
    this.#owner.onUpstreamBody(bytes, endStream);
  }

  onResponseTrailers(trailers: HeaderMap): void {
    this.#finish();
    this.#owner.onUpstreamTrailers(trailers);
  }

  onReset(reason: ResetReason): void {
    const { flag, transportFailure } = resets[reason];
    if (this.#attempt?.isAnswered) {
      this.#cut(flag, brokenOff(reason));
      return;
    }
    this.info.transportFailure = transportFailure;
    if (isRetriableReset(this.#policy, reason) && this.#tryAgain()) return;
    this.#answer(flag, resetReply(reason, this.info.attempts));
  }

  cut(): void {
    this.#owner.onClosedByFilter();
  }

  /** A local reply of the upstream filter answers the request: the router does not try again. */
  sendLocalReply(reply: LocalReply): void {
    this.#owner.sendLocalReply(reply);
  }

  /** The response is complete. */
  #finish(): void {
    this.info.backendLatencyNs = this.#attemptNs();
    this.abandon();
  }

  /** What an attempt's number and its time left write into the request, found or not found an upstream. */
  #prepareAttempt(): void {
    const { info, requestHeaders } = this.#owner;
    info.attempts += 1;
    info.backendLatencyNs = undefined;
    if (this.#route.attemptCount) requestHeaders.set("x-envoy-attempt-count", String(info.attempts));
    const expectedMs = expectedTimeoutMs(this.#timeouts, this.#elapsedMs());
    if (expectedMs !== undefined) requestHeaders.set("x-envoy-expected-rq-timeout-ms", String(expectedMs));
  }

  #overflow(): void {
    this.info.transportFailure = "";
    this.#answer(Flag.UO, overflow);
  }

  #startAttempt(): void {
    this.#backOff = undefined;
    const { info, requestHeaders, clock } = this.#owner;
    const endpoints = info.cluster?.endpoints ?? [defaultEndpoint];
    const endpoint = endpoints[(info.attempts - 1) % endpoints.length] ?? defaultEndpoint;
    info.endpoint = endpoint;
    info.isConnected = false;
    info.transportFailure = "";
    this.#attemptStartedNs = clock.monotonicNs;
    const roots = this.#owner.upstreamFilters();
    const attempt = new Attempt(this, { number: info.attempts, headers: requestHeaders, endpoint, roots });
    this.#attempt = attempt;
    this.#startPerTryTimeout();
    const [body, trailers] = [this.#requestBody, this.#requestTrailers];
    const endsAfterBody = this.#requestCompleteNs !== undefined && trailers === undefined;
    attempt.start(endsAfterBody && body === "");
    if (body !== "") attempt.onRequestBody(body, endsAfterBody);
    if (trailers !== undefined) attempt.onRequestTrailers(trailers);
  }

  #attemptNs(): bigint {
    return this.#owner.clock.monotonicNs - this.#attemptStartedNs;
  }

  /** Milliseconds since the request was complete. */
  #elapsedMs(): number {
    const { monotonicNs } = this.#owner.clock;
    return Number((monotonicNs - (this.#requestCompleteNs ?? monotonicNs)) / 1_000_000n);
  }

  #startPerTryTimeout(): void {
    const { perTryMs } = this.#timeouts;
    if (perTryMs === 0 || this.#requestCompleteNs === undefined || this.#attempt === undefined) return;
    this.#perTryTimeout?.cancel();
    this.#perTryTimeout = this.#owner.clock.after(msToNs(perTryMs), () => this.#onPerTryTimeout());
  }

  /** Ends the attempt and schedules another; false, with its flag, if there can be none: the request may not be complete. */
  #tryAgain(): boolean {
    if (this.#retriesLeft === 0 || this.#requestCompleteNs === undefined) {
      this.info.flags |= Flag.URX;
      return false;
    }
    if (this.info.cluster?.overflow === "retries") {
      this.info.flags |= Flag.UO;
      return false;
    }
    this.#retriesLeft -= 1;
    this.#endAttempt();
    const retry = this.#policy.retries - this.#retriesLeft;
    this.#backOff = this.#owner.clock.after(backOffNs(retry), () => {
      this.#prepareAttempt();
      this.#startAttempt();
    });
    return true;
  }

  #onPerTryTimeout(): void {
    if (isRetriableReset(this.#policy, "timeout") && this.#tryAgain()) return;
    this.#answer(Flag.UT, timeoutReply("upstream_per_try_timeout"));
  }

  /** The route's timeout is never retried. After response headers it can only cut the stream. */
  #onTimeout(): void {
    if (!this.#attempt?.isAnswered) {
      this.#answer(Flag.UT, timeoutReply("response_timeout"));
      return;
    }
    this.#cut(Flag.UT, "response_timeout");
  }

  /** After response headers there is no other answer than to cut it; the upstream filter ends first. */
  #cut(flag: number, details: string): void {
    this.abandon();
    this.info.flags |= flag;
    this.info.details = details;
    this.#owner.onUpstreamCut();
  }

  /** The upstream filter ends first, then the caller is answered. */
  #answer(flag: number, reply: LocalReply): void {
    this.abandon();
    this.info.flags |= flag;
    this.#owner.sendLocalReply(reply);
  }

  #endAttempt(): void {
    this.#perTryTimeout?.cancel();
    const attempt = this.#attempt;
    this.#attempt = undefined;
    attempt?.destroy();
  }
}

function msToNs(ms: number): bigint {
  return BigInt(ms) * 1_000_000n;
}

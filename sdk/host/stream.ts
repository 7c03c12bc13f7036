// A request as a test holds it: it sees what the caller and the upstream see, and moves the request on.

import type { UpstreamAttempt } from "./attempt.ts";
import { toByteString, toText } from "./bytes.ts";
import { parseDuration } from "./duration.ts";
import type { Exchange } from "./exchange.ts";
import { HeaderMap, type HeadersInit, type HeaderView } from "./header-map.ts";
import type { UpstreamReset, UpstreamResponse } from "./request.ts";
import { type FlagName, flagNames, leftIn } from "./stream-info.ts";

/** What the caller got, and what the access log would say. */
export interface Reply {
  /** HTTP status; 0 if the stream was cut before response headers. */
  readonly status: number;
  readonly headers: HeaderView;
  readonly body: string;
  /** Undefined where the response has none. Envoy sends them to HTTP/2 clients, and drops them for HTTP/1.1. */
  readonly trailers: HeaderView | undefined;
  /** The stream was cut by the caller, the upstream, a timeout or a filter, or its body is not what content-length says. */
  readonly isCut: boolean;
  /** Response code details, such as `via_upstream`. */
  readonly details: string;
  readonly flags: readonly FlagName[];
  /** Attempts that the router made. */
  readonly attempts: number;
  readonly durationMs: number;
  /** What filters left by proxy_set_property, by key without Envoy's prefix `wasm.`. */
  readonly filterState: ReadonlyMap<string, string>;
}

/** A request, step by step: what the caller or the upstream does, the filters have seen when the call returns. */
export class Stream {
  readonly #exchange: Exchange;
  readonly #nextCallNs: () => bigint | undefined;

  /** @param nextCallNs when something of the filters' calls is due; undefined if nothing is */
  constructor(exchange: Exchange, nextCallNs: () => bigint | undefined) {
    this.#exchange = exchange;
    this.#nextCallNs = nextCallNs;
  }

  /** The request's headers as they are now. */
  get request(): HeaderView {
    return this.#exchange.requestHeaders;
  }

  get isOver(): boolean {
    return this.#exchange.phase === "over";
  }

  /** True while the downstream filter holds something of the request or the response. */
  get isHeld(): boolean {
    return this.#exchange.isHeld;
  }

  /** What the caller has so far. Complete when `isOver`. */
  get reply(): Reply {
    const { info, sentHeaders, sentBody, sentTrailers, isCut } = this.#exchange;
    return {
      status: Number(sentHeaders?.first(":status") ?? 0),
      headers: sentHeaders ?? new HeaderMap("response"),
      body: toText(sentBody),
      trailers: sentTrailers,
      isCut,
      details: toText(info.details ?? ""),
      flags: flagNames(info.flags),
      attempts: info.attempts,
      durationMs: Number(info.durationNs ?? this.#exchange.clock.monotonicNs - info.startedAtNs) / 1e6,
      filterState: leftIn(info),
    };
  }

  /**
   * The attempt that waits for the upstream. If the router is between two attempts, the clock moves to the next one.
   *
   * @returns undefined if none waits: the request is over or held, or the attempt has been answered
   */
  attempt(): UpstreamAttempt | undefined {
    this.#settle();
    const { router, clock } = this.#exchange;
    if (router?.nextAttemptNs !== undefined) clock.runUntil(router.nextAttemptNs, () => this.isOver);
    return router?.attempt?.isWaiting ? router.attempt : undefined;
  }

  /** More of a request that was started with `endStream: false`; `endStream` (default false) ends it. */
  sendBody(chunk: string | Uint8Array, { endStream = false }: { readonly endStream?: boolean } = {}): void {
    this.#exchange.receiveBody(toByteString(chunk), endStream);
  }

  /** Ends a request that was started with `endStream: false`. */
  sendTrailers(trailers: HeadersInit): void {
    this.#exchange.receiveTrailers(new HeaderMap("request trailers", trailers));
  }

  /** The caller goes away. */
  disconnect(): void {
    this.#exchange.disconnect();
  }

  /**
   * Lets the upstream answer every attempt, and moves the clock by the time that takes; by that of calls, too, for which
   * a filter holds the request.
   *
   * @throws {Error} if the request is held by a filter and so never ends
   */
  serve(upstream: (attempt: UpstreamAttempt) => UpstreamResponse | UpstreamReset): Reply {
    do {
      for (let attempt = this.attempt(); attempt !== undefined; attempt = this.attempt())
        this.#answer(attempt, upstream(attempt));
    } while (!this.isOver && this.#awaitCall());
    this.#settle();
    if (this.isOver) return this.reply;
    throw new Error(
      `${this.request.get(":method")} ${this.request.get(":path")} is held by the filter, in phase "${this.#exchange.phase}"; drive it with host.stream() and host.advance()`,
    );
  }

  /** Lets happen what other threads and peers do without delay. */
  #settle(): void {
    const { clock } = this.#exchange;
    clock.runUntil(clock.monotonicNs);
  }

  /** Moves the clock to the next answer of a call; false if none is due. */
  #awaitCall(): boolean {
    const nextNs = this.#nextCallNs();
    if (nextNs !== undefined) this.#exchange.clock.runUntil(nextNs);
    return nextNs !== undefined;
  }

  #answer(attempt: UpstreamAttempt, answer: UpstreamResponse | UpstreamReset): void {
    const { clock } = this.#exchange;
    const run = () => ("reset" in answer ? attempt.reset(answer.reset) : attempt.respond(answer));
    if (answer.after === undefined) {
      run();
      return;
    }
    let isDue = false;
    const timer = clock.after(parseDuration(answer.after), () => {
      isDue = true;
      if (attempt.isOpen) run();
    });
    clock.runUntil(timer.atNs, () => isDue || !attempt.isOpen);
    timer.cancel();
  }
}

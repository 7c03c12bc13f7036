// One upstream attempt: the filters in the router's upstream chain, and what the upstream answers.
import { type ByteString, toByteString, toText } from "./bytes.ts";
import { FilterManager, type FilterManagerOwner, type FilterRoot } from "./filter-manager.ts";
import { HeaderMap, type HeadersInit, type HeaderView } from "./header-map.ts";
import type { LocalReply } from "./local-reply.ts";
import type { ListenerInit } from "./node.ts";
import type { Endpoint, ResetReason, UpstreamResponse } from "./request.ts";
import type { StreamInfo } from "./stream-info.ts";

/** An attempt as a test sees it: what the upstream received, and the ways to answer. */
export interface UpstreamAttempt {
  /** 1 for the first. */
  readonly number: number;
  /** The request's headers as they reach the upstream. One map for all attempts: later attempts change it. */
  readonly headers: HeaderView;
  readonly endpoint: Endpoint;
  /** What has reached the upstream of the request's body so far, as text. */
  readonly body: string;
  /** Undefined until they have reached the upstream. */
  readonly trailers: HeaderView | undefined;
  /** The upstream has the whole request. */
  readonly isComplete: boolean;
  /** False once it was answered, cut or timed out. */
  readonly isOpen: boolean;
  /** Answers; `endStream: false` leaves the body open. @throws {Error} if it was answered already */
  respond(response: UpstreamResponse & { readonly endStream?: boolean }): void;
  /** More of a body that was left open; `endStream` (default false) ends it. @throws {Error} if it is not open */
  sendBody(chunk: string | Uint8Array, options?: { readonly endStream?: boolean }): void;
  /** Ends a response whose body was left open. @throws {Error} if it is not open */
  sendTrailers(trailers: HeadersInit): void;
  /** Cuts it. */
  reset(reason: ResetReason): void;
}

/** The router that started the attempt. */
export interface AttemptOwner {
  readonly info: StreamInfo;
  readonly listener: ListenerInit;
  /** Before an upstream filter has seen it. */
  onResponseArrived(endStream: boolean): void;
  onResponse(headers: HeaderMap, endStream: boolean): void;
  onResponseBody(bytes: ByteString, endStream: boolean): void;
  onResponseTrailers(trailers: HeaderMap): void;
  onReset(reason: ResetReason): void;
  /** Cuts the request. */
  cut(): void;
  sendLocalReply(reply: LocalReply): void;
}

type State =
  /** An upstream filter holds the request's headers. */
  | "held"
  /** The upstream has the request. */
  | "sent"
  /** An upstream filter holds the response's headers. */
  | "response held"
  /** Response headers have gone on to the router. */
  | "answered"
  | "over";

export class Attempt implements UpstreamAttempt, FilterManagerOwner {
  readonly number: number;
  readonly headers: HeaderMap;
  readonly endpoint: Endpoint;
  readonly #owner: AttemptOwner;
  readonly #filters: FilterManager;
  #state: State = "held";
  #body = "";
  #trailers: HeaderMap | undefined;
  #isComplete = false;

  /** @param request `roots`: the plugins of the upstream chain, in its order */
  constructor(
    owner: AttemptOwner,
    request: { number: number; headers: HeaderMap; endpoint: Endpoint; roots: Iterable<FilterRoot> },
  ) {
    this.#owner = owner;
    this.number = request.number;
    this.headers = request.headers;
    this.endpoint = request.endpoint;
    this.#filters = new FilterManager(request.roots, this, {
      request: {
        onHeaders: (_, endStream) => this.#reach({ state: "sent", endStream }),
        onBody: (bytes, endStream) => {
          this.#body += bytes;
          this.#reach({ endStream });
        },
        onTrailers: (trailers) => {
          this.#trailers = trailers;
          this.#reach({ endStream: true });
        },
      },
      response: {
        onHeaders: (headers, endStream) => {
          this.#state = "answered";
          owner.onResponse(headers, endStream);
        },
        onBody: (bytes, endStream) => owner.onResponseBody(bytes, endStream),
        onTrailers: (trailers) => owner.onResponseTrailers(trailers),
      },
    });
  }

  /** Lets the upstream filters see the request, and sends it. */
  start(endStream: boolean): void {
    this.#filters.request.onHeaders(this.headers, endStream);
  }

  onRequestBody(bytes: ByteString, endStream: boolean): void {
    this.#filters.request.onBody(bytes, endStream);
  }

  onRequestTrailers(trailers: HeaderMap): void {
    this.#filters.request.onTrailers(trailers);
  }

  get body(): string {
    return toText(this.#body);
  }

  get trailers(): HeaderView | undefined {
    return this.#trailers;
  }

  get isComplete(): boolean {
    return this.#isComplete;
  }

  get info(): StreamInfo {
    return this.#owner.info;
  }

  get listener(): ListenerInit {
    return this.#owner.listener;
  }

  get isOpen(): boolean {
    return this.#state !== "over";
  }

  /** The upstream may answer. */
  get isWaiting(): boolean {
    return this.#state === "sent";
  }

  /** Response headers have gone on to the router. */
  get isAnswered(): boolean {
    return this.#state === "answered";
  }

  respond({
    status,
    headers = {},
    body = "",
    trailers,
    endStream = true,
  }: UpstreamResponse & { endStream?: boolean }): void {
    if (this.#state !== "sent") throw new Error(`attempt ${this.number} can't be answered: it is ${this.#state}`);
    const endsAfterBody = endStream && trailers === undefined;
    const isWhole = endsAfterBody && body.length === 0;
    this.info.details = "via_upstream";
    this.#state = "response held";
    this.#owner.onResponseArrived(isWhole);
    this.#filters.response.onHeaders(new HeaderMap("response", { ":status": String(status), ...headers }), isWhole);
    if (body.length > 0) this.#filters.response.onBody(toByteString(body), endsAfterBody);
    if (trailers !== undefined) this.#filters.response.onTrailers(new HeaderMap("response trailers", trailers));
  }

  sendBody(chunk: string | Uint8Array, { endStream = false }: { endStream?: boolean } = {}): void {
    this.#refuseAfterEnd();
    this.#filters.response.onBody(toByteString(chunk), endStream);
  }

  sendTrailers(trailers: HeadersInit): void {
    this.#refuseAfterEnd();
    this.#filters.response.onTrailers(new HeaderMap("response trailers", trailers));
  }

  reset(reason: ResetReason): void {
    if (this.#state === "over") throw new Error(`attempt ${this.number} is over already`);
    this.#owner.onReset(reason);
  }

  /** The upstream filters' end: on_done and on_delete. */
  destroy(): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.#filters.abort("request");
    this.#filters.abort("response");
    this.#filters.onDestroy();
  }

  sendLocalReply(reply: LocalReply): void {
    if (this.#state !== "over") this.#owner.sendLocalReply(reply);
  }

  /** close_stream: the whole request is cut. */
  cut(): void {
    if (this.#state !== "over") this.#owner.cut();
  }

  #reach({ state = this.#state, endStream }: { state?: State; endStream: boolean }): void {
    this.#state = state;
    this.info.isConnected = true;
    this.#isComplete = endStream;
  }

  #refuseAfterEnd(): void {
    const isBegun = this.#state === "response held" || this.#state === "answered";
    if (!isBegun || this.#filters.isComplete("response"))
      throw new Error(`attempt ${this.number} has no open body: it is ${this.#state}`);
  }
}

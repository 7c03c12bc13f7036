// One upstream attempt: the filter in the router's upstream chain, and what the upstream answers.
import * as StreamType from "../abi/stream-type.ts";
import { type ByteString, toByteString } from "./bytes.ts";
import { NotEmulated } from "./errors.ts";
import { Filter, type FilterChain } from "./filter.ts";
import { HeaderMap, type HeaderView } from "./header-map.ts";
import type { LocalReply } from "./local-reply.ts";
import type { ListenerInit } from "./node.ts";
import type { Endpoint, ResetReason, UpstreamResponse } from "./request.ts";
import type { Root } from "./root.ts";
import type { StreamInfo } from "./stream-info.ts";

/** An attempt as a test sees it: what the upstream received, and the ways to answer. */
export interface UpstreamAttempt {
  /** 1 for the first. */
  readonly number: number;
  /** The request's headers as they reach the upstream. One map for all attempts: later attempts change it. */
  readonly headers: HeaderView;
  readonly endpoint: Endpoint;
  /** False once it was answered, cut or timed out. */
  readonly isOpen: boolean;
  /** Answers; `endStream: false` leaves the body open. @throws {Error} if it was answered already */
  respond(response: UpstreamResponse & { readonly endStream?: boolean }): void;
  /** Ends a response whose body was left open. */
  end(body?: string | Uint8Array): void;
  /** Cuts it. */
  reset(reason: ResetReason): void;
}

/** Response headers on their way, and the body that follows. */
export interface ResponseParts {
  readonly headers: HeaderMap;
  readonly body: ByteString;
  readonly endStream: boolean;
}

/** The router that started the attempt. */
export interface AttemptOwner {
  readonly info: StreamInfo;
  readonly listener: ListenerInit;
  /** Before the upstream filter has seen it. */
  onResponseArrived(response: ResponseParts): void;
  onResponse(response: ResponseParts): void;
  onEnd(body: ByteString): void;
  onReset(reason: ResetReason): void;
  sendLocalReply(reply: LocalReply): void;
}

type State =
  /** The upstream filter holds the request's headers. */
  | "held"
  /** The upstream has the request. */
  | "sent"
  /** The upstream filter holds the response's headers. */
  | "response held"
  /** Response headers have gone on to the router. */
  | "answered"
  | "over";

export class Attempt implements UpstreamAttempt, FilterChain {
  readonly number: number;
  readonly headers: HeaderMap;
  readonly endpoint: Endpoint;
  readonly #owner: AttemptOwner;
  #filter: Filter | undefined;
  #state: State = "held";
  #response: ResponseParts | undefined;

  constructor(owner: AttemptOwner, request: { number: number; headers: HeaderMap; endpoint: Endpoint }) {
    this.#owner = owner;
    this.number = request.number;
    this.headers = request.headers;
    this.endpoint = request.endpoint;
  }

  /** Lets the upstream filter, if there is one, see the request, and sends it. */
  start(root: Root | undefined, endStream: boolean): void {
    if (root !== undefined) this.#filter = Filter.create(root, this);
    const iteration = this.#filter?.onRequestHeaders(this.headers, endStream) ?? "continue";
    if (iteration === "continue" && this.#state === "held") this.#state = "sent";
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

  respond({ status, headers = {}, body = "", endStream = true }: UpstreamResponse & { endStream?: boolean }): void {
    if (this.#state !== "sent") throw new Error(`attempt ${this.number} can't be answered: it is ${this.#state}`);
    const response = new HeaderMap("response", { ":status": String(status), ...headers });
    this.#response = { headers: response, body: toByteString(body), endStream };
    this.info.details = "via_upstream";
    this.#state = "response held";
    this.#owner.onResponseArrived(this.#response);
    const iteration = this.#filter?.onResponseHeaders(response, endStream && body.length === 0) ?? "continue";
    if (iteration === "continue") this.#passResponse();
  }

  end(body: string | Uint8Array = ""): void {
    if (this.#state !== "answered") throw new Error(`attempt ${this.number} has no open body: it is ${this.#state}`);
    this.#refuseBody(toByteString(body));
    this.#owner.onEnd(toByteString(body));
  }

  reset(reason: ResetReason): void {
    if (this.#state === "over") throw new Error(`attempt ${this.number} is over already`);
    this.#owner.onReset(reason);
  }

  /** The upstream filter's end: on_done and on_delete. */
  destroy(): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.#filter?.onDestroy();
  }

  sendLocalReply(reply: LocalReply): void {
    if (this.#state !== "over") this.#owner.sendLocalReply(reply);
  }

  continueStream(type: number): void {
    if (type === StreamType.Request && this.#state === "held") this.#state = "sent";
    if (type === StreamType.Response) this.#passResponse();
  }

  /** close_stream. */
  cut(): void {
    throw new NotEmulated("proxy_close_stream in the upstream chain");
  }

  #passResponse(): void {
    if (this.#state !== "response held" || this.#response === undefined) return;
    this.#state = "answered";
    this.#refuseBody(this.#response.body);
    this.#owner.onResponse(this.#response);
  }

  #refuseBody(body: ByteString): void {
    if (body !== "" && this.#filter?.wantsBody("proxy_on_response_body"))
      throw new NotEmulated("proxy_on_response_body");
  }
}

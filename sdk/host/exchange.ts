// One request from its arrival to its log: Envoy's connection manager with the filter in its chain.
// @see Envoy source/common/http/conn_manager_impl.cc, filter_manager.cc
import * as StreamType from "../abi/stream-type.ts";
import type { ResponseParts } from "./attempt.ts";
import type { ByteString } from "./bytes.ts";
import type { VirtualClock } from "./clock.ts";
import { NotEmulated } from "./errors.ts";
import { Filter, type FilterChain } from "./filter.ts";
import type { HeaderMap } from "./header-map.ts";
import { envoyReply, isGrpcRequest, type LocalReply, localResponse } from "./local-reply.ts";
import type { ListenerInit } from "./node.ts";
import type { Root } from "./root.ts";
import { Router, type RouterOwner } from "./router.ts";
import { Flag, type StreamInfo } from "./stream-info.ts";

/** What surrounds a request. */
export interface ExchangeSetup {
  readonly clock: VirtualClock;
  readonly info: StreamInfo;
  readonly listener: ListenerInit;
  readonly requestHeaders: HeaderMap;
  readonly requestBody: ByteString;
  /** The plugin of the downstream chain; undefined where there is none. */
  downstreamRoot(): Root | undefined;
  upstreamRoot(): Root | undefined;
  onOver(): void;
}

export type ExchangePhase =
  /** The filter has, or holds, the request's headers. */
  | "request"
  /** The router tries upstreams. */
  | "routed"
  /** The filter has, or holds, the response's headers. */
  | "response"
  /** The caller has the response's headers. */
  | "sent"
  | "over";

export class Exchange implements FilterChain, RouterOwner {
  readonly info: StreamInfo;
  readonly listener: ListenerInit;
  readonly clock: VirtualClock;
  readonly requestHeaders: HeaderMap;
  readonly #setup: ExchangeSetup;
  #phase: ExchangePhase = "request";
  #isRequestComplete = false;
  #filter: Filter | undefined;
  #router: Router | undefined;
  #response: ResponseParts | undefined;
  #sentHeaders: HeaderMap | undefined;
  #body = "";
  #isCut = false;

  constructor(setup: ExchangeSetup) {
    this.#setup = setup;
    this.info = setup.info;
    this.listener = setup.listener;
    this.clock = setup.clock;
    this.requestHeaders = setup.requestHeaders;
  }

  get phase(): ExchangePhase {
    return this.#phase;
  }

  get router(): Router | undefined {
    return this.#router;
  }

  /** Headers that the caller received; undefined until then. */
  get sentHeaders(): HeaderMap | undefined {
    return this.#sentHeaders;
  }

  /** Body that the caller received. */
  get sentBody(): ByteString {
    return this.#body;
  }

  /** The response was cut, or never came. */
  get isCut(): boolean {
    return this.#isCut;
  }

  /** The request's headers arrive, and its body if that is complete. */
  start(endStream: boolean): void {
    const root = this.#setup.downstreamRoot();
    if (root !== undefined) this.#filter = Filter.create(root, this);
    const { requestBody } = this.#setup;
    this.#isRequestComplete = endStream;
    const iteration = this.#filter?.onRequestHeaders(this.requestHeaders, endStream && requestBody === "");
    if (iteration !== "stop" && this.#phase === "request") this.#toRouter();
  }

  /** The rest of a request whose body was left open. */
  endRequest(body: ByteString): void {
    if (this.#isRequestComplete) throw new Error("the request is complete already");
    this.#isRequestComplete = true;
    this.#receive(body);
    if (this.#router !== undefined && this.#phase !== "over") this.#router.onRequestComplete();
  }

  upstreamRoot(): Root | undefined {
    return this.#setup.upstreamRoot();
  }

  sendLocalReply(reply: LocalReply): void {
    if (this.#phase === "over") return;
    this.info.details = reply.details;
    if (this.#phase === "sent") {
      this.cut();
      return;
    }
    const skipsFilters = this.#phase === "response";
    this.#router?.abandon();
    const { headers, body } = localResponse(reply, isGrpcRequest(this.requestHeaders));
    this.info.responseCode = reply.status;
    this.#response = { headers, body, endStream: true };
    this.#phase = "response";
    if (skipsFilters) this.#send("past the filter");
    else this.#encode(this.#response);
  }

  continueStream(type: number): void {
    if (type === StreamType.Request && this.#phase === "request") this.#toRouter();
    if (type === StreamType.Response && this.#phase === "response") this.#send("through the filter");
  }

  /** Cuts the response: its upstream attempt ends first. */
  cut(): void {
    if (this.#phase === "over") return;
    this.#isCut = true;
    this.#end();
  }

  /** The caller goes away: log and done come before the upstream attempt's end. */
  disconnect(): void {
    if (this.#phase === "over") throw new Error("the request is over already");
    this.info.flags |= Flag.DC;
    this.info.details = "downstream_remote_disconnect";
    this.#isCut = true;
    this.#log();
    this.#router?.abandon();
  }

  onUpstreamHeaders(response: ResponseParts): void {
    this.#response = response;
    this.#phase = "response";
    this.#encode(response);
  }

  onUpstreamEnd(body: ByteString): void {
    this.#deliver(body, "through the filter");
    this.#router?.finish();
    this.#end();
  }

  onUpstreamCut(): void {
    this.cut();
  }

  #toRouter(): void {
    this.#phase = "routed";
    this.#receive(this.#setup.requestBody);
    const { route } = this.info;
    if (route === undefined) {
      this.info.flags |= Flag.NR;
      this.sendLocalReply(envoyReply(404, "", "route_not_found"));
      return;
    }
    this.#router = new Router(this, route);
    if (this.#isRequestComplete) this.#router.onRequestComplete();
    this.#router.start();
  }

  #receive(body: ByteString): void {
    if (body !== "" && this.#filter?.wantsBody("proxy_on_request_body")) throw new NotEmulated("proxy_on_request_body");
    this.info.requestBodyBytes += body.length;
  }

  /** Shows the response to the filter and, unless it stops or answers itself, sends it. */
  #encode(response: ResponseParts): void {
    const endStream = response.endStream && response.body === "";
    const iteration = this.#filter?.onResponseHeaders(response.headers, endStream);
    if (iteration !== "stop" && this.#phase === "response" && this.#response === response)
      this.#send("through the filter");
  }

  #send(way: Way): void {
    if (this.#response === undefined) return;
    const { headers, body, endStream } = this.#response;
    this.#phase = "sent";
    this.info.responseCode = Number(headers.first(":status"));
    for (const name of ["connection", "keep-alive", "proxy-connection", "transfer-encoding"]) headers.remove(name);
    if (!headers.has("date")) headers.add("date", new Date(Number(this.clock.realtimeNs / 1_000_000n)).toUTCString());
    headers.replace("server", "envoy");
    this.#sentHeaders = headers;
    this.#deliver(body, way);
    if (!endStream) return;
    if (this.#router?.attempt !== undefined) this.#router.finish();
    this.#end();
  }

  #deliver(body: ByteString, way: Way): void {
    const isSeen = way === "through the filter" && this.#filter?.wantsBody("proxy_on_response_body");
    if (body !== "" && isSeen) throw new NotEmulated("proxy_on_response_body");
    this.#body += body;
    this.info.responseBodyBytes += body.length;
  }

  #end(): void {
    this.#router?.abandon();
    this.#log();
  }

  /** on_log, on_done, on_delete. */
  #log(): void {
    const response = this.#response?.headers;
    this.#phase = "over";
    this.info.durationNs = this.clock.monotonicNs - this.info.startedAtNs;
    this.#filter?.onLog({ request: this.requestHeaders, response });
    this.#filter?.onDestroy();
    this.#setup.onOver();
  }
}

/** A local reply in the middle of the response path does not pass the filter again. */
type Way = "through the filter" | "past the filter";

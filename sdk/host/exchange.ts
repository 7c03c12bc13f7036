// One request from its arrival to its log: Envoy's connection manager with the filters in its chain.
// @see Envoy source/common/http/conn_manager_impl.cc, filter_manager.cc
import type { Logged } from "./access-log.ts";
import type { ByteString } from "./bytes.ts";
import type { VirtualClock } from "./clock.ts";
import { EnvoyBug } from "./errors.ts";
import type { Side } from "./filter.ts";
import { FilterManager, type FilterManagerOwner, type FilterRoot } from "./filter-manager.ts";
import { GrpcStats } from "./grpc-stats.ts";
import type { HeaderMap } from "./header-map.ts";
import { envoyReply, isGrpcRequest, type LocalReply, localResponse } from "./local-reply.ts";
import type { ListenerInit } from "./node.ts";
import type { Sink } from "./passage.ts";
import type { RouteInit } from "./request.ts";
import { hopByHop } from "./request-headers.ts";
import { Router, type RouterOwner } from "./router.ts";
import { Flag, type StreamInfo } from "./stream-info.ts";

/** What surrounds a request. */
export interface ExchangeSetup {
  readonly clock: VirtualClock;
  readonly info: StreamInfo;
  readonly listener: ListenerInit;
  readonly requestHeaders: HeaderMap;
  /** The route for the request's headers as they are; undefined: none matches. */
  chooseRoute(): RouteInit | undefined;
  /** The plugins of the downstream chain, in its order. */
  downstreamFilters(): Iterable<FilterRoot>;
  upstreamFilters(): Iterable<FilterRoot>;
  /** It is over: the access logs' turn, after the filters'. */
  onLogged(logged: Logged): void;
  onOver(): void;
}

export type ExchangePhase =
  /** A filter has, or holds, the request's headers. */
  | "request"
  /** The router tries upstreams. */
  | "routed"
  /** A filter has, or holds, the response's headers. */
  | "response"
  /** The caller has the response's headers. */
  | "sent"
  | "over";

export class Exchange implements FilterManagerOwner, RouterOwner {
  readonly info: StreamInfo;
  readonly listener: ListenerInit;
  readonly clock: VirtualClock;
  readonly requestHeaders: HeaderMap;
  readonly #setup: ExchangeSetup;
  readonly #filters: FilterManager;
  /** What a response begins with. */
  readonly #response: Sink;
  #phase: ExchangePhase = "request";
  #router: Router | undefined;
  #responseHeaders: HeaderMap | undefined;
  #sentHeaders: HeaderMap | undefined;
  #sentTrailers: HeaderMap | undefined;
  #body = "";
  #isCut = false;
  #isRouteForgotten = false;

  constructor(setup: ExchangeSetup) {
    this.#setup = setup;
    this.info = setup.info;
    this.listener = setup.listener;
    this.clock = setup.clock;
    this.requestHeaders = setup.requestHeaders;
    const router: Sink = {
      onHeaders: (_, endStream) => this.#route(endStream),
      onBody: (bytes, endStream) => this.#router?.onRequestBody(bytes, endStream),
      onTrailers: (trailers) => this.#router?.onRequestTrailers(trailers),
    };
    const stats = setup.listener.grpcStats ? new GrpcStats(setup.info.envoyObjects) : undefined;
    this.#filters = new FilterManager(setup.downstreamFilters(), this, {
      request: stats?.request(router) ?? router,
      response: {
        onHeaders: (headers, endStream) => this.#sendHeaders(headers, endStream),
        onBody: (bytes, endStream) => this.#sendBody(bytes, endStream),
        onTrailers: (trailers) => this.#sendTrailers(trailers),
      },
    });
    this.#response = stats?.response(this.#filters.response) ?? this.#filters.response;
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

  /** Trailers that the caller received. */
  get sentTrailers(): HeaderMap | undefined {
    return this.#sentTrailers;
  }

  /** Body that the caller received. */
  get sentBody(): ByteString {
    return this.#body;
  }

  /** The response was cut, is not as long as it says, or never came. */
  get isCut(): boolean {
    return this.#isCut;
  }

  /** A downstream filter holds something of the request or the response. */
  get isHeld(): boolean {
    return this.#phase !== "over" && this.#filters.isHeld;
  }

  /** The request's headers arrive. */
  start(endStream: boolean): void {
    this.#filters.request.onHeaders(this.requestHeaders, endStream);
  }

  /** A chunk of the request's body arrives. @throws {Error} if the request is complete already */
  receiveBody(bytes: ByteString, endStream: boolean): void {
    this.#refuseAfterEnd();
    if (this.#phase === "over") return;
    this.info.requestBodyBytes += bytes.length;
    this.#filters.request.onBody(bytes, endStream);
  }

  /** @throws {Error} if the request is complete already */
  receiveTrailers(trailers: HeaderMap): void {
    this.#refuseAfterEnd();
    this.#filters.request.onTrailers(trailers);
  }

  upstreamFilters(): Iterable<FilterRoot> {
    return this.#setup.upstreamFilters();
  }

  sendLocalReply(reply: LocalReply): void {
    if (this.#phase === "over") return;
    this.info.details = reply.details;
    if (this.#phase === "sent") {
      this.cut();
      return;
    }
    const skipsFilters = this.#phase === "response";
    this.#filters.abort("request");
    this.#router?.abandon();
    const { headers, body: whole } = localResponse(reply, isGrpcRequest(this.requestHeaders));
    const body = this.requestHeaders.first(":method") === "HEAD" ? "" : whole;
    this.info.responseCode = reply.status;
    this.#responseHeaders = headers;
    this.#phase = "response";
    if (skipsFilters) {
      this.#filters.abort("response");
      this.#sendHeaders(headers, body === "");
      if (body !== "") this.#sendBody(body, true);
    } else {
      this.#response.onHeaders(headers, body === "");
      if (body !== "") this.#response.onBody(body, true);
    }
  }

  onContinue(side: Side): void {
    if (side === "response" && (this.#phase === "request" || this.#phase === "routed"))
      throw new EnvoyBug("proxy_continue_stream(Response) before there is a response crashes Envoy");
  }

  /** Until the router asks for a new one, the old route is what properties tell. */
  clearRouteCache(): void {
    this.#isRouteForgotten = true;
  }

  /** Cuts the response: its upstream attempt ends first. */
  cut(): void {
    if (this.#phase === "over") return;
    this.#isCut = true;
    this.#end();
  }

  /** The caller goes away. */
  disconnect(): void {
    if (this.#phase === "over") throw new Error("the request is over already");
    this.info.flags |= Flag.DC;
    this.info.details = "downstream_remote_disconnect";
    this.#cutFromDownstream();
  }

  onClosedByFilter(): void {
    if (this.#phase !== "over") this.#cutFromDownstream();
  }

  onUpstreamHeaders(headers: HeaderMap, endStream: boolean): void {
    this.#responseHeaders = headers;
    this.#phase = "response";
    this.#response.onHeaders(headers, endStream);
  }

  onUpstreamBody(bytes: ByteString, endStream: boolean): void {
    this.#response.onBody(bytes, endStream);
  }

  onUpstreamTrailers(trailers: HeaderMap): void {
    this.#response.onTrailers(trailers);
  }

  onUpstreamCut(): void {
    this.cut();
  }

  #route(endStream: boolean): void {
    this.#phase = "routed";
    if (this.#isRouteForgotten) this.info.route = this.#setup.chooseRoute();
    const { route } = this.info;
    // Envoy chooses no route for a request without this header, which a filter may have removed.
    if (route === undefined || !this.requestHeaders.has("x-forwarded-proto")) {
      this.info.flags |= Flag.NR;
      this.sendLocalReply(envoyReply(404, "", "route_not_found"));
      return;
    }
    if (route.directResponse !== undefined) {
      const { status, body = "" } = route.directResponse;
      this.sendLocalReply(envoyReply(status, body, "direct_response"));
      return;
    }
    this.#router = new Router(this, route);
    if (endStream) this.#router.onRequestComplete();
    this.#router.start();
  }

  #refuseAfterEnd(): void {
    if (this.#filters.isComplete("request")) throw new Error("the request is complete already");
  }

  #sendHeaders(headers: HeaderMap, endStream: boolean): void {
    this.#phase = "sent";
    this.info.responseCode = Number(headers.first(":status"));
    headers.removeAll(hopByHop);
    if (!headers.has("date")) headers.add("date", this.clock.httpDate);
    headers.set("server", "envoy");
    this.#sentHeaders = headers;
    if (endStream) this.#end();
  }

  #sendBody(bytes: ByteString, endStream: boolean): void {
    this.#body += bytes;
    this.info.responseBodyBytes += bytes.length;
    if (endStream) this.#end();
  }

  /** The body is not what content-length says: Envoy leaves it so, and the caller takes it for cut. */
  get #breaksItsLength(): boolean {
    const length = this.#sentHeaders?.first("content-length");
    const hasNone = this.requestHeaders.first(":method") === "HEAD" || this.info.responseCode === 304;
    return length !== undefined && !hasNone && Number(length) !== this.#body.length;
  }

  #sendTrailers(trailers: HeaderMap): void {
    this.#sentTrailers = trailers;
    this.#end();
  }

  /** Log and done come before the upstream attempt's end. */
  #cutFromDownstream(): void {
    this.#isCut = true;
    this.#log();
    this.#router?.abandon();
  }

  #end(): void {
    this.#isCut ||= this.#breaksItsLength;
    this.#router?.abandon();
    this.#log();
  }

  /** on_log, on_done, on_delete. */
  #log(): void {
    this.#phase = "over";
    this.#filters.abort("request");
    this.#filters.abort("response");
    this.info.durationNs = this.clock.monotonicNs - this.info.startedAtNs;
    const headers = {
      request: this.requestHeaders,
      response: this.#responseHeaders,
      responseTrailers: this.#sentTrailers,
    };
    this.#filters.onLog(headers);
    this.#setup.onLogged({ info: this.info, listener: this.listener, headers });
    this.#filters.onDestroy();
    this.#setup.onOver();
  }
}

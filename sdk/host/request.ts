// What a test says about a request: the request itself, its route, cluster and connection.
import type { Duration } from "./duration.ts";
import type { HeadersInit, HeaderView } from "./header-map.ts";
import type { PropertyObject, PropertyValue } from "./property-value.ts";

/** A request as it reaches Envoy. */
export interface RequestInit {
  /** Default GET. */
  readonly method?: string;
  /** With query. Default "/". */
  readonly path?: string;
  /** `:authority`. Default "service.test". */
  readonly host?: string;
  /** Default "http". */
  readonly scheme?: string;
  /** `x-request-id` is made if it is missing; the `x-envoy-` control headers of a client are dropped, as Envoy does. */
  readonly headers?: HeadersInit;
  readonly body?: string | Uint8Array;
  readonly trailers?: HeadersInit;
  /** False: the request stays open for `stream.sendBody()` and `stream.sendTrailers()`. Default true. */
  readonly endStream?: boolean;
}

/** A namespace of metadata -> key -> value; numbers arrive as doubles. */
export type Metadata = Readonly<Record<string, PropertyObject>>;

/** The route that matched. */
export interface RouteInit {
  /** Default "default". */
  readonly name?: string;
  readonly virtualHost?: string;
  readonly metadata?: Metadata;
  readonly virtualHostMetadata?: Metadata;
  /** Milliseconds; 0 for none. Default 15000, as Envoy's. */
  readonly timeoutMs?: number;
  /** Milliseconds for each attempt; 0, the default, for none. */
  readonly perTryTimeoutMs?: number;
  /** Envoy's conditions, joined with commas. Default none. */
  readonly retryOn?: string;
  /** Retries after the first attempt (num_retries). Default 1. */
  readonly attempts?: number;
  /** Statuses for the condition retriable-status-codes. */
  readonly retriableStatusCodes?: readonly number[];
  /** The route switches the plugin off, in both chains (typed_per_filter_config with `disabled`). Default false. */
  readonly isPluginOff?: boolean;
  /** Envoy itself answers (direct_response); the route has no cluster then. Default: the cluster answers. */
  readonly directResponse?: DirectResponse;
  /** Sends x-envoy-attempt-count upstream (include_request_attempt_count). Default false. */
  readonly attemptCount?: boolean;
}

/** What a route answers itself. */
export interface DirectResponse {
  readonly status: number;
  /** Default none. */
  readonly body?: string;
}

/** Where an endpoint or a node is. */
export interface LocalityInit {
  readonly region?: string;
  readonly zone?: string;
  readonly sub_zone?: string;
}

/** One address of a cluster. */
export interface Endpoint {
  /** ip:port. */
  readonly address: string;
  /** ip:port of Envoy's end of the connection to it, which is new for each attempt. Default 127.0.0.1:50000. */
  readonly localAddress?: string;
  readonly locality?: LocalityInit;
  readonly metadata?: Metadata;
}

/** The cluster that the route chose, or tcp_proxy has. */
export interface ClusterInit {
  /** Default "cluster". */
  readonly name?: string;
  readonly metadata?: Metadata;
  /** Taken in turn, one an attempt, of a TCP connection the first; an empty list is "no healthy upstream". Default one, 127.0.0.1:8080. */
  readonly endpoints?: readonly Endpoint[];
  /** What its circuit breaker has no room for: any request (of TCP, any connection), or any retry. Default: there is room. */
  readonly overflow?: "requests" | "retries";
}

/** What is known of the connection by its TLS. */
export interface TlsInit {
  /** Subject alternative name (URI) of the peer's certificate; with it the connection is mutual TLS. */
  readonly uriSanPeer?: string;
  readonly uriSanLocal?: string;
  readonly subjectPeer?: string;
  readonly subjectLocal?: string;
  readonly serverName?: string;
  /** Default "TLSv1.3". */
  readonly version?: string;
}

/** The downstream connection. */
export interface ConnectionInit {
  /** ip:port of the client. Default 127.0.0.1:40000. */
  readonly source?: string;
  /** ip:port that it called. Default 127.0.0.1:80. */
  readonly destination?: string;
  /** Of requests. Default "HTTP/1.1". */
  readonly protocol?: string;
  /** Default: plain text. */
  readonly tls?: TlsInit;
}

/** How a request meets this Envoy. */
export interface StreamOptions {
  /** The worker that has the connection. Default 0. */
  readonly worker?: number;
  /**
   * null: no route matches. A function is asked when the request arrives, and again when it goes on from a filter that has
   * written a request header or cleared the route cache.
   * Default: a route without retries.
   */
  readonly route?: RouteInit | null | ((headers: HeaderView) => RouteInit | null);
  /** null: Envoy does not know the cluster (yet). */
  readonly cluster?: ClusterInit | null;
  readonly connection?: ConnectionInit;
  /** Properties by path joined with dots: what the host does not know, or should be otherwise; undefined: it does not exist. */
  readonly properties?: Readonly<Record<string, PropertyValue | undefined>>;
}

/** How a TCP connection meets this Envoy. */
export interface ConnectOptions extends Omit<StreamOptions, "route"> {
  /** Nobody listens at the cluster's endpoint. Default false. */
  readonly isRefused?: boolean;
}

/** Why an attempt brought no response. */
export type ResetReason = "connection-failure" | "connection-termination" | "remote-reset" | "refused-stream";

/** What the upstream answers to one attempt. */
export interface UpstreamResponse {
  readonly status: number;
  readonly headers?: HeadersInit;
  readonly body?: string | Uint8Array;
  readonly trailers?: HeadersInit;
  /** How long the upstream takes. Default no time. */
  readonly after?: Duration;
}

/** The upstream answers one attempt by cutting it. */
export interface UpstreamReset {
  readonly reset: ResetReason;
  readonly after?: Duration;
}

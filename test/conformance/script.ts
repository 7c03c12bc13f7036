// What a script says, and what can be seen of it: the same on the host and on a real Envoy.
import type { FailurePolicy, Place } from "../../sdk/host/load.ts";
import type { Pair } from "../../sdk/host/pairs.ts";
import type { ResetReason, RouteInit } from "../../sdk/host/request.ts";
import type { Move, Seen } from "./connections.ts";
import type { Handlers } from "./program.ts";

/** One story, told to the host and to a real Envoy. */
export interface Script {
  /** The sentence that it proves. Unique. */
  readonly title: string;
  /** What the plugin of the downstream chain does in each callback, a step a line. See README.md. */
  readonly on?: Handlers;
  /** What the plugin of the router's upstream chain does (root_id "upstream", the same VM). Default: there is none. */
  readonly upstream?: Handlers;
  /** What the access logger does (root_id "logger", the same VM). Default: there is none. */
  readonly logger?: Handlers;
  /** More plugins: those of the downstream chain stand behind that of `on`, in this order. */
  readonly others?: readonly OtherPlugin[];
  /** In the place of the probe, but for plugins of "own code": a module's bytes. Then hostcalls are compared, too. */
  readonly module?: () => Promise<Uint8Array>;
  readonly plugin?: PluginScript;
  /** What the caller speaks. Default "HTTP/2". */
  readonly protocol?: "HTTP/1.1" | "HTTP/2";
  /** One after another. Default one: GET /. */
  readonly requests?: readonly RequestScript[];
  /** TCP in the place of HTTP: connections one after another, each as what its ends do in turn. Default: requests. */
  readonly connections?: readonly (readonly Move[])[];
  /** What the upstream answers to each attempt, the last one to all further ones. Default: an empty 200. */
  readonly answers?: readonly Answer[];
  /** null: no route matches. Default: a route without timeout and retries. */
  readonly route?: RouteInit | null;
  /** Default "open". */
  readonly cluster?: ClusterName;
  /** Which node Envoy is of. Default "sidecar". */
  readonly node?: NodeName;
  /** grpc_stats stands between the plugins and the router. Default false. */
  readonly grpcStats?: boolean;
  /** Default "outbound". */
  readonly direction?: "inbound" | "outbound";
  /** Callbacks that do not come, `log` or `upstream.done`: it is what the script shows. */
  readonly never?: readonly string[];
  /** What must have been logged at the end, where nothing else shows that it may come: ticks. */
  readonly until?: Logged;
}

/** A text in the log, and how often it must be there: default once. */
export type Logged = string | readonly [text: string, times: number];

export type NodeName = "sidecar" | "gateway";

/** "closed": nobody listens there; "none": it has no endpoint; "unknown": Envoy has none of that name;
 * "full": its circuit breaker lets no request through; "no-retries": and this one no retry;
 * "external": of no mesh, as Istio says; "PassthroughCluster": Istio says nothing of it. */
export type ClusterName =
  | "open"
  | "closed"
  | "none"
  | "unknown"
  | "full"
  | "no-retries"
  | "external"
  | "PassthroughCluster";

export interface PluginScript {
  readonly config?: string | Uint8Array;
  readonly vmConfig?: string | Uint8Array;
  readonly rootId?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly allowedCapabilities?: readonly string[];
  readonly allowOnHeadersStopIteration?: boolean;
  /** Default FAIL_CLOSED. */
  readonly failurePolicy?: FailurePolicy;
  /** Of FAIL_RELOAD. Default 2 (world.ts): with 1 Envoy 1.40 crashes when it reloads, as it divides by half of it in whole milliseconds. */
  readonly reloadBackOffMs?: number;
  /** Only for requests that have this header and value, by ExtensionWithMatcher. Default all. */
  readonly when?: readonly [name: string, value: string];
  /** Only for so many of 100 requests, by runtime_fraction: none or all, as the host throws no dice. Default all, without it. */
  readonly share?: 0 | 100;
  /** Default: the VM of the script. "own code": of another module, under the same vm_id; "own id": under another vm_id. */
  readonly vm?: "own code" | "own id";
}

export interface OtherPlugin extends PluginScript {
  /** Also what its lines in the log begin with. */
  readonly rootId: string;
  /** Default "downstream". */
  readonly place?: Place;
  readonly on: Handlers;
}

/** What the plugin of `on` is replaced by. */
export interface Swap {
  /** Default: the handlers and the module of before. */
  readonly on?: Handlers;
  readonly plugin?: PluginScript;
  /** Default "before" the request. */
  readonly when?: "before" | "in flight";
  /** What has been logged by the script when it is through on all threads. */
  readonly until?: Logged;
  /** Envoy refuses it. */
  readonly isRefused?: boolean;
}

export interface RequestScript {
  readonly method?: string;
  readonly path?: string;
  readonly host?: string;
  /** In order; bytes as a string with a char for each. */
  readonly headers?: readonly Pair[];
  /** Chunks, a DATA frame each; the stream ends with an empty one, or with trailers. */
  readonly body?: readonly string[];
  readonly trailers?: readonly Pair[];
  /** The caller closes its connection when the upstream has the request. */
  readonly leaves?: boolean;
  readonly swap?: Swap;
  /** What must have been logged before it. */
  readonly after?: Logged;
}

export interface Response {
  readonly status: number;
  readonly headers?: readonly Pair[];
  readonly body?: readonly string[];
  readonly trailers?: readonly Pair[];
  /** The upstream closes its connection in the place of the end. */
  readonly breaksOff?: boolean;
}

/** "nothing": the upstream never answers. */
export type Answer = Response | { readonly reset: ResetReason } | "nothing";

/** What can be seen of a script. What differs from run to run is taken out, see observation.ts. */
export interface Observation {
  /** Envoy crashes, or reports a bug of its own; then there is nothing else. */
  readonly bug?: true;
  /** Why the plugin was refused; then there is nothing else. */
  readonly refusal?: readonly string[];
  /** What each caller got. */
  readonly replies: readonly Reply[];
  /** What was seen of each connection of TCP. */
  readonly connections: readonly Seen[];
  /** What the upstream received, attempt by attempt. */
  readonly attempts: readonly Attempt[];
  /** `level text`, on the main thread and on the worker. */
  readonly main: readonly string[];
  readonly worker: readonly string[];
  /** `name: value`, sorted; of a histogram the number of samples below some bounds. */
  readonly metrics: readonly string[];
  /** `name: times`, sorted, over all threads; of a script with a module of its own. */
  readonly hostcalls: readonly string[];
}

export interface Reply {
  readonly headers: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
  /** It was cut, or never came. */
  readonly isCut: boolean;
  readonly details: string;
  readonly flags: string;
  /** What plugins left for the access log's line; empty: nothing. */
  readonly left: string;
}

export interface Attempt {
  readonly headers: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
}

/** What was chosen for the run on Envoy: told to the host, so that properties are equal. */
export interface Addresses {
  readonly vmId: string;
  readonly source: string;
  readonly destination: string;
  readonly upstream: string;
  readonly tcpUpstream: string;
}

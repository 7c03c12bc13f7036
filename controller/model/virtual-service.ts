import type { Labels } from "./object.ts";

/** Istio VirtualService (networking.istio.io). Durations in milliseconds; 0 turns a timeout off. */
export interface VirtualService {
  /** Short names are of the VirtualService's own namespace. */
  readonly hosts: readonly string[];
  /** `[namespace/]name`, or `mesh` for all sidecars; default `["mesh"]`. */
  readonly gateways: readonly string[];
  readonly exportTo: readonly string[];
  /** In order; the first match wins. */
  readonly http: readonly HttpRoute[];
}

export interface HttpRoute {
  readonly name?: string;
  /** Any one must match; empty: everything does. */
  readonly match: readonly HttpMatch[];
  /** At least one, unless `redirect` or `directResponse` stands instead. */
  readonly route: readonly HttpDestination[];
  readonly redirect?: HttpRedirect;
  readonly directResponse?: { readonly status: number; readonly body?: string };
  readonly rewrite?: { readonly uri?: string; readonly authority?: string };
  /** Absent: none (Istio's default). */
  readonly timeoutMs?: number;
  readonly deadline?: RouteDeadline;
  /** Absent: Istio's default policy. */
  readonly retries?: HttpRetry;
  readonly headers?: HeaderOperations;
}

/** What the deadline filter is told of one route. Absent: what its configuration says for all. */
export interface RouteDeadline {
  /** With less time left a request is of no use to the service. */
  readonly minimumMs?: number;
  /** In the place of the configured default; 0: none. */
  readonly defaultMs?: number;
}

export type StringMatch =
  | { readonly exact: string }
  | { readonly prefix: string }
  /** RE2, full match. */
  | { readonly regex: string };

/** All that is set must match. */
export interface HttpMatch {
  readonly name?: string;
  readonly uri?: StringMatch;
  readonly ignoreUriCase: boolean;
  readonly scheme?: StringMatch;
  readonly method?: StringMatch;
  readonly authority?: StringMatch;
  /** Lower-case name; `present` matches any value. */
  readonly headers: Readonly<Record<string, StringMatch | "present">>;
  readonly withoutHeaders: Readonly<Record<string, StringMatch | "present">>;
  readonly queryParams: Readonly<Record<string, StringMatch | "present">>;
  /** Service port (sidecars) or gateway port. */
  readonly port?: number;
  readonly sourceLabels: Labels;
  readonly sourceNamespace?: string;
  /** Absent: those of the VirtualService. */
  readonly gateways?: readonly string[];
}

export interface Destination {
  /** As written; resolve with `resolveHost`. */
  readonly host: string;
  readonly subset?: string;
  /** Absent: the service's only port. */
  readonly port?: number;
}

export interface HttpDestination {
  readonly destination: Destination;
  /** Parts of the sum of all weights; a single destination has 100. */
  readonly weight: number;
  readonly headers?: HeaderOperations;
}

export interface HttpRedirect {
  readonly uri?: string;
  readonly authority?: string;
  readonly scheme?: string;
  readonly port?: number;
  readonly redirectCode: 301 | 302 | 303 | 307 | 308;
}

export interface HttpRetry {
  /** Retries after the first attempt; 0 turns retries off. */
  readonly attempts: number;
  /** Absent: the route's timeout bounds each attempt. */
  readonly perTryTimeoutMs?: number;
  /** Envoy's conditions, and status codes as numbers; absent: Istio's default conditions. */
  readonly retryOn?: readonly string[];
  /** Base interval of the back-off; absent: 25 ms. */
  readonly backoffMs?: number;
}

export interface HeaderOperations {
  readonly request: HeaderChanges;
  readonly response: HeaderChanges;
}

export interface HeaderChanges {
  readonly set: Readonly<Record<string, string>>;
  readonly add: Readonly<Record<string, string>>;
  readonly remove: readonly string[];
}

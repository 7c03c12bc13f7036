// When Envoy's router tries again. Pure.
// @see Envoy source/common/router/retry_state_impl.cc
import { toText } from "./bytes.ts";
import type { HeaderMap } from "./header-map.ts";
import type { ResetReason, RouteInit } from "./request.ts";

/** A route's retry policy with what the request's headers add to it. */
export interface RetryPolicy {
  /** retry_on and retry_grpc_on together. */
  readonly conditions: ReadonlySet<string>;
  readonly retries: number;
  readonly statuses: ReadonlySet<number>;
}

/** Headers by which a filter changes the retry policy; the router removes them. */
const controlHeaders: ReadonlySet<string> = new Set([
  "x-envoy-retry-on",
  "x-envoy-retry-grpc-on",
  "x-envoy-max-retries",
  "x-envoy-retriable-status-codes",
  "x-envoy-retriable-header-names",
  "x-envoy-hedge-on-per-try-timeout",
]);

/** Conditions on `grpc-status` in the response's headers. */
const grpcConditions = new Map([
  ["1", "cancelled"],
  ["4", "deadline-exceeded"],
  ["8", "resource-exhausted"],
  ["13", "internal"],
  ["14", "unavailable"],
]);

/** Reads the policy and takes its headers out of the request. Conditions add up; x-envoy-max-retries replaces. */
export function takeRetryPolicy(route: RouteInit, headers: HeaderMap): RetryPolicy {
  const text = (name: string) => toText(headers.first(name) ?? "");
  const conditions = [route.retryOn ?? "", text("x-envoy-retry-on"), text("x-envoy-retry-grpc-on")].flatMap(words);
  const max = text("x-envoy-max-retries");
  const statuses = words(text("x-envoy-retriable-status-codes")).map(Number);
  headers.removeAll(controlHeaders);
  return {
    conditions: new Set(conditions),
    retries: /^\d+$/.test(max) ? Number(max) : (route.attempts ?? 1),
    statuses: new Set([...(route.retriableStatusCodes ?? []), ...statuses]),
  };
}

/** True if a response is of the kind to be tried again. The mark x-envoy-ratelimited ends the retries. */
export function isRetriableResponse({ conditions, statuses }: RetryPolicy, headers: HeaderMap): boolean {
  if (headers.has("x-envoy-ratelimited")) return conditions.has("envoy-ratelimited");
  const status = Number(headers.first(":status"));
  const grpcCondition = grpcConditions.get(headers.first("grpc-status") ?? "");
  return (
    (conditions.has("5xx") && status >= 500) ||
    (conditions.has("gateway-error") && status >= 502 && status <= 504) ||
    (conditions.has("retriable-4xx") && status === 409) ||
    (conditions.has("retriable-status-codes") && statuses.has(status)) ||
    (grpcCondition !== undefined && conditions.has(grpcCondition))
  );
}

/** True if an attempt without a response is of the kind to be tried again. */
export function isRetriableReset({ conditions }: RetryPolicy, reason: ResetReason | "timeout"): boolean {
  if (conditions.has("5xx") || conditions.has("gateway-error") || conditions.has("reset")) return true;
  if (reason === "connection-failure")
    return conditions.has("connect-failure") || conditions.has("reset-before-request");
  return reason === "refused-stream" && conditions.has("refused-stream");
}

/** Envoy's base interval of the back-off, and its cap. */
const [backOffBaseNs, backOffMaxNs] = [25_000_000n, 250_000_000n];

/** Time before a retry: the mean of Envoy's jittered interval. @param retry 1 for the first */
export function backOffNs(retry: number): bigint {
  const intervalNs = backOffBaseNs << BigInt(Math.min(retry - 1, 8));
  return (intervalNs < backOffMaxNs ? intervalNs : backOffMaxNs) / 2n;
}

function words(list: string): string[] {
  if (list === "") return [];
  return list
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
}

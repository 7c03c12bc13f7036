import { durationFromMs } from "@bufbuild/protobuf/wkt";
import type { RetryPolicySchema } from "../gen/envoy/config/route/v3/route_components_pb.js";
import { PreviousHostsPredicateSchema } from "../gen/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb.js";
import type { HttpRetry } from "../model/virtual-service.ts";
import { any, type Init } from "./encode.ts";

/** A route's retries, before they take Envoy's form. */
export interface Retries {
  /** After the first attempt; 0: none. */
  readonly attempts: number;
  /** Envoy's conditions, sorted out of status codes. */
  readonly conditions: readonly string[];
  readonly statusCodes: readonly number[];
  readonly perTryTimeoutMs?: number;
  readonly backoffMs?: number;
  /** Whether a retry prefers a host that was not tried. */
  readonly otherHosts: boolean;
}

export const noRetries: Retries = { attempts: 0, conditions: [], statusCodes: [], otherHosts: false };

const byStatusCode = "retriable-status-codes";

/** What Istio retries where a VirtualService says nothing. */
const usual = ["connect-failure", "refused-stream", "unavailable", "cancelled", byStatusCode];

/** The condition by which Envoy goes on although a filter marked the response with x-envoy-ratelimited. */
export const ratelimited = "envoy-ratelimited";

/**
 * The retries of an outbound route by Istio's rules: absent, two; numbers among the conditions are status codes.
 *
 * @param endable whether filters may end the retries; `envoy-ratelimited`, which makes that impossible, is left out
 */
export function outboundRetries(retries?: HttpRetry, { endable } = { endable: false }): Retries {
  if (!retries) return { attempts: 2, conditions: usual, statusCodes: [], otherHosts: true };
  const { attempts, retryOn = usual, perTryTimeoutMs, backoffMs } = retries;
  const statusCodes = retryOn.filter(isStatusCode).map(Number);
  const written = retryOn.filter((one) => !isStatusCode(one) && !(endable && one === ratelimited));
  const conditions = statusCodes.length > 0 && !written.includes(byStatusCode) ? [...written, byStatusCode] : written;
  return {
    attempts: conditions.length > 0 ? attempts : 0,
    conditions,
    statusCodes,
    otherHosts: true,
    ...(perTryTimeoutMs === undefined ? {} : { perTryTimeoutMs }),
    ...(backoffMs === undefined ? {} : { backoffMs }),
  };
}

/**
 * The retries of an inbound route: a request that was reset before it reached the application can be sent again without
 * harm, which hides that the application closed an idle connection at that moment. Not for gRPC, whose streams it harms.
 */
export function inboundRetries({ isGrpc }: { isGrpc: boolean }): Retries {
  return isGrpc ? noRetries : { ...noRetries, attempts: 2, conditions: ["reset-before-request"] };
}

function isStatusCode(text: string): boolean {
  return /^[1-5]\d\d$/.test(text);
}

/** What filters read as `retryOn`: conditions and status codes, joined by commas. */
export function retryOnText({ conditions, statusCodes }: Retries): string {
  return [...conditions, ...statusCodes].join(",");
}

/** `undefined` for no retries. */
export function retryPolicy(retries: Retries): Init<typeof RetryPolicySchema> | undefined {
  if (retries.attempts === 0) return undefined;
  return {
    retryOn: retries.conditions.join(","),
    numRetries: retries.attempts,
    retriableStatusCodes: [...retries.statusCodes],
    ...(retries.perTryTimeoutMs === undefined ? {} : { perTryTimeout: durationFromMs(retries.perTryTimeoutMs) }),
    ...(retries.backoffMs === undefined ? {} : { retryBackOff: { baseInterval: durationFromMs(retries.backoffMs) } }),
    ...(retries.otherHosts ? { retryHostPredicate: [previousHosts], hostSelectionRetryMaxAttempts: 5n } : {}),
  };
}

const previousHosts = {
  name: "envoy.retry_host_predicates.previous_hosts",
  configType: { case: "typedConfig" as const, value: any(PreviousHostsPredicateSchema, {}) },
};

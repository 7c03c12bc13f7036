// The router's timeouts: the route's, and what filters make of them by headers. Pure.
// @see Envoy source/common/router/router.cc FilterUtility::finalTimeout, setTimeoutHeaders
import type { HeaderMap } from "./header-map.ts";
import type { RouteInit } from "./request.ts";

/** Milliseconds; 0 for none. */
export interface Timeouts {
  readonly routeMs: number;
  readonly perTryMs: number;
}

/** Envoy's default for a route's timeout. */
const routeMsDefault = 15_000;

/** The timeouts of a request. The headers that change them are taken out; values that are no numbers do not count. */
export function takeTimeouts(route: RouteInit, headers: HeaderMap): Timeouts {
  const take = (name: string) => {
    const text = headers.first(name)?.trim();
    if (text === undefined) return undefined;
    headers.remove(name);
    return /^\d+$/.test(text) ? Number(text) : undefined;
  };
  const routeMs = take("x-envoy-upstream-rq-timeout-ms") ?? route.timeoutMs ?? routeMsDefault;
  const perTryMs = take("x-envoy-upstream-rq-per-try-timeout-ms") ?? route.perTryTimeoutMs ?? 0;
  return { routeMs, perTryMs: routeMs > 0 && perTryMs >= routeMs ? 0 : perTryMs };
}

/**
 * Value of x-envoy-expected-rq-timeout-ms for an attempt: what is left of the route's timeout, at least 1, or the
 * attempt's own if that is less; undefined if there is no timeout.
 */
export function expectedTimeoutMs({ routeMs, perTryMs }: Timeouts, elapsedMs: number): number | undefined {
  const attemptMs = perTryMs > 0 ? perTryMs : routeMs;
  if (attemptMs === 0) return undefined;
  return routeMs > 0 ? Math.min(attemptMs, Math.max(routeMs - elapsedMs, 1)) : attemptMs;
}

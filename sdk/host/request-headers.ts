// What the connection manager does to a request's headers before the first filter sees them.
// @see Envoy source/common/http/conn_manager_utility.cc
import { toByteString } from "./bytes.ts";
import { HeaderMap } from "./header-map.ts";
import type { RequestInit } from "./request.ts";

/** Headers by which a client could steer the router: dropped, since no client counts as internal. */
const notFromClients: ReadonlySet<string> = new Set([
  "x-envoy-downstream-service-cluster",
  "x-envoy-downstream-service-node",
  "x-envoy-expected-rq-timeout-ms",
  "x-envoy-force-trace",
  "x-envoy-hedge-on-per-try-timeout",
  "x-envoy-internal",
  "x-envoy-ip-tags",
  "x-envoy-is-timeout-retry",
  "x-envoy-max-retries",
  "x-envoy-original-url",
  "x-envoy-retriable-header-names",
  "x-envoy-retriable-status-codes",
  "x-envoy-retry-grpc-on",
  "x-envoy-retry-on",
  "x-envoy-upstream-alt-stat-name",
  "x-envoy-upstream-rq-per-try-timeout-ms",
  "x-envoy-upstream-rq-timeout-alt-response",
  "x-envoy-upstream-rq-timeout-ms",
]);

/** Of one connection, not of the request or response. */
export const hopByHop: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
]);

/** The header map of a request. @param count which request this is: makes the request id of one that has none */
export function requestHeaders(request: RequestInit, count: bigint): HeaderMap {
  const { method = "GET", path = "/", host = "service.test", scheme = "http" } = request;
  const headers = new HeaderMap("request", {
    ":authority": host,
    ":path": path,
    ":method": method,
    ":scheme": scheme,
    ...request.headers,
  });
  headers.removeAll(notFromClients);
  if (!headers.has("upgrade")) headers.removeAll(hopByHop);
  if (!headers.has("x-forwarded-proto")) headers.add("x-forwarded-proto", toByteString(scheme));
  if (!headers.has("x-request-id"))
    headers.add("x-request-id", `00000000-0000-4000-8000-${count.toString().padStart(12, "0")}`);
  return headers;
}

// Clusters that take no request, or no retry.
import type { Script } from "../script.ts";
import { attributes, both, down, noAttempt, up } from "./router-callbacks.ts";

export const circuitBreakers: readonly Script[] = [
  {
    title: "circuit breaker: no request passes, and none is tried again",
    never: noAttempt,
    cluster: "full",
    route: { retryOn: "5xx", attempts: 2, timeoutMs: 5000, attemptCount: true },
    on: {
      request_headers: attributes,
      response_headers: `${attributes}\nget_header_map_pairs(2)\nget_header_map_pairs(0)`,
      log: attributes,
    },
    upstream: up,
  },
  {
    title: "circuit breaker: no request of gRPC passes",
    never: noAttempt,
    cluster: "full",
    requests: [{ method: "POST", headers: [["content-type", "application/grpc"]], body: ["ab"] }],
    ...both,
  },
  {
    title: "circuit breaker: no retry after a response",
    cluster: "no-retries",
    route: { retryOn: "5xx", attempts: 2, attemptCount: true },
    answers: [{ status: 503 }, { status: 200 }],
    on: { ...down, response_headers: `${down.response_headers}\nget_header_map_pairs(2)` },
    upstream: up,
  },
  {
    title: "circuit breaker: no retry after a reset",
    never: ["upstream.response_headers"],
    cluster: "no-retries",
    route: { retryOn: "5xx", attempts: 2 },
    answers: [{ reset: "remote-reset" }, { status: 200 }],
    on: { ...down, response_headers: `${down.response_headers}\nget_header_map_pairs(2)` },
    upstream: up,
  },
  {
    title: "circuit breaker: no retry after an attempt's timeout",
    never: ["upstream.response_headers"],
    cluster: "no-retries",
    route: { timeoutMs: 5000, perTryTimeoutMs: 50, retryOn: "5xx", attempts: 2 },
    answers: ["nothing", { status: 200 }],
    ...both,
  },
  {
    title: "circuit breaker: a response that is not to be tried again is nothing to it",
    cluster: "no-retries",
    route: { retryOn: "5xx", attempts: 2 },
    ...both,
  },
];

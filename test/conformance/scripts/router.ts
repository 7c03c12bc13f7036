// What the router does with attempts, and what the filters of both chains see of it.
import type { Answer, Script } from "../script.ts";
import { attributes, both, down, noAttempt, up } from "./router-callbacks.ts";

const ok: Answer = { status: 200 };
const failed: Answer = { status: 503 };

/** A filter that sets a header which steers the router. */
function steered(title: string, name: string, value: string, more: Partial<Script>): Script {
  return {
    title,
    answers: [failed],
    ...both,
    ...more,
    ...(more.answers?.length === 1 && more.answers[0] === "nothing" ? { never: ["upstream.response_headers"] } : {}),
    on: { ...down, request_headers: `replace_header_map_value(0, '${name}', '${value}')` },
  };
}

const orders: readonly Script[] = [
  { title: "order of callbacks: a response that ends with its headers", answers: [{ status: 204 }], ...both },
  { title: "order of callbacks: no route", route: null, on: down },
  {
    title: "order of callbacks: no endpoint",
    never: noAttempt,
    cluster: "none",
    ...both,
  },
  {
    title: "order of callbacks: an unknown cluster",
    never: noAttempt,
    cluster: "unknown",
    route: { retryOn: "5xx", attemptCount: true },
    on: {
      ...down,
      request_headers: attributes,
      response_headers: `${attributes}\nget_header_map_value(0, 'x-envoy-attempt-count')`,
    },
    upstream: up,
  },
  { title: "order of callbacks: nobody listens", never: ["upstream.response_headers"], cluster: "closed", ...both },
  {
    title: "order of callbacks: nobody listens, with a retry",
    never: ["upstream.response_headers"],
    cluster: "closed",
    route: { retryOn: "connect-failure", attempts: 1 },
    ...both,
  },
];

const retries: readonly Script[] = [
  { title: "without a retry policy there is one attempt", answers: [failed], ...both },
  ...[500, 502, 503, 504, 404, 409, 429].map((status) => ({
    title: `5xx and a response of ${status}`,
    route: { retryOn: "5xx", attempts: 1 },
    answers: [{ status }, ok],
    on: { log: down.log },
  })),
  ...["gateway-error", "retriable-4xx", "reset", "connect-failure", "refused-stream", "reset-before-request"].flatMap(
    (retryOn) =>
      [500, 503, 409].map((status) => ({
        title: `${retryOn} and a response of ${status}`,
        route: { retryOn, attempts: 1 },
        answers: [{ status }, ok],
        on: { log: down.log },
      })),
  ),
  ...[
    "5xx",
    "gateway-error",
    "reset",
    "connect-failure",
    "refused-stream",
    "reset-before-request",
    "retriable-4xx",
  ].flatMap((retryOn) =>
    (["remote-reset", "refused-stream", "connection-termination"] as const).map((reset) => ({
      title: `${retryOn} and a reset: ${reset}`,
      route: { retryOn, attempts: 1 },
      answers: [{ reset }, ok],
      on: { log: down.log },
    })),
  ),
  ...(["remote-reset", "refused-stream", "connection-termination"] as const).map((reset) => ({
    title: `a reset without retries: ${reset}`,
    never: ["upstream.response_headers"],
    answers: [{ reset }],
    ...both,
  })),
  {
    title: "retries that are used up leave the last response",
    route: { retryOn: "5xx", attempts: 2 },
    answers: [failed],
    ...both,
  },
  {
    title: "retries that are used up by resets",
    never: ["upstream.response_headers"],
    route: { retryOn: "5xx", attempts: 1 },
    answers: [{ reset: "remote-reset" }],
    ...both,
  },
  {
    title: "retriable-status-codes",
    route: { retryOn: "retriable-status-codes", attempts: 1, retriableStatusCodes: [418, 404] },
    answers: [{ status: 404 }, ok],
    ...both,
  },
  {
    title: "the attempts are counted for the upstream",
    route: { retryOn: "5xx", attempts: 2, attemptCount: true },
    answers: [failed, failed, ok],
    ...both,
  },
  {
    title: "a forged attempt count is replaced",
    requests: [{ headers: [["x-envoy-attempt-count", "7"]] }],
    route: { attemptCount: true },
    on: down,
  },
  {
    title: "x-envoy-ratelimited ends the retries",
    route: { retryOn: "5xx", attempts: 2 },
    answers: [{ status: 503, headers: [["x-envoy-ratelimited", "true"]] }],
    ...both,
  },
  {
    title: "envoy-ratelimited makes x-envoy-ratelimited retriable",
    route: { retryOn: "5xx,envoy-ratelimited", attempts: 1 },
    answers: [{ status: 503, headers: [["x-envoy-ratelimited", "true"]] }, ok],
    ...both,
  },
  {
    title: "the upstream chain's x-envoy-ratelimited ends the retries",
    route: { retryOn: "5xx", attempts: 2 },
    answers: [failed],
    on: down,
    upstream: { response_headers: "replace_header_map_value(2, 'x-envoy-ratelimited', 'true')" },
  },
  {
    title: "x-envoy-overloaded does not end the retries",
    route: { retryOn: "5xx", attempts: 1 },
    answers: [{ status: 503, headers: [["x-envoy-overloaded", "true"]] }, ok],
    on: down,
  },
  ...["cancelled", "deadline-exceeded", "resource-exhausted", "unavailable", "internal"].map((retryOn, i) => ({
    title: `gRPC ${retryOn} in the headers is tried again`,
    requests: [{ method: "POST", headers: [["content-type", "application/grpc"]] as const }],
    route: { retryOn, attempts: 1 },
    answers: [
      {
        status: 200,
        headers: [
          ["content-type", "application/grpc"],
          ["grpc-status", String([1, 4, 8, 14, 13][i])],
        ] as const,
      },
      ok,
    ],
    on: { log: down.log },
  })),
  steered("x-envoy-retry-on of a filter adds a condition", "x-envoy-retry-on", "5xx", { answers: [failed, ok] }),
  steered("x-envoy-max-retries of a filter replaces the number", "x-envoy-max-retries", "0", {
    route: { retryOn: "5xx", attempts: 3 },
  }),
  steered("x-envoy-max-retries that is no number", "x-envoy-max-retries", "x", {
    route: { retryOn: "5xx", attempts: 1 },
  }),
  steered("x-envoy-retriable-status-codes of a filter", "x-envoy-retriable-status-codes", "418, 404", {
    route: { retryOn: "retriable-status-codes", attempts: 1 },
    answers: [{ status: 404 }, ok],
  }),
  steered("x-envoy-retry-grpc-on of a filter", "x-envoy-retry-grpc-on", "unavailable", {
    answers: [{ status: 200, headers: [["grpc-status", "14"]] }, ok],
  }),
];

const timeouts: readonly Script[] = [
  {
    title: "the route's timeout answers 504",
    never: ["upstream.response_headers"],
    route: { timeoutMs: 50 },
    answers: ["nothing"],
    ...both,
  },
  {
    title: "the route's timeout answers gRPC with status 14",
    never: ["upstream.response_headers"],
    requests: [{ method: "POST", headers: [["content-type", "application/grpc"]] }],
    route: { timeoutMs: 50 },
    answers: ["nothing"],
    ...both,
  },
  {
    title: "the route's timeout is not retried",
    never: ["upstream.response_headers"],
    route: { timeoutMs: 50, retryOn: "5xx", attempts: 3 },
    answers: ["nothing"],
    ...both,
  },
  {
    title: "the timeout of an attempt is retried",
    route: { timeoutMs: 5000, perTryTimeoutMs: 250, retryOn: "5xx", attempts: 1 },
    answers: ["nothing", ok],
    ...both,
  },
  {
    title: "the timeout of the last attempt",
    never: ["upstream.response_headers"],
    route: { timeoutMs: 5000, perTryTimeoutMs: 50, retryOn: "5xx", attempts: 1 },
    answers: ["nothing"],
    ...both,
  },
  {
    title: "the timeout of an attempt that no condition covers",
    never: ["upstream.response_headers"],
    route: { timeoutMs: 5000, perTryTimeoutMs: 50, retryOn: "retriable-4xx", attempts: 1 },
    answers: ["nothing"],
    ...both,
  },
  {
    title: "a timeout of an attempt above the route's does not count",
    never: ["upstream.response_headers"],
    route: { timeoutMs: 50, perTryTimeoutMs: 500, retryOn: "5xx", attempts: 1 },
    answers: ["nothing"],
    ...both,
  },
  steered(
    "x-envoy-upstream-rq-timeout-ms of a filter shortens the route's timeout",
    "x-envoy-upstream-rq-timeout-ms",
    "50",
    { route: { timeoutMs: 15_000 }, answers: ["nothing"] },
  ),
  steered(
    "x-envoy-upstream-rq-timeout-ms of a filter gives a timeout to a route without one",
    "x-envoy-upstream-rq-timeout-ms",
    "50",
    { answers: ["nothing"] },
  ),
  steered("x-envoy-upstream-rq-timeout-ms that is no number does not count", "x-envoy-upstream-rq-timeout-ms", "soon", {
    route: { timeoutMs: 50 },
    answers: ["nothing"],
  }),
  steered("x-envoy-upstream-rq-timeout-ms 0 takes the timeout away", "x-envoy-upstream-rq-timeout-ms", "0", {
    route: { timeoutMs: 15_000 },
    answers: [ok],
  }),
  steered("x-envoy-upstream-rq-per-try-timeout-ms of a filter", "x-envoy-upstream-rq-per-try-timeout-ms", "250", {
    route: { timeoutMs: 5000, retryOn: "5xx", attempts: 1 },
    answers: ["nothing", ok],
  }),
  {
    title: "x-envoy-expected-rq-timeout-ms stands where there is a timeout",
    route: { timeoutMs: 5000 },
    on: down,
    upstream: { request_headers: "get_header_map_pairs(0)" },
  },
  {
    title: "grpc-timeout is forwarded as it is",
    requests: [
      {
        method: "POST",
        headers: [
          ["content-type", "application/grpc"],
          ["grpc-timeout", "2S"],
        ],
      },
    ],
    route: { timeoutMs: 5000 },
    on: down,
  },
];

const switchedOff: Script = {
  title: "a route that switches the plugin off, in both chains",
  route: { isPluginOff: true },
  on: { request_headers: "log(2, 'R')", response_headers: "log(2, 'A')", log: "log(2, 'L')" },
  upstream: { request_headers: "log(2, 'uR')", done: "log(2, 'uD')" },
  never: ["request_headers", "response_headers", "log", "upstream.request_headers", "upstream.done"],
};

export const router: readonly Script[] = [switchedOff, ...orders, ...retries, ...timeouts];

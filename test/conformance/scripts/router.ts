// What the router does with attempts, and what the filters of both chains see of it.
import type { Answer, Script } from "../script.ts";

const down = {
  request_headers: "get_property('upstream.request_attempt_count')",
  response_headers:
    "get_header_map_value(2, ':status')\nget_property('response.code_details')\nget_property('response.flags')",
  log: "get_property('response.code')\nget_property('response.code_details')\nget_property('response.flags')\nget_property('upstream.request_attempt_count')",
  done: "log(2, 'D')",
  delete: "log(2, 'X')",
} as const;

const up = {
  request_headers: "get_property('upstream.request_attempt_count')\nget_property('response.code_details')",
  response_headers: "get_header_map_value(2, ':status')\nget_property('response.code_details')",
  done: "get_property('response.flags')",
  delete: "log(2, 'uX')",
} as const;

/** What tells of a route's cluster. */
const ofCluster =
  "get_property('xds.route_name')\nget_property('xds.cluster_name')\nget_property('xds.cluster_metadata.filter_metadata.dev~.sluice.owner')\nget_property('upstream.num_endpoints')\nget_property('upstream.request_attempt_count')\nget_property('upstream.address')\nget_property('upstream.transport_failure_reason')\nget_header_map_value(0, 'x-envoy-attempt-count')";

const noAttempt = ["upstream.request_headers", "upstream.response_headers", "upstream.done", "upstream.delete"];
const both = { on: down, upstream: up } as const;
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
    on: { ...down, request_headers: ofCluster, response_headers: `${down.response_headers}\n${ofCluster}` },
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
    route: { timeoutMs: 5000, perTryTimeoutMs: 50, retryOn: "5xx", attempts: 1 },
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
  steered("x-envoy-upstream-rq-per-try-timeout-ms of a filter", "x-envoy-upstream-rq-per-try-timeout-ms", "50", {
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

const attributes = [
  "xds.route_name",
  "xds.route_metadata.filter_metadata.dev~.sluice.owner",
  "xds.virtual_host_name",
  "xds.cluster_name",
  "xds.cluster_metadata.filter_metadata.dev~.sluice.owner",
  "upstream.num_endpoints",
  "upstream.request_attempt_count",
  "upstream.address",
  "upstream.transport_failure_reason",
  "response.code",
  "response.code_details",
  "response.flags",
  "response.grpc_status",
  "response.backend_latency",
]
  .map((path) => `get_property('${path}')`)
  .join("\n");
const direct = {
  never: noAttempt,
  on: { request_headers: attributes, response_headers: attributes, response_body: "", log: attributes, done: "" },
  upstream: up,
} as const;

const overflows: readonly Script[] = [
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
    answers: [failed, ok],
    on: { ...down, response_headers: `${down.response_headers}\nget_header_map_pairs(2)` },
    upstream: up,
  },
  {
    title: "circuit breaker: no retry after a reset",
    never: ["upstream.response_headers"],
    cluster: "no-retries",
    route: { retryOn: "5xx", attempts: 2 },
    answers: [{ reset: "remote-reset" }, ok],
    on: { ...down, response_headers: `${down.response_headers}\nget_header_map_pairs(2)` },
    upstream: up,
  },
  {
    title: "circuit breaker: no retry after an attempt's timeout",
    never: ["upstream.response_headers"],
    cluster: "no-retries",
    route: { timeoutMs: 5000, perTryTimeoutMs: 50, retryOn: "5xx", attempts: 2 },
    answers: ["nothing", ok],
    ...both,
  },
  {
    title: "circuit breaker: a response that is not to be tried again is nothing to it",
    cluster: "no-retries",
    route: { retryOn: "5xx", attempts: 2 },
    ...both,
  },
];

const directResponses: readonly Script[] = [
  { ...direct, title: "a direct response", route: { directResponse: { status: 203, body: "from the route" } } },
  {
    ...direct,
    title: "a direct response without a body, and a filter's header in it",
    on: {
      request_headers: "",
      response_headers: "add_header_map_value(2, 'x-a', 'b')\nget_header_map_pairs(2)",
      log: "get_header_map_pairs(2)",
    },
    route: { directResponse: { status: 403 } },
  },
  {
    ...direct,
    title: "a direct response to a request with a body: retries and timeouts are nothing to it",
    requests: [{ method: "POST", headers: [["x-envoy-upstream-rq-timeout-ms", "5"]], body: ["ab", "cd"] }],
    on: { ...direct.on, request_headers: "add_header_map_value(0, 'x-envoy-max-retries', '2')", request_body: "" },
    never: [...direct.never, "request_body"],
    route: { directResponse: { status: 503, body: "no" }, attemptCount: true },
  },
  {
    ...direct,
    title: "a direct response to gRPC",
    requests: [{ method: "POST", headers: [["content-type", "application/grpc"]] }],
    never: [...direct.never, "response_body"],
    route: { directResponse: { status: 429, body: "slow down" } },
  },
];

export const router: readonly Script[] = [
  switchedOff,
  ...orders,
  ...retries,
  ...timeouts,
  ...directResponses,
  ...overflows,
];

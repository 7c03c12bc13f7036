// The retry budget, both halves: what it does on Envoy it does on the host, on which its tests run.
import { filterModule } from "../../support/filter-module.ts";
import type { Answer, Script } from "../script.ts";

const failed: Answer = { status: 503, headers: [["x-shop", "closed"]], body: ["closed"] };
const unavailable: Answer = { status: 200, headers: [["grpc-status", "14"]] };
const retried = { retryOn: "5xx,unavailable", attempts: 3 };
const grpc = { method: "POST", headers: [["content-type", "application/grpc"]] } as const;

/** @param config of the filter; by default there are no retries, and the budget is the route's, whose name is the script's */
function script(title: string, config: Readonly<Record<string, unknown>>, more: Partial<Script>): Script {
  return {
    title: `retry-budget: ${title}`,
    module: () => filterModule("retry-budget"),
    plugin: { config: JSON.stringify({ percent: 0, minRetries: 0, per: "route", ...config }) },
    upstream: {},
    answers: [failed],
    ...more,
    route: { name: title, ...(more.route ?? retried) }, // metrics of a name are seen in one script only
  };
}

export const retryBudget: readonly Script[] = [
  script("a call that succeeds", {}, { answers: [{ status: 200 }] }),
  script("retries while there are some, then the original response", { minRetries: 1 }, { requests: [{}, {}] }),
  script("a share of the calls", { percent: 50 }, { requests: [{}, {}, {}, {}, {}] }),
  script("over HTTP/1.1", { minRetries: 1 }, { protocol: "HTTP/1.1", requests: [{}, {}] }),
  script(
    "all attempts, the last of which succeeds",
    { minRetries: 9 },
    { answers: [failed, failed, failed, { status: 200 }] },
  ),
  script("a failure of gRPC in headers", {}, { requests: [grpc], answers: [unavailable] }),
  script(
    "a failure of gRPC in trailers is none",
    {},
    { requests: [grpc], answers: [{ status: 200, body: ["a"], trailers: [["grpc-status", "14"]] }] },
  ),
  script(
    "a server's own mark",
    { minRetries: 9 },
    { answers: [{ status: 503, headers: [["x-envoy-ratelimited", "true"]] }] },
  ),
  script(
    "nobody listens",
    { minRetries: 1 },
    { route: { retryOn: "connect-failure", attempts: 3 }, cluster: "closed" },
  ),
  script(
    "nobody listens, to gRPC",
    {},
    {
      ...{ route: { retryOn: "connect-failure", attempts: 3 }, cluster: "closed", requests: [grpc] },
    },
  ),
  script("a reset", {}, { route: { retryOn: "reset", attempts: 3 }, answers: [{ reset: "remote-reset" }] }),
  script("a reservation that is not used", { minRetries: 1 }, { route: {}, requests: [{}, {}] }),
  script(
    "retries of the application",
    { minRetries: 1, retryHeader: "x-again" },
    {
      requests: [{ headers: [["x-again", "1"]] }, { headers: [["x-again", "1"]] }],
      answers: [{ status: 200 }],
    },
  ),
  script(
    "inbound, retries with and without a stamp",
    {},
    {
      direction: "inbound",
      requests: [
        { headers: [["x-envoy-attempt-count", "1"]] },
        {
          headers: [
            ["x-envoy-attempt-count", "2"],
            ["x-retry-budget", "v1"],
          ],
        },
        { headers: [["x-envoy-attempt-count", "2"]] },
      ],
      answers: [{ status: 200 }],
    },
  ),
  script("per destination", { per: "destination", minRetries: 1 }, {}),
  script("per proxy", { per: "proxy", minRetries: 1 }, {}),
  script("a configuration that is refused", { percent: 1001, window: "1ms" }, {}),
];

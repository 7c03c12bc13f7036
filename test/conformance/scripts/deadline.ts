// The deadline filter, both halves: what it does on Envoy it does on the host, on which its tests run. Of a time that is left
// the form is compared to the digit, and the value within a window: whole tens of seconds are sent. Its metrics have no labels,
// so each is in one script only.
import { filterModule } from "../../support/filter-module.ts";
import type { RequestScript, Script } from "../script.ts";

const grpc = ["content-type", "application/grpc"] as const;
const get = (...headers: NonNullable<RequestScript["headers"]>): RequestScript => ({ headers });
const post = (...headers: NonNullable<RequestScript["headers"]>): RequestScript => ({ method: "POST", headers });

function script(title: string, config: Readonly<Record<string, unknown>>, more: Partial<Script>): Script {
  return {
    title: `deadline: ${title}`,
    module: () => filterModule("deadline"),
    plugin: { config: JSON.stringify(config) },
    upstream: {},
    ...more,
  };
}

export const deadline: readonly Script[] = [
  script("a request without one", {}, { requests: [get(), post(grpc)] }),
  script("a request without one, inbound over HTTP/1.1", {}, { direction: "inbound", protocol: "HTTP/1.1" }),
  script("a route's timeout is the router's", {}, { route: { timeoutMs: 60_000, retryOn: "5xx" } }),
  ...(["inbound", "outbound"] as const).map((direction) =>
    script(
      `what is left, in each header, ${direction}`,
      { absoluteHeader: "x-until", max: "24h" },
      {
        direction,
        requests: [
          get(["x-request-timeout-ms", "60000"]),
          get(["x-request-timeout-ms", "99999"], ["grpc-timeout", "60S"]),
          get(["x-request-timeout-ms", "60000"], ["grpc-timeout", "1H"]),
          get(["x-until", "99999999999999"]),
          post(grpc, ["grpc-timeout", "60S"]),
          post(grpc, ["grpc-timeout", "60000m"]),
          post(grpc, ["grpc-timeout", "60000000u"]),
          post(grpc, ["grpc-timeout", "2M"]),
          post(grpc, ["grpc-timeout", "20H"]),
          post(grpc, ["grpc-timeout", "99999999H"]),
          post(grpc, ["x-request-timeout-ms", "60000"]),
          post(grpc, ["x-until", "99999999999999"]),
        ],
      },
    ),
  ),
  script("no more than max", { max: "60s" }, { requests: [get(["x-request-timeout-ms", "999999"])] }),
  script(
    "a header of another name",
    { header: "x-left" },
    { requests: [get(["x-left", "60000"], ["x-request-timeout-ms", "10000"])] },
  ),
  script(
    "a default, inbound without mutual TLS",
    { default: "60s" },
    { direction: "inbound", requests: [get(), post(grpc)] },
  ),
  script("a default, outbound of a sidecar", { default: "60s" }, { requests: [get()] }),
  script(
    "each attempt",
    {},
    {
      route: { timeoutMs: 0, retryOn: "5xx", attempts: 2 },
      answers: [{ status: 503 }, { status: 503 }, { status: 200 }],
      requests: [get(["x-request-timeout-ms", "60000"]), post(grpc, ["grpc-timeout", "60S"])],
    },
  ),
  script(
    "each attempt's own timeout",
    {},
    { route: { timeoutMs: 0, perTryTimeoutMs: 20_000 }, requests: [get(), post(grpc)] },
  ),
  script(
    "what has passed, in each header, to HTTP and to gRPC",
    { minimum: "1h", absoluteHeader: "x-until" },
    {
      requests: [
        get(["x-request-timeout-ms", "0"]),
        get(["x-request-timeout-ms", "3599999"]),
        get(["x-request-timeout-ms", "99999"], ["grpc-timeout", "8H"]),
        get(["grpc-timeout", "59M"]),
        get(["x-until", "1"]),
        post(grpc, ["grpc-timeout", "1n"]),
        post(grpc, ["x-request-timeout-ms", "5"]),
      ],
    },
  ),
  script(
    "what is malformed",
    { absoluteHeader: "x-until" },
    {
      direction: "inbound",
      requests: [
        get(["x-request-timeout-ms", "1e3"], ["grpc-timeout", "5s"], ["x-until", "soon"]),
        get(["x-request-timeout-ms", ""], ["x-request-timeout-ms", "5"]),
        get(["grpc-timeout", "1S"], ["grpc-timeout", "2S"]),
        post(grpc, ["grpc-timeout", "123456789m"]),
        get(["x-request-timeout-ms", "\xff1"]),
      ],
    },
  ),
  script("a configuration that is refused", { minimum: "10s", max: "1s", skew: "1s", tick: "1ms", other: 1 }, {}),
];

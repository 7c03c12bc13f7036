// Telemetry as configurations change it: other labels, fewer metrics, bounds, and a line for the access log.
import { header } from "../../../filters/telemetry/test-support/peer-metadata.ts";
import type { Script } from "../script.ts";
import { frames, get, grpcAnswer, grpcCall, ok, saying, script } from "./telemetry-script.ts";

const tenants = ["a", "", "\xff\x80", "caf\xc3\xa9", ";.;reporter=.=me;.;", "=.", "t".repeat(300), "a\tb"].map(
  (tenant) => get(["x-tenant", tenant]),
);
const failing = [ok(), { status: 503 }, { status: 404 }] as const;
const three = [get(), get(), get()];

const metrics: readonly Script[] = [
  script(
    "labels by attributes, of any bytes",
    {
      metrics: [{ dimensions: { tenant: "request.headers['x-tenant']", request_host: "request.host" } }],
    },
    { requests: [...tenants, get()] },
  ),
  script(
    "labels by expressions, and in the place of Istio's",
    {
      metrics: [
        { dimensions: { tenant: "string(size(request.path)) + request.method", source_app: "xds.cluster_name" } },
        { name: "requests_total", dimensions: { response_code: "string(response.code / 100) + 'xx'" } },
        { name: "response_bytes", dimensions: { tenant: "response.code" } },
      ],
    },
    { requests: three, answers: failing },
  ),
  script("labels without a value", {
    metrics: [
      {
        dimensions: {
          tenant: "request.headers['x-none']",
          request_host: "upstream.transport_failure_reason",
          source_app: "'a' + request.headers['x-none']",
        },
      },
    ],
  }),
  script("labels that this proxy's bootstrap does not know", {
    metrics: [{ dimensions: { unheard: "request.path", tenant: "'a'" } }],
  }),
  script(
    "labels that are left out",
    {
      metrics: [
        { tags_to_remove: ["source_principal", "destination_principal", "response_flags", "unheard"] },
        { name: "request_bytes", tags_to_remove: ["response_code", "destination_app"] },
      ],
    },
    { requests: three, answers: failing },
  ),
  script(
    "metrics that are dropped",
    {
      metrics: [
        { name: "request_bytes", drop: true },
        { name: "response_messages_total", drop: true },
      ],
    },
    { requests: [grpcCall([frames("a")])], answers: [grpcAnswer([frames("b")], "0")] },
  ),
  script(
    "no metrics at all",
    { metrics: [{ drop: true }] },
    { answers: [ok(...saying(header({ WORKLOAD_NAME: "w" })))] },
  ),
  script(
    "more series than there may be",
    { seriesMax: 2 },
    {
      direction: "inbound",
      requests: ["a", "b", "c", "a", "d"].map((name) => get(...saying(header({ WORKLOAD_NAME: name })))),
    },
  ),
  script(
    "more series than there may be, of gRPC at a client",
    { seriesMax: 1 },
    {
      requests: [grpcCall([frames("a")]), grpcCall([frames("a")])],
      answers: ["a", "b"].map((name) => ({
        ...ok(...saying(header({ WORKLOAD_NAME: name })), ["content-type", "application/grpc"]),
        body: [frames("x")],
      })),
    },
  ),
];

const fields = {
  method: "request.method",
  path: "request.path",
  user: "request.headers['x-user']",
  code: "response.code",
  details: "response.code_details",
  flags: "response.flags",
  sent: "response.size",
  cluster: "xds.cluster_name",
  who: "'to ' + request.host",
  failed: "response.code >= 500",
  half: "0.5",
  attempts: "upstream.request_attempt_count",
  grpc: "response.grpc_status",
  nothing: "request.referer",
};
const bytes = ["ann", "", '"\\/', "a\tb", "\xff\x80x", "\xed\xa0\x80", "\xc3\xa9 \xf0\x9f\x98\x80", ";.;"].map((user) =>
  get(["x-user", user]),
);
const quiet = { metrics: [{ drop: true }] };

const accessLog: readonly Script[] = [
  script("a line of any bytes", { ...quiet, accessLog: { fields } }, { requests: [...bytes, get()] }),
  script("a line beside metrics, for each end", { accessLog: { fields } }, { requests: three, answers: failing }),
  script(
    "a line of requests without an answer",
    { ...quiet, accessLog: { fields } },
    {
      answers: [{ reset: "remote-reset" }],
    },
  ),
  script(
    "a line of a caller who leaves",
    { ...quiet, accessLog: { fields } },
    {
      requests: [{ leaves: true }],
      answers: ["nothing"],
    },
  ),
  script("a line without a route", { ...quiet, accessLog: { fields } }, { route: null }),
  script(
    "a line of gRPC, after a retry",
    { ...quiet, accessLog: { fields } },
    {
      requests: [grpcCall([frames("a")])],
      route: { retryOn: "5xx", attempts: 1 },
      answers: [{ status: 503 }, grpcAnswer([frames("a")], "3")],
    },
  ),
  script(
    "a line of some requests",
    { ...quiet, accessLog: { filter: "response.code >= 500", fields } },
    {
      requests: three,
      answers: failing,
    },
  ),
  script(
    "a line by a filter without a value",
    {
      ...quiet,
      accessLog: { filter: "request.headers['x-user'] == 'ann'", fields: { 'the "path"': "request.path" } },
    },
    { requests: [get(), ...bytes.slice(0, 2)] },
  ),
];

const refused: readonly Script[] = [
  script("a configuration that is refused", {
    seriesMax: 0,
    metrics: [{ name: "requests", dimensions: { tenant: "request." }, tags_to_remove: "all" }],
    accessLog: { fields: {}, filter: "1 +", more: 1 },
    other: true,
  }),
];

export const telemetryChanges: readonly Script[] = [...metrics, ...accessLog, ...refused];

import * as z from "zod";
import { type MetricName, type MetricsOverride, type MetricsRule, metricNames, providers } from "../model/telemetry.ts";
import { withCel } from "./cel.ts";
import { labelComplaint } from "./cel-expression.ts";
import { durationMs } from "./duration.ts";
import { defined, duration, text, withRule } from "./fields.ts";
import { mode, modeOf, namesOf, providerRefs } from "./telemetry-parts.ts";
import { notYet } from "./walk.ts";

/** Istio's names of its metrics. */
const istioMetrics: Readonly<Record<string, MetricName>> = {
  REQUEST_COUNT: "requests_total",
  REQUEST_DURATION: "request_duration_milliseconds",
  REQUEST_SIZE: "request_bytes",
  RESPONSE_SIZE: "response_bytes",
  TCP_OPENED_CONNECTIONS: "tcp_connections_opened_total",
  TCP_CLOSED_CONNECTIONS: "tcp_connections_closed_total",
  TCP_SENT_BYTES: "tcp_sent_bytes_total",
  TCP_RECEIVED_BYTES: "tcp_received_bytes_total",
  GRPC_REQUEST_MESSAGES: "request_messages_total",
  GRPC_RESPONSE_MESSAGES: "response_messages_total",
};

const upsert = "tagOverrides.value must be set when operation is UPSERT";
const remove = "tagOverrides.value may only be set when operation is UPSERT";

const tagOverride = withRule(
  withCel(
    z.strictObject({
      operation: z.enum(["UPSERT", "REMOVE"]).optional().describe("Default: UPSERT."),
      value: text(labelComplaint).optional().describe("An expression in CEL over Envoy's attributes."),
    }),
    {
      rule: '(has(self.operation) && self.operation == "REMOVE") || (has(self.value) && self.value != "")',
      message: upsert,
      fieldPath: ".value",
    },
    {
      rule: '!(has(self.operation) && self.operation == "REMOVE") || !has(self.value)',
      message: remove,
      fieldPath: ".value",
    },
  ),
  ({ operation, value }) => {
    if (operation === "REMOVE") return value === undefined ? [] : [{ path: ["value"], message: `is set: ${remove}` }];
    return value === undefined ? [{ path: ["value"], message: `is missing: ${upsert}` }] : [];
  },
);

const label = "is no label: letters, digits and _, not beginning with a digit";

const tagOverrides = withRule(z.record(z.string(), tagOverride), (tags) =>
  Object.keys(tags).flatMap((key) => (/^[A-Za-z_]\w*$/.test(key) ? [] : [{ path: [key], message: label }])),
);

const metricsOverride = z.strictObject({
  match: z
    .strictObject({
      metric: z
        .enum(["ALL_METRICS", ...Object.keys(istioMetrics)])
        .optional()
        .describe("Default: ALL_METRICS."),
      customMetric: notYet(
        "has no effect: there are no metrics but Istio's, which match.metric names; a WasmPlugin can count others",
        "text",
      ),
      mode,
    })
    .optional()
    .describe("Default: all metrics of both sides."),
  disabled: z.boolean().optional().describe("Whether these metrics are not kept."),
  tagOverrides: tagOverrides.optional().describe("Labels that are added, changed or left out."),
});

/** What the filter takes at most. */
const dayMs = 86_400_000;

export const metricsRule = z.strictObject({
  providers: providerRefs(providers.metrics),
  overrides: z.array(metricsOverride).optional().describe("Applied in order, behind those of wider rules."),
  reportingInterval: duration()
    .optional()
    .describe(
      "How often open connections, and messages of open gRPC calls, are counted; longer than 24h is 24h. Default: 5s.",
    ),
});

export function readMetrics({
  providers: refs,
  overrides = [],
  reportingInterval,
}: z.output<typeof metricsRule>): MetricsRule {
  return defined({
    providers: namesOf(refs),
    overrides: overrides.flatMap(readOverride),
    reportingIntervalMs: reportingInterval === undefined ? undefined : Math.min(durationMs(reportingInterval), dayMs),
  });
}

/** None for a metric that is not Istio's. */
function readOverride({
  match = {},
  disabled,
  tagOverrides: tags = {},
}: z.output<typeof metricsOverride>): MetricsOverride[] {
  if (match.customMetric !== undefined) return [];
  const metric = istioMetrics[match.metric ?? "ALL_METRICS"];
  return [
    defined({
      metrics: metric === undefined ? metricNames : [metric],
      mode: modeOf(match),
      disabled,
      tags: new Map(
        Object.entries(tags).map(([key, { operation, value = "" }]) => [
          key,
          operation === "REMOVE" ? ("REMOVE" as const) : { value },
        ]),
      ),
    }),
  ];
}

import * as z from "zod";
import { codes } from "../model/codes.ts";
import { type AccessLoggingRule, providers, type Telemetry } from "../model/telemetry.ts";
import { withCel } from "./cel.ts";
import { celComplaint } from "./cel-expression.ts";
import { defined, text } from "./fields.ts";
import { show } from "./issues.ts";
import type { KindSchema, Remark } from "./kind-schema.ts";
import { metaOf, strictObject } from "./metadata.ts";
import { metricsRule, readMetrics } from "./telemetry-metrics.ts";
import { mode, modeOf, namesOf, providerRefs } from "./telemetry-parts.ts";
import { readTracing, tracingRule, unsupported } from "./telemetry-tracing.ts";
import { oneSelection, workloadSelection } from "./workload-selection.ts";

const accessLoggingRule = z.strictObject({
  match: z.strictObject({ mode }).optional().describe("Default: both sides."),
  providers: providerRefs(providers.accessLogging),
  disabled: z.boolean().optional().describe("Default: false."),
  filter: z
    .strictObject({
      expression: text(celComplaint)
        .optional()
        .describe("In CEL over Envoy's attributes: only requests and TCP connections of which it is true."),
    })
    .optional()
    .describe("Default: all."),
});

const fields = withCel(
  z.strictObject({
    ...workloadSelection("the telemetry would be of more workloads"),
    metrics: z.array(metricsRule).optional().describe("Which of Istio's metrics are kept, and by which labels."),
    accessLogging: z.array(accessLoggingRule).optional().describe("Off where no rule speaks of it."),
    tracing: z.array(tracingRule).optional().describe("How many requests are traced, and what spans say of them."),
  }),
  oneSelection,
);

type Fields = z.output<typeof fields>;

function read({ selector, metrics = [], accessLogging = [], tracing = [] }: Fields): Telemetry {
  return defined({
    selector: selector && (selector.matchLabels ?? {}),
    metrics: metrics.map(readMetrics),
    accessLogging: accessLogging.map(readAccessLogging),
    tracing: tracing.map(readTracing),
  });
}

function readAccessLogging(rule: z.output<typeof accessLoggingRule>): AccessLoggingRule {
  return defined({
    providers: namesOf(rule.providers),
    mode: modeOf(rule.match),
    disabled: rule.disabled ?? false,
    filter: rule.filter?.expression,
  });
}

/** What is there and does not act as a user of Istio would think. */
function remarksOn(spec: Fields): Remark[] {
  const kinds = ["metrics", "accessLogging", "tracing"] as const;
  const unknown = kinds.flatMap((kind) =>
    (spec[kind] ?? []).flatMap(({ providers: refs = [] }, i) =>
      refs.flatMap(({ name }, j) => {
        if (name === providers[kind]) return [];
        const message = `is ${show(name)}, which has no effect: the only provider of ${kind} is ${providers[kind]}${also[kind] ?? ""}`;
        return [{ ...warning, path: ["spec", kind, i, "providers", j, "name"], message }];
      }),
    ),
  );
  const others = (spec.tracing ?? []).flatMap((rule, i) =>
    unsupported(rule).map(([field, message]) => ({ ...warning, path: ["spec", "tracing", i, field], message })),
  );
  return [...unknown, ...others];
}

const also: Readonly<Record<string, string>> = {
  tracing: ", whose API Jaeger and OpenTelemetry's collector take, too",
};

const warning = { severity: "warning", code: codes.noEffect } as const;

const schema = strictObject(fields.optional()).transform(({ metadata, spec = {} }) => ({
  meta: metaOf(metadata),
  spec: read(spec),
  remarks: remarksOn(spec),
}));

/** Istio Telemetry. */
export const telemetry: KindSchema<"Telemetry"> = {
  kind: "Telemetry",
  group: "telemetry.istio.io",
  versions: ["v1", "v1alpha1"],
  schema,
  shown: {
    description: "Which metrics, access logs and traces there are: of the mesh, a namespace or some workloads.",
    shortNames: ["telemetry"],
  },
};

import * as z from "zod";
import type { DestinationRule } from "../model/destination-rule.ts";
import {
  type Complaint,
  defined,
  dnsLabel,
  duplicates,
  exportTo,
  host,
  labels,
  selectorLabels,
  withRule,
} from "./fields.ts";
import { type KindSchema, networking } from "./kind-schema.ts";
import { metaOf, strictObject } from "./metadata.ts";
import { readTrafficPolicy, trafficPolicy } from "./traffic-policy.ts";

const subset = z.strictObject({
  name: dnsLabel().describe("How routes call it."),
  labels: labels().optional().describe("Of the pods that belong to it."),
  trafficPolicy: trafficPolicy.optional().describe("Default: that of the rule."),
});

const fields = z.strictObject({
  host: host().describe("Service that it is about; short names are of the own namespace. *.suffix: several."),
  trafficPolicy: trafficPolicy.optional().describe("For all of the service, where no subset says otherwise."),
  subsets: z.array(subset).optional().describe("Parts of the service that VirtualServices name."),
  exportTo: exportTo(),
  workloadSelector: z
    .strictObject({ matchLabels: selectorLabels().optional() })
    .optional()
    .describe("Client workloads of the same namespace. Default: all."),
});

type Fields = z.output<typeof fields>;

function rules({ subsets = [], exportTo: visible = [], workloadSelector }: Fields): Complaint[] {
  const complaints = duplicates(
    subsets,
    { of: ({ name }) => name, path: (i) => ["subsets", i, "name"] },
    (name) => `is ${name}: duplicate subset names`,
  );
  return workloadSelector && visible.some((one) => one !== ".")
    ? [
        ...complaints,
        {
          path: ["exportTo"],
          message: 'must be ["."] beside workloadSelector, which chooses workloads of this namespace',
        },
      ]
    : complaints;
}

const schema = strictObject(withRule(fields, rules)).transform(({ metadata, spec }) => ({
  meta: metaOf(metadata),
  spec: defined({
    host: spec.host.toLowerCase(),
    trafficPolicy: readTrafficPolicy(spec.trafficPolicy),
    subsets: (spec.subsets ?? []).map((one) => ({
      name: one.name,
      labels: one.labels ?? {},
      trafficPolicy: readTrafficPolicy(one.trafficPolicy),
    })),
    exportTo: spec.exportTo ?? [],
    workloadSelector: spec.workloadSelector && (spec.workloadSelector.matchLabels ?? {}),
  }) satisfies DestinationRule,
}));

/** Istio DestinationRule. */
export const destinationRule: KindSchema<"DestinationRule"> = {
  kind: "DestinationRule",
  ...networking,
  schema,
  shown: {
    description: "How clients treat a service, after routing: load balancing, connection pools, outliers, subsets.",
    shortNames: ["dr"],
    columns: [{ name: "Host", type: "string", jsonPath: ".spec.host" }],
  },
};

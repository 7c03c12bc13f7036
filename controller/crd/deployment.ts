import * as z from "zod";
import { codes } from "../model/codes.ts";
import { matches } from "../model/object.ts";
import type { Deployment } from "../model/workload.ts";
import { container, readContainer } from "./containers.ts";
import { labels, whole, withRule } from "./fields.ts";
import type { KindSchema } from "./kind-schema.ts";
import { lenientObject, metaOf } from "./metadata.ts";

const containersAt = ["spec", "template", "spec", "containers"] as const;

const spec = z.object({
  replicas: whole().min(0).optional().describe("Pods to run. Default: 1."),
  selector: z.object({ matchLabels: labels().optional() }),
  template: z.object({
    metadata: z.object({ labels: labels().optional(), annotations: labels().optional() }).optional(),
    spec: z.object({
      serviceAccountName: z.string().optional().describe("Default: default."),
      containers: z.array(container),
    }),
  }),
});

const schema = lenientObject({
  spec: withRule(spec, ({ selector, template }) =>
    matches(selector.matchLabels ?? {}, template.metadata?.labels ?? {})
      ? []
      : [{ path: ["selector", "matchLabels"], message: "does not match the labels of spec.template.metadata" }],
  ),
}).transform(({ metadata, spec: { replicas, selector, template } }) => ({
  meta: metaOf(metadata),
  spec: {
    replicas: replicas ?? 1,
    selector: selector.matchLabels ?? {},
    template: {
      labels: template.metadata?.labels ?? {},
      annotations: template.metadata?.annotations ?? {},
      serviceAccount: template.spec.serviceAccountName || "default",
      containers: template.spec.containers.map(readContainer),
    },
  } satisfies Deployment,
}));

/** Kubernetes Deployment: what the embedded runner starts. */
export const deployment: KindSchema<"Deployment"> = {
  kind: "Deployment",
  group: "apps",
  versions: ["v1"],
  schema,
  remarks: (_, value) => {
    const { template } = z.object({ spec }).parse(value).spec;
    return template.spec.containers.flatMap(({ env = [] }, i) =>
      env.flatMap(({ valueFrom }, j) =>
        valueFrom === undefined
          ? []
          : [
              {
                severity: "warning",
                code: codes.noEffect,
                path: [...containersAt, i, "env", j, "valueFrom"],
                message: "has no effect yet: the variable is not set; write value",
              },
            ],
      ),
    );
  },
};

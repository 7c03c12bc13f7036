import * as z from "zod";
import { codes } from "../model/codes.ts";
import { matches } from "../model/object.ts";
import type { Deployment } from "../model/workload.ts";
import { container, readContainer } from "./containers.ts";
import { labels, whole, withRule } from "./fields.ts";
import type { KindSchema, Remark } from "./kind-schema.ts";
import { lenientObject, metaOf } from "./metadata.ts";

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
  remarks: unset(template.spec.containers),
}));

function unset(containers: readonly z.output<typeof container>[]): Remark[] {
  return containers.flatMap(({ env = [] }, i) =>
    env.flatMap(({ valueFrom }, j): Remark[] => {
      if (valueFrom === undefined) return [];
      const path = ["spec", "template", "spec", "containers", i, "env", j, "valueFrom"];
      const message = "has no effect yet: the variable is not set; write value";
      return [{ severity: "warning", code: codes.noEffect, path, message }];
    }),
  );
}

/** Kubernetes Deployment: what the embedded runner starts. */
export const deployment: KindSchema<"Deployment"> = { kind: "Deployment", group: "apps", versions: ["v1"], schema };

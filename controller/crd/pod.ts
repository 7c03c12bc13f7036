import * as z from "zod";
import { type Pod, workloadName } from "../model/workload.ts";
import { container, initContainer, readPorts } from "./containers.ts";
import { defined } from "./fields.ts";
import type { KindSchema } from "./kind-schema.ts";
import { metadata, metaOf } from "./metadata.ts";

const owner = z.object({ kind: z.string(), name: z.string(), controller: z.boolean().optional() });

const schema = z
  .object({
    metadata: z.object({ ...metadata.shape, ownerReferences: z.array(owner).optional() }),
    spec: z.object({
      serviceAccountName: z.string().optional().describe("Default: default."),
      containers: z.array(container.pick({ ports: true })),
      initContainers: z.array(initContainer).optional(),
    }),
    status: z
      .object({
        phase: z.string().optional(),
        podIP: z.string().optional(),
        conditions: z.array(z.object({ type: z.string(), status: z.string() })).optional(),
      })
      .optional(),
  })
  .transform(({ metadata: own, spec, status }) => {
    const meta = metaOf(own);
    const controller = own.ownerReferences?.find((reference) => reference.controller === true);
    const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
    const ready = status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") ?? false;
    return {
      meta,
      spec: defined({
        serviceAccount: spec.serviceAccountName || "default",
        workload: controller ? workloadName(controller, meta.labels["pod-template-hash"]) : meta.name,
        ports: [...spec.containers, ...sidecars].flatMap(({ ports }) => readPorts(ports)),
        ip: hasEnded(status?.phase) ? undefined : status?.podIP || undefined,
        ready: ready && (own.deletionTimestamp ?? undefined) === undefined,
      }) satisfies Pod,
    };
  });

/** Its address may be another pod's by now. */
function hasEnded(phase: string | undefined): boolean {
  return phase === "Succeeded" || phase === "Failed";
}

/** Kubernetes Pod. */
export const pod: KindSchema<"Pod"> = { kind: "Pod", group: "", versions: ["v1"], schema };

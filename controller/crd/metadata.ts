import * as z from "zod";
import type { Meta } from "../model/object.ts";
import { defaultNamespace } from "../model/raw-object.ts";
import { defined, dnsLabel, isObjectName, labels, text } from "./fields.ts";

const unread = z.unknown().optional();

/** Kubernetes' ObjectMeta. What only an API server writes is accepted and not looked at. */
export const metadata = z.strictObject({
  name: text((value) =>
    isObjectName(value)
      ? undefined
      : "must be lower-case letters, digits, - and ., at most 253, with letters or digits at both ends",
  ).describe("Unique among the objects of a kind in a namespace."),
  namespace: dnsLabel().optional().describe("Default: default."),
  labels: labels().optional(),
  annotations: labels().optional(),
  creationTimestamp: text((value) =>
    Number.isNaN(Date.parse(value)) ? "not a time; write 2026-01-31T12:00:00Z" : undefined,
  )
    .optional()
    .describe("RFC 3339; written by the API server. Older objects win where two conflict."),
  generateName: unread,
  selfLink: unread,
  uid: z.string().optional(),
  resourceVersion: unread,
  generation: z.number().optional(),
  deletionTimestamp: unread,
  deletionGracePeriodSeconds: unread,
  ownerReferences: unread,
  finalizers: unread,
  managedFields: unread,
});

export function metaOf({
  name,
  namespace,
  labels: own,
  annotations,
  creationTimestamp,
  uid,
  generation,
}: Pick<
  z.output<typeof metadata>,
  "name" | "namespace" | "labels" | "annotations" | "creationTimestamp" | "uid" | "generation"
>): Meta {
  return defined({
    namespace: namespace ?? defaultNamespace,
    name,
    labels: own ?? {},
    annotations: annotations ?? {},
    uid,
    generation,
    createdAtMs: creationTimestamp === undefined ? undefined : Date.parse(creationTimestamp),
  });
}

/** A whole object of a custom resource: every field must be known. */
export function strictObject<S extends z.ZodType>(spec: S) {
  return z.strictObject({
    apiVersion: z.string(),
    kind: z.string(),
    metadata,
    spec,
    status: z.unknown().optional().describe("Written by the control plane."),
  });
}

/** A whole object of Kubernetes' own: most fields do not concern a mesh and are not looked at. */
export function lenientObject<S extends z.ZodRawShape>(fields: S) {
  return z.object({ metadata: z.object(metadata.shape), ...fields });
}

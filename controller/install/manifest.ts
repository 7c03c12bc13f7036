import { pluralOf } from "../crd/resource-name.ts";
import type { KubeObject, ResourceType, Target } from "../kube/api.ts";
import { groupOf } from "../model/raw-object.ts";

/** An object as it is applied. */
export type Manifest = KubeObject;

/** Where the control plane is, and what applies to the whole mesh. */
export const namespace = "istio-system";

/** Marks all that an installation brought, which is all that it may change or remove. */
export const ownLabels = { "app.kubernetes.io/managed-by": "sluice" } as const;

export function isOurs(object: KubeObject): boolean {
  return Object.entries(ownLabels).every(([key, value]) => object.metadata.labels?.[key] === value);
}

interface Naming {
  readonly name: string;
  /** Absent for what belongs to no namespace. */
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** @param rest all but metadata, as the API has it */
export function manifest(apiVersion: string, kind: string, naming: Naming, rest: object = {}): Manifest {
  return { apiVersion, kind, metadata: { ...naming, labels: { ...ownLabels, ...naming.labels } }, ...rest };
}

/** Of one object, also of one that came from the API server. */
export function targetOf({ apiVersion, kind, metadata }: Pick<KubeObject, "apiVersion" | "kind" | "metadata">): Target {
  const place = metadata.namespace === undefined ? {} : { namespace: metadata.namespace };
  return { ...typeOf(apiVersion, kind), ...place, name: metadata.name };
}

export function typeOf(apiVersion: string, kind: string): ResourceType {
  const group = groupOf(apiVersion);
  return { group, version: apiVersion.slice(apiVersion.indexOf("/") + 1), plural: pluralOf(kind) };
}

/** `Deployment sluice.istio-system`, as Istio's tools name objects. */
export function nameOf({ kind, metadata }: KubeObject): string {
  return `${kind} ${metadata.name}${metadata.namespace === undefined ? "" : `.${metadata.namespace}`}`;
}

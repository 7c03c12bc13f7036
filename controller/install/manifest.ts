import type { KubeObject } from "../kube/api.ts";

/** An object as it is applied. */
export type Manifest = KubeObject;

/** Where the control plane is, and what applies to the whole mesh. */
export const namespace = "istio-system";

/**
 * Marks all that an installation brought, which is all that it may change or remove. A name of our own: Helm writes its own
 * into `app.kubernetes.io/managed-by` of all but definitions.
 */
export const ownLabels = { "install.sluice.dev/owner": "sluice" } as const;

export function isOurs(object: KubeObject): boolean {
  return Object.entries(ownLabels).every(([key, value]) => object.metadata.labels?.[key] === value);
}

/** The Helm release that an object is of; `undefined` where Helm did not apply it. */
export function helmReleaseOf({ metadata }: KubeObject): string | undefined {
  return metadata.annotations?.["meta.helm.sh/release-name"];
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

/** `Deployment sluice.istio-system`, as Istio's tools name objects. */
export function nameOf({ kind, metadata }: KubeObject): string {
  return `${kind} ${metadata.name}${metadata.namespace === undefined ? "" : `.${metadata.namespace}`}`;
}

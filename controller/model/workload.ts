import type { Labels } from "./object.ts";

/** Kubernetes Deployment: what the embedded runner executes. */
export interface Deployment {
  readonly replicas: number;
  readonly selector: Labels;
  readonly template: PodTemplate;
}

export interface PodTemplate {
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly serviceAccount: string;
  readonly containers: readonly Container[];
}

export interface Container {
  readonly name: string;
  readonly image?: string;
  /** Program and its first arguments; empty where the image decides, which the embedded runner can't execute. */
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly workingDir?: string;
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly ports: readonly { readonly name?: string; readonly containerPort: number }[];
  /** An HTTP GET that says whether it takes traffic, on a container port by number or name; absent: when it accepts connections. */
  readonly readinessProbe?: { readonly path: string; readonly port: number | string };
}

/** Kubernetes Pod, as far as the mesh needs it. */
export interface Pod {
  readonly serviceAccount: string;
  /** Name of the Deployment (or whatever controls the pod); the pod's own name where nothing does. */
  readonly workload: string;
  readonly ports: readonly { readonly name?: string; readonly containerPort: number }[];
  /** Absent until the pod has one. */
  readonly ip?: string;
  /** Takes traffic: condition Ready is True and the pod is not being deleted. */
  readonly ready: boolean;
}

/**
 * The Deployment that a pod belongs to: the name of its ReplicaSet without the hash of the template; the name of what else
 * controls the pod as it is.
 *
 * @param hash the pod's label `pod-template-hash`
 */
export function workloadName(
  { kind, name }: { readonly kind: string; readonly name: string },
  hash: string | undefined,
): string {
  const isOfTemplate = kind === "ReplicaSet" && hash !== undefined && name.endsWith(`-${hash}`);
  return isOfTemplate ? name.slice(0, -hash.length - 1) : name;
}

/** Istio WorkloadEntry: a workload that is not a pod; also an endpoint inside a ServiceEntry. */
export interface WorkloadEntry {
  /** IP, or a DNS name under resolution DNS. */
  readonly address: string;
  /** Port name to number, where it is not the service's target port. */
  readonly ports: Readonly<Record<string, number>>;
  readonly labels: Labels;
  readonly serviceAccount: string;
  readonly locality?: string;
  /** Share of the traffic; default 1. */
  readonly weight: number;
}

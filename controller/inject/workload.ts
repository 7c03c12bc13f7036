import { workloadName } from "../model/workload.ts";
import type { PodView } from "./pod.ts";

/** What a pod is a replica of. */
export interface Owner {
  /** `apps/v1` */
  readonly apiVersion: string;
  /** `Deployment` */
  readonly kind: string;
  readonly name: string;
}

/**
 * The workload a pod belongs to, read from what controls it: a ReplicaSet whose name ends in the hash of the pod's
 * template is a Deployment's, a Job whose name ends in a time is a CronJob's. A pod that nothing controls is its own.
 *
 * @see istio/istio pkg/kube/util.go, GetDeployMetaFromPod
 */
export function ownerOf(pod: PodView): Owner {
  const controller = pod.generateName === "" ? undefined : pod.owners.find((owner) => owner["controller"] === true);
  if (controller === undefined) {
    return { apiVersion: "v1", kind: "Pod", name: pod.name || pod.generateName.replace(/-$/, "") };
  }
  const { apiVersion, kind, name } = controller;
  const owner = { apiVersion: String(apiVersion), kind: String(kind), name: String(name) };
  return above(owner, pod) ?? owner;
}

function above(controller: Owner, { labels }: PodView): Owner | undefined {
  const { apiVersion, kind, name } = controller;
  const deployment = workloadName(controller, labels["pod-template-hash"]);
  if (deployment !== name) return { apiVersion, kind: "Deployment", name: deployment };
  const rollout = workloadName(controller, labels["rollouts-pod-template-hash"]); // Argo's
  if (rollout !== name) return { apiVersion: "v1alpha1", kind: "Rollout", name: rollout };
  const cronJob = kind === "Job" ? /^(.+)-\d{8,10}$/.exec(name)?.[1] : undefined;
  return cronJob === undefined ? undefined : { apiVersion: "batch/v1", kind: "CronJob", name: cronJob };
}

/** `kubernetes://apis/apps/v1/namespaces/shop/deployments/cart`: the OWNER of Istio's node metadata. */
export function ownerUrl({ apiVersion, kind, name }: Owner, namespace: string): string {
  return `kubernetes://apis/${apiVersion}/namespaces/${namespace}/${kind.toLowerCase()}s/${name}`;
}

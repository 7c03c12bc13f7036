import { createHash } from "node:crypto";
import { gatewayLabels, gatewayName } from "../inject/gateway-template.ts";
import { codes } from "../model/codes.ts";
import type { AnyObject, Labels, MeshObject } from "../model/object.ts";
import { refOf } from "../model/object.ts";
import type { Problem } from "../model/problem.ts";
import type { Proxy } from "../model/proxy.ts";
import type { Container } from "../model/workload.ts";

/** One replica of a Deployment, before it has addresses. Two with the same name are the same. */
export interface PodPlan {
  /** `catalog-7f6d9c4b58-x2k9q`: Deployment, hash of its template, hash of the replica's number. */
  readonly name: string;
  readonly namespace: string;
  /** `router`: the gateway. */
  readonly type: Proxy["type"];
  /** Name of the Deployment. */
  readonly workload: string;
  /** Those of the template, `pod-template-hash`, {@link podLabel}, and that it takes mutual TLS. */
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly serviceAccount: string;
  /** Each with a command; none for the gateway. */
  readonly containers: readonly Container[];
}

export interface Plan {
  /** Sorted by namespace and name of the Deployment, then by replica. */
  readonly pods: readonly PodPlan[];
  readonly problems: readonly Problem[];
}

/** No two pods of a namespace have the same value, so that a Sidecar can select a single one. (A pod's name may be too long for a label.) */
export const podLabel = "sluice.dev/pod";

/** Callers use mutual TLS with pods that say so, as injection makes them say. */
const takesTls: Labels = { "security.istio.io/tlsMode": "istio" };

/** The pods that the Deployments among `objects` ask for. A changed template makes new pods, a changed scale does not. */
export function planOf(objects: readonly AnyObject[]): Plan {
  const deployments = objects
    .filter((object) => object.kind === "Deployment")
    .sort((a, b) => compare(a.meta.namespace, b.meta.namespace) || compare(a.meta.name, b.meta.name));
  const problems = deployments.flatMap(problemsOf);
  const runnable = deployments.filter((deployment) => problemsOf(deployment).length === 0);
  return { pods: runnable.flatMap(replicasOf), problems };
}

/** The gateway's pod as Istio installs it; it has no container but Envoy. */
export function gatewayPlan(namespace: string): PodPlan {
  const workload = gatewayName;
  const template = encoded(workload, 10);
  const id = `${template}-${encoded(namespace, 5)}`;
  return {
    name: `${workload}-${id}`,
    namespace,
    type: "router",
    workload,
    labels: { ...gatewayLabels, "pod-template-hash": template, [podLabel]: id, ...takesTls },
    annotations: {},
    serviceAccount: `${workload}-service-account`,
    containers: [],
  };
}

/** `namespace/name` */
export function podKey({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}

function replicasOf({ meta, spec }: MeshObject<"Deployment">): PodPlan[] {
  const { labels, annotations, serviceAccount, containers } = spec.template;
  const template = encoded(JSON.stringify(spec.template), 10);
  return Array.from({ length: spec.replicas }, (_, replica) => {
    const id = `${template}-${encoded(`${meta.namespace}/${meta.name}/${template}/${replica}`, 5)}`;
    return {
      name: `${meta.name}-${id}`,
      namespace: meta.namespace,
      type: "sidecar",
      workload: meta.name,
      labels: { ...labels, "pod-template-hash": template, [podLabel]: id, ...takesTls },
      annotations,
      serviceAccount,
      containers,
    };
  });
}

function problemsOf(deployment: MeshObject<"Deployment">): Problem[] {
  const containersPath = ["spec", "template", "spec", "containers"];
  const problem = (path: Problem["path"] & {}, message: string): Problem => ({
    severity: "error",
    code: codes.notRunnable,
    object: refOf(deployment),
    path,
    message,
  });
  const { containers } = deployment.spec.template;
  if (containers.length === 0) return [problem(containersPath, "is empty: nothing can be started")];
  return containers.flatMap(({ command, image }, i) =>
    command.length > 0
      ? []
      : [
          problem(
            [...containersPath, i, "command"],
            `is missing: \`sluice up\` starts commands, not images${image ? ` (${image})` : ""}; write what the image would run, command: ["node", "main.ts"]`,
          ),
        ],
  );
}

/** The letters and digits that Kubernetes uses for generated names: no vowels, nothing that can be misread. */
const alphabet = "bcdfghjklmnpqrstvwxz2456789";

function encoded(text: string, length: number): string {
  const digest = createHash("sha256").update(text).digest();
  return [...digest.subarray(0, length)].map((byte) => alphabet[byte % alphabet.length]).join("");
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

import { gatewayLabels } from "../inject/gateway-template.ts";
import type { MeshSettings } from "../model/mesh.ts";
import { type AnyObject, type Labels, matches } from "../model/object.ts";
import { sidecarFor } from "../model/select.ts";
import type { Protocol } from "../model/service.ts";
import { type PodPlan, podLabel } from "./plan.ts";

/** Port of the `http_proxy` listener of each sidecar, as in Istio. */
export const httpProxyPort = 15007;

/** A pod with its place: what the generated objects say of it. */
export interface PlacedPod {
  readonly plan: PodPlan;
  /** Of this pod and no earlier one of its name. */
  readonly uid: string;
  readonly ip: string;
  /** containerPort to the port of 127.0.0.1 where the application listens. */
  readonly appPorts: ReadonlyMap<number, number>;
  readonly ready: boolean;
  /** Its traffic passes its Envoy whatever its ports are. */
  readonly intercepted: boolean;
}

/** Kubernetes and Istio objects as they would stand in YAML. */
export type Document = Readonly<Record<string, unknown>>;

/** What the documents depend on beside the pod. */
export interface Surroundings {
  /** The user's; of interest are Services (protocols) and Sidecars. */
  readonly objects: readonly AnyObject[];
  readonly settings: MeshSettings;
  /** Where the gateway listens. */
  readonly gatewayPort: number;
}

/**
 * What the controller must know of a pod. A workload's: a Pod, and where its traffic is not intercepted a Sidecar that
 * binds its ports; a user's own Sidecar for the workload wins where it has ingress, and where it only restricts egress, its
 * hosts are kept. The gateway's: its Pod, and the Service on port 80 that Istio's installation brings.
 */
export function documentsOf(pod: PlacedPod, surroundings: Surroundings): readonly Document[] {
  if (pod.plan.type === "router") return [gatewayService(pod.plan, surroundings.gatewayPort), podDocument(pod)];
  if (pod.intercepted) return [podDocument(pod)];
  const { objects, settings } = surroundings;
  const sidecars = objects.filter((object) => object.kind === "Sidecar");
  const own = sidecarFor({ sidecars, settings }, pod.plan);
  if (own?.spec.ingress !== undefined) return [podDocument(pod)];
  const hosts = [...new Set((own?.spec.egress ?? []).flatMap((listener) => listener.hosts))];
  return [podDocument(pod), sidecarDocument(pod, objects, hosts.length > 0 ? hosts : ["*/*"])];
}

function gatewayService({ workload: name, namespace }: PodPlan, targetPort: number): Document {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace, labels: gatewayLabels },
    spec: { selector: gatewayLabels, ports: [{ name: "http", port: 80, targetPort }] },
  };
}

function podDocument({ plan, uid, ip, ready }: PlacedPod): Document {
  const { name, namespace, workload, labels, annotations, serviceAccount, containers } = plan;
  const replicaSet = `${workload}-${labels["pod-template-hash"]}`;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace,
      uid,
      labels,
      annotations,
      ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: replicaSet, controller: true }],
    },
    spec: {
      serviceAccountName: serviceAccount,
      containers: containers.map((container) => ({ name: container.name, ports: container.ports })),
    },
    status: { phase: "Running", podIP: ip, conditions: [{ type: "Ready", status: ready ? "True" : "False" }] },
  };
}

function sidecarDocument(
  { plan, ip, appPorts }: PlacedPod,
  objects: readonly AnyObject[],
  hosts: readonly string[],
): Document {
  const ingress = [...appPorts].map(([number, appPort]) => {
    const protocol = protocolOf({ plan, port: number }, objects);
    return {
      port: { number, protocol, name: `${protocol.toLowerCase()}-${number}` },
      bind: ip,
      captureMode: "NONE",
      defaultEndpoint: `127.0.0.1:${appPort}`,
    };
  });
  const proxy = { port: { number: httpProxyPort, protocol: "HTTP_PROXY", name: "http-proxy" }, bind: ip };
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "Sidecar",
    // the oldest of all, so that it counts where a user's without ingress selects the pod too
    metadata: { name: plan.name, namespace: plan.namespace, creationTimestamp: "1970-01-01T00:00:00Z" },
    spec: {
      workloadSelector: { labels: { [podLabel]: plan.labels[podLabel] } },
      ...(ingress.length > 0 ? { ingress } : {}),
      egress: [{ ...proxy, captureMode: "NONE", hosts }],
    },
  };
}

/** What the Services that lead to a container's port say it speaks; TCP where none does. */
function protocolOf(
  { plan, port }: { readonly plan: PodPlan; readonly port: number },
  objects: readonly AnyObject[],
): Protocol {
  const names = plan.containers
    .flatMap((container) => container.ports)
    .filter(({ containerPort }) => containerPort === port)
    .map(({ name }) => name);
  return (
    objects
      .filter((object) => object.kind === "Service")
      .filter(({ meta, spec }) => meta.namespace === plan.namespace && selects(spec.selector, plan.labels))
      .flatMap(({ spec }) => spec.ports)
      .find(({ targetPort }) => targetPort === port || names.some((name) => name === targetPort))?.protocol ?? "TCP"
  );
}

function selects(selector: Labels | undefined, labels: Labels): boolean {
  return selector !== undefined && matches(selector, labels);
}

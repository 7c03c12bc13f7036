// Services and pods of a cluster that is much larger than what runs: objects only.
import type { KubeMesh } from "../support/kube/mesh.ts";

export const serviceCount = 200;
const podsPerService = 10;
export const podCount = serviceCount * podsPerService;
const namespaceCount = 10;
/** At once; more make the API server no faster. */
const callsAtOnce = 16;

export interface PodObject {
  readonly namespace: string;
  readonly name: string;
  /** Of all, from 0. */
  readonly index: number;
}

/**
 * Makes the services with their pods, ten of each service, over ten namespaces. They pass injection like any other, and
 * are said to be ready by patches of their status.
 */
export async function makeObjects(mesh: KubeMesh): Promise<readonly PodObject[]> {
  const { api } = mesh;
  const namespaces = Array.from({ length: namespaceCount }, (_, n) => `load-${n}`);
  for (const name of namespaces) {
    await api.create("/api/v1/namespaces", { metadata: { name, labels: { "istio-injection": "enabled" } } });
    const account = `/api/v1/namespaces/${name}/serviceaccounts/default`;
    await mesh.waitFor(() => api.get(account).catch(() => undefined), `the service account of ${name}`);
  }
  const namespaceOf = (service: number): string => namespaces[service % namespaceCount] ?? "";
  await atOnce(serviceCount, (service) =>
    api.create(`/api/v1/namespaces/${namespaceOf(service)}/services`, serviceObject(`service-${service}`)),
  );
  const pods = Array.from({ length: podCount }, (_, index): PodObject => {
    const service = Math.floor(index / podsPerService);
    return { namespace: namespaceOf(service), name: `service-${service}-${index}`, index };
  });
  await atOnce(podCount, async (index) => {
    const pod = pods[index];
    if (pod === undefined) return;
    const service = `service-${Math.floor(index / podsPerService)}`;
    await api.create(`/api/v1/namespaces/${pod.namespace}/pods`, podObject(pod.name, service));
    await setReady(mesh, pod, true);
  });
  return pods;
}

/** As a kubelet would. */
export async function setReady(
  { api }: KubeMesh,
  { namespace, name, index }: PodObject,
  ready: boolean,
): Promise<void> {
  const conditions = ["Initialized", "ContainersReady", "Ready"].map((type) => ({
    type,
    status: ready || type === "Initialized" ? "True" : "False",
  }));
  const podIP = `10.77.${index >> 8}.${index & 255}`;
  const status = { phase: "Running", podIP, podIPs: [{ ip: podIP }], hostIP: "10.76.0.1", conditions };
  await api.patch(`/api/v1/namespaces/${namespace}/pods/${name}/status`, { status });
}

function serviceObject(name: string): object {
  const ports = [{ name: "http", port: 80, targetPort: "http" }];
  return { metadata: { name }, spec: { selector: { app: name }, ports } };
}

function podObject(name: string, service: string): object {
  const ports = [{ name: "http", containerPort: 8080 }];
  return {
    metadata: { name, labels: { app: service, version: "v1" } },
    spec: { nodeName: "elsewhere", containers: [{ name: "app", image: "example/app:1", ports }] },
  };
}

/** Calls `run` with 0 to count - 1, a few at once. */
async function atOnce(count: number, run: (n: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) await run(next++);
  };
  await Promise.all(Array.from({ length: callsAtOnce }, work));
}

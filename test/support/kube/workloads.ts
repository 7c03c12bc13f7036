// Objects for the tests of the node itself, all around test/support/app.ts, and what is asked about them.
import type { Cluster } from "./cluster.ts";
import { envoyImage, type Images, nodeImage } from "./images.ts";

export function workloadImages(): Images {
  return { "test/app": nodeImage("test/support/app.ts"), "envoyproxy/envoy": envoyImage() };
}

/** A namespace of its own with these objects. */
export async function apply(cluster: Cluster, namespace: string, ...items: readonly object[]): Promise<void> {
  const inNamespace = (item: object): object => ({
    ...item,
    metadata: { ...("metadata" in item ? (item.metadata as object) : {}), namespace },
  });
  await cluster.kubectl("create", "namespace", namespace);
  await cluster.kubectl.apply(JSON.stringify({ apiVersion: "v1", kind: "List", items: items.map(inNamespace) }));
}

/** A container; it is probed where it has no `command` of its own. */
export function app(more: object = {}): object {
  const readinessProbe = "command" in more ? {} : { readinessProbe: { httpGet: { path: "/", port: "http" } } };
  const ports = [{ name: "http", containerPort: 8080 }];
  const env = [{ name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }];
  return { name: "app", image: "test/app:1", env, ports, ...readinessProbe, ...more };
}

export function pod(name: string, spec: object): object {
  return { apiVersion: "v1", kind: "Pod", metadata: { name, labels: { app: name } }, spec };
}

export function deployment(name: string, replicas: number, spec: object): object {
  const labels = { app: name };
  const template = { metadata: { labels }, spec };
  const apps = { apiVersion: "apps/v1", kind: "Deployment", metadata: { name } };
  return { ...apps, spec: { replicas, selector: { matchLabels: labels }, template } };
}

/** Of the pods labelled `app: name`. @param more of its port */
export function service(name: string, more: object = {}): object {
  const ports = [{ name: "http", port: 80, targetPort: "http", ...more }];
  const type = "nodePort" in more ? "NodePort" : "ClusterIP";
  return { apiVersion: "v1", kind: "Service", metadata: { name }, spec: { type, selector: { app: name }, ports } };
}

export interface PodName {
  readonly namespace: string;
  readonly name: string;
}

/** The body of a page, fetched in a pod's container `app`. */
export function fetchIn(cluster: Cluster, { namespace, name }: PodName, url: string): Promise<string> {
  const program = `process.stdout.write(await (await fetch("${url}")).text())`;
  const command = ["node", "--input-type=module", "-e", program];
  return cluster.kubectl("exec", "-n", namespace, name, "-c", "app", "--", ...command);
}

export interface Endpoint {
  readonly addresses: readonly string[];
  readonly conditions: { readonly ready: boolean; readonly serving?: boolean; readonly terminating?: boolean };
}

/** Of a Service. */
export async function endpoints(cluster: Cluster, { namespace, name }: PodName): Promise<readonly Endpoint[]> {
  const query = `labelSelector=kubernetes.io%2Fservice-name%3D${name}`;
  const { items } = await cluster.api.get<{ items: readonly { endpoints?: readonly Endpoint[] }[] }>(
    `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices?${query}`,
  );
  return items.flatMap((slice) => slice.endpoints ?? []);
}

/** @param path JSONPath: `.status.podIP` */
export function podValue(cluster: Cluster, { namespace, name }: PodName, path: string): Promise<string> {
  return cluster.kubectl("get", "pod", "-n", namespace, name, "-o", `jsonpath={${path}}`);
}

export function podReady(cluster: Cluster, { namespace, name }: PodName): Promise<string> {
  const wait = ["wait", "-n", namespace, `pod/${name}`, "--for=condition=Ready", "--timeout=1s"];
  return cluster.waitFor(() => cluster.kubectl(...wait), `pod ${namespace}/${name} to be ready`);
}

import type { AnyObject, Labels, MeshObject } from "../../model/object.ts";
import type { Container, PodTemplate } from "../../model/workload.ts";

export function meta(name: string, namespace = "shop"): MeshObject["meta"] {
  return { name, namespace, labels: {}, annotations: {} };
}

export function container(parts: Partial<Container> = {}): Container {
  return {
    ...{ name: "web", command: ["node", "main.ts"], args: [], env: [], ports: [{ name: "http", containerPort: 8080 }] },
    ...parts,
  };
}

export function deployment(
  name: string,
  { replicas = 1, ...template }: { replicas?: number } & Partial<PodTemplate> = {},
): MeshObject<"Deployment"> {
  const labels: Labels = { app: name };
  return {
    kind: "Deployment",
    meta: meta(name),
    spec: {
      replicas,
      selector: labels,
      template: { labels, annotations: {}, serviceAccount: name, containers: [container()], ...template },
    },
  };
}

export function service(name: string, targetPort: number | string): AnyObject {
  return {
    kind: "Service",
    meta: meta(name),
    spec: { ports: [{ name: "http", number: 80, protocol: "HTTP", targetPort }], selector: { app: name } },
  };
}

// Small meshes and proxies for tests.

import type { Endpoint, Mesh, MeshService } from "../mesh.ts";
import { defaultSettings } from "../mesh.ts";
import type { Kind, MeshObject, Specs } from "../object.ts";
import type { Proxy } from "../proxy.ts";

export function make<K extends Kind>(kind: K, key: string, spec: Specs[K]): MeshObject<K> {
  const [namespace = "", name = ""] = key.split("/");
  return { kind, meta: { namespace, name, labels: {}, annotations: {} }, spec };
}

/** A service and whom it leads to, for {@link mesh}. */
export interface ServiceAndEndpoints extends MeshService {
  readonly endpoints: readonly Endpoint[];
}

export function service(host: string, namespace: string, more: Partial<ServiceAndEndpoints> = {}): ServiceAndEndpoints {
  return {
    host,
    ref: { kind: "Service", namespace, name: host.split(".")[0] ?? "" },
    ports: [80, 81].map((number) => ({ name: `http-${number}`, number, protocol: "HTTP", targetPort: 8080 })),
    addresses: [],
    resolution: "STATIC",
    external: false,
    exportTo: [],
    endpoints: [],
    ...more,
  };
}

export function mesh({
  services = [],
  ...parts
}: Partial<Omit<Mesh, "services" | "endpoints">> & { services?: readonly ServiceAndEndpoints[] }): Mesh {
  return {
    generation: 1,
    settings: defaultSettings,
    virtualServices: [],
    destinationRules: [],
    gateways: [],
    sidecars: [],
    peerAuthentications: [],
    telemetries: [],
    plugins: [],
    ...parts,
    services: new Map(services.map(({ endpoints: _, ...service }) => [service.host, service])),
    endpoints: new Map(services.map(({ host, endpoints }) => [host, endpoints])),
  };
}

export const web: Proxy = {
  id: "sidecar~10.0.0.7~web-1.shop~shop.svc.cluster.local",
  type: "sidecar",
  ip: "10.0.0.7",
  name: "web-1",
  namespace: "shop",
  labels: { app: "web", version: "v1" },
  serviceAccount: "web",
  workload: "web",
  interception: "NONE",
  version: "1.40.0",
};
export const gateway: Proxy = {
  ...web,
  type: "router",
  namespace: "istio-system",
  labels: { istio: "ingressgateway" },
};

export function virtualService(
  key: string,
  {
    hosts,
    to,
    gateways = ["mesh"],
    exportTo = [],
  }: { hosts: string[]; to?: string; gateways?: string[]; exportTo?: string[] },
): MeshObject<"VirtualService"> {
  const route = to === undefined ? [] : [{ destination: { host: to }, weight: 100 }];
  const match = { match: [], route };
  return make("VirtualService", key, { hosts, gateways, exportTo, http: [match] });
}

// What surrounds every script, on the host and on Envoy.
import type { NodeInit } from "../../sdk/host/node.ts";
import type { LocalityInit, Metadata } from "../../sdk/host/request.ts";

export const node: NodeInit = {
  id: "sidecar~10.0.0.1~a.b~b.svc.cluster.local",
  cluster: "a.b",
  locality: { region: "r1", zone: "z1", sub_zone: "s1" },
  metadata: {
    ...{
      NAME: "a-v1-1",
      NAMESPACE: "b",
      LABELS: { app: "a", version: "v1" },
      WORKLOAD_NAME: "a-v1",
      CLUSTER_ID: "east",
    },
    ...{ OWNER: "kubernetes://apis/apps/v1/namespaces/b/deployments/a-v1", STAT_TAGS: "tenant,request_host" },
  },
};

/** Of a script that is a gateway's. */
export const gatewayNode: NodeInit = { ...node, id: "router~10.0.0.1~a.b~b.svc.cluster.local" };

/** Of all endpoints. */
export const locality: LocalityInit = { region: "r2", zone: "z2", sub_zone: "s2" };

export const pluginName = "plugin";
export const virtualHost = "host";
export const filterChain = "chain";

/** The filter metadata of listener, cluster, endpoint, route and virtual host. */
export function metadata(owner: string): Metadata {
  return { "dev.sluice": { owner, number: 7, list: ["x", "y"], flag: true } };
}

/** Of a cluster, with what Istio says of it: nothing where it leads to any address. */
export function clusterMetadata(cluster: string): Metadata {
  if (cluster === passthrough) return metadata("cluster");
  const services = [{ host: "catalog.b.svc.cluster.local", name: "catalog", namespace: "b" }];
  return { ...metadata("cluster"), istio: { services, ...(cluster === "external" && { external: true }) } };
}

/** Of its endpoints. */
export function endpointMetadata(cluster: string): Metadata {
  const workload = "catalog-v1;b;catalog;v1;west";
  return { ...metadata("endpoint"), ...(cluster !== passthrough && { istio: { workload } }) };
}

const passthrough = "PassthroughCluster";

/** The cluster "open" of TCP, whose upstream speaks no HTTP. */
export const tcpCluster = "tcp";

/** Filter state that plugins may leave for a line of the access log. */
export const accessLogState = "sluice.access-log";

/** Of FAIL_RELOAD. */
export const reloadBackOffMs = 2;

/** Nobody listens there. */
export const closedAddress = "127.0.0.1:1";

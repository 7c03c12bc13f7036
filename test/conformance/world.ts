// What surrounds every script, on the host and on Envoy.
import type { NodeInit } from "../../sdk/host/node.ts";
import type { LocalityInit, Metadata } from "../../sdk/host/request.ts";

export const node: NodeInit = {
  id: "sidecar~10.0.0.1~a.b~b.svc.cluster.local",
  cluster: "a.b",
  locality: { region: "r1", zone: "z1", sub_zone: "s1" },
  metadata: { NAMESPACE: "b", LABELS: { app: "a" } },
};

/** Of all endpoints. */
export const locality: LocalityInit = { region: "r2", zone: "z2", sub_zone: "s2" };

export const pluginName = "plugin";
export const virtualHost = "host";
export const filterChain = "chain";

/** The filter metadata of listener, cluster, endpoint, route and virtual host. */
export function metadata(owner: string): Metadata {
  return { "dev.sluice": { owner, number: 7, list: ["x", "y"], flag: true } };
}

/** The cluster "open" of TCP, whose upstream speaks no HTTP. */
export const tcpCluster = "tcp";

/** Of FAIL_RELOAD. */
export const reloadBackOffMs = 2;

/** Nobody listens there. */
export const closedAddress = "127.0.0.1:1";

import type { Labels } from "./object.ts";

/** User and group of Envoy, whose traffic the interception rules let pass; Istio's. */
export const proxyUid = 1337;

/** An Envoy, as it describes itself in its node. Istio's bootstrap metadata. */
export interface Proxy {
  /** `sidecar~10.0.0.7~web-1.shop~shop.svc.cluster.local`; unique in the mesh. */
  readonly id: string;
  readonly type: "sidecar" | "router";
  readonly ip: string;
  /** The pod's name. */
  readonly name: string;
  readonly namespace: string;
  readonly labels: Labels;
  readonly serviceAccount: string;
  readonly workload: string;
  /** NONE: traffic reaches the proxy only on ports that a Sidecar or Gateway opens. */
  readonly interception: "REDIRECT" | "TPROXY" | "NONE";
  /** Labels of metrics that it knows beside Istio's, from its start; absent: it did not say. */
  readonly statTags?: readonly string[];
  /** Envoy's version, `1.40.0`; empty if it didn't say. */
  readonly version: string;
}

/** `web-1.shop`: how Istio's tools name a proxy. */
export function proxyName(proxy: Pick<Proxy, "name" | "namespace">): string {
  return `${proxy.name}.${proxy.namespace}`;
}

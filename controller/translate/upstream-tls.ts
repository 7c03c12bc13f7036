// What a cluster speaks with its endpoints: mutual TLS of the mesh, TLS of the world outside, or plain text.
import type { ClusterSchema } from "../gen/envoy/config/cluster/v3/cluster_pb.js";
import type { TrafficPolicy } from "../model/destination-rule.ts";
import { isWildcard } from "../model/host.ts";
import { spiffeId } from "../model/identity.ts";
import type { Endpoint, MeshService, MeshSettings } from "../model/mesh.ts";
import { sniOf } from "../model/names.ts";
import type { ServicePort } from "../model/service.ts";
import type { Init } from "./encode.ts";
import { clientMutualTls, clientTls, type TransportSocket } from "./tls.ts";
import { httpVersion } from "./traffic-policy.ts";

export interface Upstream {
  readonly service: MeshService;
  readonly endpoints: readonly Endpoint[];
  readonly port: ServicePort;
  /** Empty: none. */
  readonly subset: string;
  readonly policy: TrafficPolicy;
  readonly settings: MeshSettings;
  /** Whether the cluster knows its endpoints; one that leads where the caller meant to go does not. */
  readonly knowsEndpoints: boolean;
}

export type ClusterTls = Pick<Init<typeof ClusterSchema>, "transportSocket" | "transportSocketMatches">;

/**
 * What the rule says, else mutual TLS with the endpoints that take it. A service without such endpoints has no transport
 * socket at all, so that a mesh without identities needs no secrets. Where endpoints aren't known, all of the service's
 * must take it, as in Istio.
 */
export function clusterTls(upstream: Upstream): ClusterTls {
  const { service, port, policy, settings, knowsEndpoints } = upstream;
  const { tls } = policy;
  const http = httpVersion(port.protocol, policy.connectionPool);
  if (tls?.mode === "DISABLE") return {};
  if (tls?.mode === "SIMPLE") {
    const host = isWildcard(service.host) ? undefined : service.host;
    return { transportSocket: clientTls(tls, { host, http }) };
  }
  const all = upstream.endpoints.filter(({ ports }) => ports.has(port.number));
  const ready = all.filter((endpoint) => takesTls(endpoint, port.number));
  const mutual = (endpoints: readonly Endpoint[]): TransportSocket =>
    clientMutualTls({
      sni: tls?.sni ?? sniOf({ port: port.number, subset: upstream.subset, host: service.host }),
      names: tls && tls.subjectAltNames.length > 0 ? tls.subjectAltNames : identities(endpoints, settings),
      trustDomain: settings.trustDomain,
      http,
    });
  if (tls) return { transportSocket: mutual(all) };
  if (service.external || ready.length === 0) return {};
  if (!knowsEndpoints) return ready.length === all.length ? { transportSocket: mutual(ready) } : {};
  return {
    transportSocketMatches: [{ name: `tlsMode-${tlsMode}`, match: { tlsMode }, transportSocket: mutual(ready) }],
  };
}

/** The mark of an endpoint that takes mutual TLS, in the metadata `envoy.transport_socket_match`; Istio's. */
export const tlsMode = "istio";

/** Whether the port of a workload that a service's port leads to takes mutual TLS. */
export function takesTls({ ports, mutualTls }: Endpoint, servicePort: number): boolean {
  const port = ports.get(servicePort);
  return port !== undefined && mutualTls.has(port);
}

function identities(endpoints: readonly Endpoint[], { trustDomain }: MeshSettings): readonly string[] {
  const named = endpoints.filter(({ serviceAccount }) => serviceAccount !== "");
  return [...new Set(named.map((endpoint) => spiffeId({ ...endpoint, trustDomain })))].toSorted();
}

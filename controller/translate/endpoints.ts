import { HealthStatus } from "../gen/envoy/config/core/v3/health_check_pb.js";
import type { LbEndpointSchema } from "../gen/envoy/config/endpoint/v3/endpoint_components_pb.js";
import type { ClusterLoadAssignmentSchema } from "../gen/envoy/config/endpoint/v3/endpoint_pb.js";
import { canonicalRevision, canonicalService } from "../model/canonical.ts";
import { memo } from "../model/memo.ts";
import type { Endpoint, MeshService } from "../model/mesh.ts";
import { type Labels, matches } from "../model/object.ts";
import type { Resource } from "../model/resource.ts";
import { metadata, socketAddress } from "./common.ts";
import { encode, type Init } from "./encode.ts";
import { tlsMode } from "./upstream-tls.ts";

/** What a cluster's endpoints depend on, beside its service's. */
export interface EndpointsOf {
  readonly clusterName: string;
  /** Of the service. */
  readonly port: number;
  /** Of a subset; empty: all endpoints. */
  readonly labels: Labels;
  /** Telemetry's name of the Kubernetes cluster. */
  readonly clusterId: string;
}

const endpointLists = memo<readonly Endpoint[], Resource>();

/** The EDS resource of a cluster. Shared by all proxies and by all generations of the mesh with the same endpoints. */
export function endpointList(all: readonly Endpoint[], { ref }: MeshService, of: EndpointsOf): Resource {
  return endpointLists(all, JSON.stringify(of), () =>
    encode("EDS", of.clusterName, loadAssignment(all, of), { owners: [ref] }),
  );
}

/**
 * Endpoints by locality, sorted, so that the order in which they became known makes no difference. Those that are not
 * ready are listed as unhealthy and get no requests.
 */
export function loadAssignment(
  all: readonly Endpoint[],
  { clusterName, port, labels, clusterId }: EndpointsOf,
): Init<typeof ClusterLoadAssignmentSchema> {
  const localities = new Map<
    string,
    { readonly key: string; readonly weight: number; readonly message: LbEndpoint }[]
  >();
  for (const endpoint of all) {
    const target = endpoint.ports.get(port);
    if (target === undefined || !matches(labels, endpoint.labels)) continue;
    const locality = endpoint.locality ?? "";
    const list = localities.get(locality) ?? [];
    localities.set(locality, list);
    const message = lbEndpoint(endpoint, target, clusterId);
    list.push({ key: `${endpoint.address}:${target}`, weight: endpoint.weight, message });
  }
  return {
    clusterName,
    endpoints: [...localities]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([locality, list]) => {
        const [region = "", zone = "", subZone = ""] = locality.split("/");
        return {
          ...(locality === "" ? {} : { locality: { region, zone, subZone } }),
          lbEndpoints: list.toSorted((a, b) => (a.key < b.key ? -1 : 1)).map(({ message }) => message),
          loadBalancingWeight: list.reduce((sum, { weight }) => sum + weight, 0),
        };
      }),
  };
}

type LbEndpoint = Init<typeof LbEndpointSchema>;

function lbEndpoint(endpoint: Endpoint, port: number, clusterId: string): LbEndpoint {
  const { address, labels, namespace, workload, ready, weight } = endpoint;
  const parts = [workload, namespace, canonicalService(labels, workload), canonicalRevision(labels), clusterId];
  return {
    hostIdentifier: { case: "endpoint", value: { address: socketAddress(address, port) } },
    healthStatus: ready ? HealthStatus.HEALTHY : HealthStatus.UNHEALTHY,
    metadata: metadata({
      ...(endpoint.mutualTls.has(port) ? { "envoy.transport_socket_match": { tlsMode } } : {}),
      istio: { workload: parts.join(";") },
    }),
    loadBalancingWeight: weight,
  };
}

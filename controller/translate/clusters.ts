import { durationFromMs } from "@bufbuild/protobuf/wkt";
import {
  Cluster_DiscoveryType,
  Cluster_DnsLookupFamily,
  Cluster_LbPolicy,
  type ClusterSchema,
} from "../gen/envoy/config/cluster/v3/cluster_pb.js";
import type { MetadataSchema } from "../gen/envoy/config/core/v3/base_pb.js";
import type { Subset, TrafficPolicy } from "../model/destination-rule.ts";
import { memo } from "../model/memo.ts";
import type { Mesh, MeshService } from "../model/mesh.ts";
import { clusterName, configPath, specialClusters } from "../model/names.ts";
import { type Ref, refText } from "../model/object.ts";
import type { Resource } from "../model/resource.ts";
import type { BoundDestinationRule } from "../model/select-rules.ts";
import type { ServicePort } from "../model/service.ts";
import { ads, metadata } from "./common.ts";
import { encode, type Init } from "./encode.ts";
import { endpoints, loadAssignment } from "./endpoints.ts";
import { circuitBreakers, connectTimeoutMs, outlierDetection, policyFor, protocolOptions } from "./traffic-policy.ts";

export type Cluster = Init<typeof ClusterSchema>;

const serviceClusters = memo<Mesh, readonly Resource[]>();

/**
 * The clusters of a service's port (one for all endpoints, one for each subset of its rule) and their endpoints.
 * Made once a mesh, and shared by all proxies for which the same rule holds.
 */
export function clustersOf(
  mesh: Mesh,
  service: MeshService,
  port: ServicePort,
  rule: BoundDestinationRule | undefined,
): readonly Resource[] {
  const key = [service.host, port.number, ...(rule?.from.map(refText) ?? [])].join(" ");
  return serviceClusters(mesh, key, () => {
    const subsets: readonly (Subset | undefined)[] = [undefined, ...(rule?.spec.subsets ?? [])];
    return subsets.flatMap((subset) => serviceCluster({ mesh, service, port, rule, subset }));
  });
}

interface ServiceCluster {
  readonly mesh: Mesh;
  readonly service: MeshService;
  readonly port: ServicePort;
  readonly rule: BoundDestinationRule | undefined;
  readonly subset: Subset | undefined;
}

function serviceCluster(of: ServiceCluster): readonly Resource[] {
  const { mesh, service, port, rule, subset } = of;
  const name = clusterName({
    direction: "outbound",
    port: port.number,
    subset: subset?.name ?? "",
    host: service.host,
  });
  const policy = policyFor(port.number, rule?.spec.trafficPolicy ?? {}, subset?.trafficPolicy);
  const { clusterId } = mesh.settings;
  const assigned = { clusterName: name, port: port.number, labels: subset?.labels ?? {}, clusterId };
  const found = discovery(service, policy, assigned);
  const cluster: Cluster = {
    name,
    ...found.cluster,
    connectTimeout: durationFromMs(policy.connectionPool?.tcp.connectTimeoutMs ?? connectTimeoutMs),
    circuitBreakers: circuitBreakers(policy.connectionPool),
    ...protocolOptions(port.protocol, policy.connectionPool),
    ...(policy.outlierDetection ? { outlierDetection: outlierDetection(policy.outlierDetection) } : {}),
    // Off unless asked for: at 50 %, Envoy's default, it sends requests to endpoints that are known not to be ready.
    commonLbConfig: { healthyPanicThreshold: { value: policy.outlierDetection?.minHealthPercent ?? 0 } },
    metadata: clusterMetadata(of),
  };
  const own = encode("CDS", name, cluster, { owners: [...(rule?.from ?? []), service.ref] });
  const canonical = mesh.services.get(service.host) ?? service;
  return found.byEds ? [own, endpoints(canonical, assigned)] : [own];
}

interface Discovery {
  readonly cluster: Cluster;
  /** Whether its endpoints are a resource of their own. */
  readonly byEds: boolean;
}

function discovery(
  service: MeshService,
  policy: TrafficPolicy,
  assigned: Parameters<typeof loadAssignment>[1],
): Discovery {
  if (service.resolution === "NONE" || policy.loadBalancer === "PASSTHROUGH")
    return { cluster: original, byEds: false };
  const lbPolicy = Cluster_LbPolicy[policy.loadBalancer ?? "LEAST_REQUEST"];
  if (service.resolution === "STATIC") {
    const edsClusterConfig = { edsConfig: ads, serviceName: assigned.clusterName };
    return { cluster: { ...ofType(Cluster_DiscoveryType.EDS), edsClusterConfig, lbPolicy }, byEds: true };
  }
  // Envoy refuses LOGICAL_DNS with any number of names but one.
  const isLogical = service.resolution === "DNS_ROUND_ROBIN" && service.endpoints.length === 1;
  return {
    cluster: {
      ...ofType(isLogical ? Cluster_DiscoveryType.LOGICAL_DNS : Cluster_DiscoveryType.STRICT_DNS),
      lbPolicy,
      dnsLookupFamily: Cluster_DnsLookupFamily.V4_PREFERRED,
      loadAssignment: loadAssignment(service, assigned),
    },
    byEds: false,
  };
}

function ofType(value: Cluster_DiscoveryType): Pick<Cluster, "clusterDiscoveryType"> {
  return { clusterDiscoveryType: { case: "type", value } };
}

/** To the address that the caller asked for. */
const original: Cluster = {
  ...ofType(Cluster_DiscoveryType.ORIGINAL_DST),
  lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
};

/** What telemetry and Istio's tools read. `config` is the rule that a cluster's policy comes from. */
function clusterMetadata({ service, port, rule, subset }: ServiceCluster): Init<typeof MetadataSchema> {
  const config = rule?.from.find(isRule);
  return metadata({
    istio: {
      ...(config ? { config: configPath(config) } : {}),
      default_original_port: port.number,
      ...(service.external ? { external: true } : {}),
      services: [{ host: service.host, name: shortName(service), namespace: service.ref.namespace }],
      ...(subset ? { subset: subset.name } : {}),
    },
  });
}

function isRule(ref: Ref): ref is Ref & { kind: "DestinationRule" } {
  return ref.kind === "DestinationRule";
}

/** A ServiceEntry may have several hosts, so that its name says nothing of the host. */
export function shortName({ host, ref }: MeshService): string {
  return ref.kind === "Service" ? ref.name : host;
}

/** Clusters that every proxy has: one without endpoints, and one that leads where the caller meant to go. */
export const fixedClusters: readonly Resource[] = [
  encode("CDS", specialClusters.blackHole, {
    name: specialClusters.blackHole,
    ...ofType(Cluster_DiscoveryType.STATIC),
    connectTimeout: durationFromMs(connectTimeoutMs),
  }),
  encode("CDS", specialClusters.passthrough, {
    name: specialClusters.passthrough,
    ...original,
    connectTimeout: durationFromMs(connectTimeoutMs),
    circuitBreakers: circuitBreakers(),
  }),
];

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
import type { Endpoint, MeshService, MeshSettings } from "../model/mesh.ts";
import { clusterName, configPath, specialClusters } from "../model/names.ts";
import { refOf, refText } from "../model/object.ts";
import type { Resource } from "../model/resource.ts";
import type { BoundDestinationRule } from "../model/select-rules.ts";
import type { ServicePort } from "../model/service.ts";
import { ads, metadata } from "./common.ts";
import { encode, type Init } from "./encode.ts";
import { endpointList, loadAssignment } from "./endpoints.ts";
import {
  callersProtocol,
  circuitBreakers,
  connectTimeoutMs,
  outlierDetection,
  policyFor,
  protocolOptions,
} from "./traffic-policy.ts";
import { clusterTls } from "./upstream-tls.ts";

export type Cluster = Init<typeof ClusterSchema>;

const serviceClusters = memo<MeshService, readonly Resource[]>();

/** What a proxy makes of a service's port. */
export interface PortClusters {
  /** As the mesh has it: a Sidecar may leave some of its ports out. */
  readonly service: MeshService;
  readonly port: ServicePort;
  readonly rule: BoundDestinationRule | undefined;
  readonly settings: MeshSettings;
  /** Whether a call's own destination is known, so that a headless service's pods can be called one by one. */
  readonly captured: boolean;
  /** A name of its own: then there are no subsets, and the cluster has its endpoints in itself, so that it is there at once. */
  readonly name?: string;
}

/**
 * The clusters of a service's port (one for all endpoints, one for each subset of its rule) and their endpoints.
 * Made once, and shared by all proxies and generations for which the same service, endpoints and rule hold.
 *
 * @param endpoints of the service
 */
export function clustersOf(of: PortClusters, endpoints: readonly Endpoint[]): readonly Resource[] {
  const { service, port, rule, settings } = of;
  const byAddress = of.captured && isHeadless(service);
  const from = rule?.from ?? [];
  const key = [port.number, byAddress, of.name, ...from.map((object) => refText(refOf(object)))].join(" ");
  const make = (): readonly Resource[] => {
    const subsets: readonly (Subset | undefined)[] = [undefined, ...(of.name ? [] : (rule?.spec.subsets ?? []))];
    return subsets.flatMap((subset) => serviceCluster({ ...of, endpoints, subset, byAddress }));
  };
  return serviceClusters(service, key, make, [settings, endpoints, ...from]);
}

/** A Service without a virtual IP: its name leads to its pods themselves. */
export function isHeadless({ ref, addresses, resolution }: MeshService): boolean {
  return ref.kind === "Service" && addresses.length === 0 && resolution === "STATIC";
}

interface ServiceCluster extends Omit<PortClusters, "captured"> {
  readonly endpoints: readonly Endpoint[];
  readonly subset: Subset | undefined;
  /** To the address that the caller asked for. */
  readonly byAddress: boolean;
}

function serviceCluster(of: ServiceCluster): readonly Resource[] {
  const { service, endpoints, port, rule, subset, settings, byAddress } = of;
  const assignedName = clusterName({
    direction: "outbound",
    port: port.number,
    subset: subset?.name ?? "",
    host: service.host,
  });
  const policy = policyFor(port.number, rule?.spec.trafficPolicy ?? {}, subset?.trafficPolicy);
  const { clusterId } = settings;
  const name = of.name ?? assignedName;
  const assigned = { clusterName: assignedName, port: port.number, labels: subset?.labels ?? {}, clusterId };
  const found = byAddress ? toAddress : discovery(of, policy, assigned);
  const knowsEndpoints = found !== toAddress;
  const cluster: Cluster = {
    name,
    ...found.cluster,
    connectTimeout: durationFromMs(policy.connectionPool?.tcp.connectTimeoutMs ?? connectTimeoutMs),
    circuitBreakers: circuitBreakers(policy.connectionPool),
    ...protocolOptions(port.protocol, policy.connectionPool),
    ...(policy.outlierDetection ? { outlierDetection: outlierDetection(policy.outlierDetection) } : {}),
    // Off unless asked for: at 50 %, Envoy's default, it sends requests to endpoints that are known not to be ready.
    commonLbConfig: { healthyPanicThreshold: { value: policy.outlierDetection?.minHealthPercent ?? 0 } },
    ...clusterTls({ service, endpoints, port, subset: subset?.name ?? "", policy, settings, knowsEndpoints }),
    metadata: clusterMetadata(of),
  };
  const own = encode("CDS", name, cluster, { owners: [...(rule?.from ?? []).map(refOf), service.ref] });
  return found.byEds ? [own, endpointList(endpoints, service, assigned)] : [own];
}

interface Discovery {
  readonly cluster: Cluster;
  /** Whether its endpoints are a resource of their own. */
  readonly byEds: boolean;
}

function discovery(
  { service, endpoints, name }: Pick<ServiceCluster, "service" | "endpoints" | "name">,
  policy: TrafficPolicy,
  assigned: Parameters<typeof loadAssignment>[1],
): Discovery {
  if (service.resolution === "NONE" || policy.loadBalancer === "PASSTHROUGH") return toAddress;
  const lbPolicy = Cluster_LbPolicy[policy.loadBalancer ?? "LEAST_REQUEST"];
  if (service.resolution === "STATIC" && name !== undefined) {
    const cluster = {
      ...ofType(Cluster_DiscoveryType.STATIC),
      lbPolicy,
      loadAssignment: loadAssignment(endpoints, assigned),
    };
    return { cluster, byEds: false };
  }
  if (service.resolution === "STATIC") {
    const edsClusterConfig = { edsConfig: ads, serviceName: assigned.clusterName };
    return { cluster: { ...ofType(Cluster_DiscoveryType.EDS), edsClusterConfig, lbPolicy }, byEds: true };
  }
  // Envoy refuses LOGICAL_DNS with any number of names but one.
  const isLogical = service.resolution === "DNS_ROUND_ROBIN" && endpoints.length === 1;
  return {
    cluster: {
      ...ofType(isLogical ? Cluster_DiscoveryType.LOGICAL_DNS : Cluster_DiscoveryType.STRICT_DNS),
      lbPolicy,
      dnsLookupFamily: Cluster_DnsLookupFamily.V4_PREFERRED,
      loadAssignment: loadAssignment(endpoints, assigned),
    },
    byEds: false,
  };
}

function ofType(value: Cluster_DiscoveryType): Pick<Cluster, "clusterDiscoveryType"> {
  return { clusterDiscoveryType: { case: "type", value } };
}

/** To the address that the caller asked for. */
export const original: Cluster = {
  ...ofType(Cluster_DiscoveryType.ORIGINAL_DST),
  lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
};

const toAddress: Discovery = { cluster: original, byEds: false };

/** What telemetry and Istio's tools read. `config` is the rule that a cluster's policy comes from. */
function clusterMetadata({ service, port, rule, subset }: ServiceCluster): Init<typeof MetadataSchema> {
  const [config] = rule?.from ?? [];
  return metadata({
    istio: {
      ...(config ? { config: configPath({ ...refOf(config), kind: config.kind }) } : {}),
      default_original_port: port.number,
      ...(service.external ? { external: true } : {}),
      services: [{ host: service.host, name: shortName(service), namespace: service.ref.namespace }],
      ...(subset ? { subset: subset.name } : {}),
    },
  });
}

/** A ServiceEntry may have several hosts, so that its name says nothing of the host. */
export function shortName({ host, ref }: MeshService): string {
  return ref.kind === "Service" ? ref.name : host;
}

/** Clusters that every proxy has: one without endpoints, and one that leads where the caller meant to go. */
export const fixedClusters: readonly Resource[] = [
  emptyCluster(specialClusters.blackHole),
  passthrough(specialClusters.passthrough, callersProtocol),
];

/** Leads nowhere. */
export function emptyCluster(name: string): Resource {
  return encode("CDS", name, {
    name,
    ...ofType(Cluster_DiscoveryType.STATIC),
    connectTimeout: durationFromMs(connectTimeoutMs),
  });
}

/** To the address that a connection was meant for, without any limit. */
export function passthrough(
  name: string,
  more: Pick<Cluster, "upstreamBindConfig" | "typedExtensionProtocolOptions"> = {},
): Resource {
  return encode("CDS", name, {
    name,
    ...original,
    connectTimeout: durationFromMs(connectTimeoutMs),
    circuitBreakers: circuitBreakers(),
    ...more,
  });
}

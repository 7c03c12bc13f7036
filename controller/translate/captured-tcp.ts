// Where TCP connections that are redirected to a sidecar lead, told by their address or by the name that TLS asks for.
import type { FilterChainMatchSchema } from "../gen/envoy/config/listener/v3/listener_components_pb.js";
import { isWildcard } from "../model/host.ts";
import type { MeshService } from "../model/mesh.ts";
import { clusterName } from "../model/names.ts";
import type { BoundDestinationRule } from "../model/select-rules.ts";
import type { ServicePort } from "../model/service.ts";
import { isHeadless } from "./clusters.ts";
import type { Init } from "./encode.ts";
import { type FilterChain, type NetworkFilter, tcpFilterChain } from "./listener.ts";
import { policyFor } from "./traffic-policy.ts";

/** A service's port as a proxy sees it. */
export interface TcpPort {
  readonly service: MeshService;
  readonly port: Pick<ServicePort, "number" | "protocol">;
  readonly rule: BoundDestinationRule | undefined;
}

export interface TcpTarget {
  readonly service: MeshService;
  /** Of the service. */
  readonly port: number;
  /** A single address; absent: any, as far as the chain matches. */
  readonly address?: string;
  readonly chain: FilterChain;
}

/** The ways to a service's port that speaks no HTTP. A headless service has none: its pods are called themselves. */
export function tcpTargets(of: TcpPort): readonly TcpTarget[] {
  const { service, port } = of;
  if (isHeadless(service)) return [];
  const filters = tcpFilters(of);
  const single = service.addresses.filter((address) => !address.includes("/"));
  const ranges = service.addresses.filter((address) => address.includes("/"));
  const own = single.map((address) => ({ service, port: port.number, address, chain: { filters } }));
  const match = service.addresses.length === 0 ? nameMatch(service, port) : { prefixRanges: ranges.map(prefixRange) };
  if (service.addresses.length > 0 && ranges.length === 0) return own;
  return [...own, { service, port: port.number, chain: { ...(match && { filterChainMatch: match }), filters } }];
}

/** Connections to a service's port. */
export function tcpFilters({ service, port, rule }: TcpPort): NetworkFilter[] {
  const cluster = clusterName({ direction: "outbound", port: port.number, subset: "", host: service.host });
  const policy = rule && policyFor(port.number, rule.spec.trafficPolicy);
  const limits = policy?.connectionPool?.tcp;
  return tcpFilterChain({ direction: "outbound", port: port.number, cluster, limits });
}

type Match = Init<typeof FilterChainMatchSchema>;

/** A service without address: TLS names it; of other connections nothing is known. */
function nameMatch({ host }: MeshService, { protocol }: TcpPort["port"]): Match | undefined {
  const isNamed = (protocol === "TLS" || protocol === "HTTPS") && (!isWildcard(host) || host.startsWith("*."));
  return isNamed ? { serverNames: [host] } : undefined;
}

function prefixRange(range: string): NonNullable<Match["prefixRanges"]>[number] {
  const slash = range.indexOf("/");
  return { addressPrefix: range.slice(0, slash), prefixLen: Number(range.slice(slash + 1)) };
}

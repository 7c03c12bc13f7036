// Where TCP connections that are redirected to a sidecar lead, told by their address or by the name that TLS asks for.
import type { FilterChainMatchSchema } from "../gen/envoy/config/listener/v3/listener_components_pb.js";
import { isWildcard } from "../model/host.ts";
import type { Mesh, MeshService } from "../model/mesh.ts";
import { clusterName } from "../model/names.ts";
import type { Proxy } from "../model/proxy.ts";
import { destinationRuleFor } from "../model/select-rules.ts";
import type { ServicePort } from "../model/service.ts";
import { isHeadless } from "./clusters.ts";
import type { Init } from "./encode.ts";
import { type FilterChain, tcpFilterChain } from "./listener.ts";
import { policyFor } from "./traffic-policy.ts";

/** Pods of a headless service that get a listener each; more would make every sidecar's listeners too many. */
export const headlessMax = 256;

export interface TcpTarget {
  readonly service: MeshService;
  /** Listened on: the service's, or the pod's own where pods are called themselves. */
  readonly port: number;
  /** A single address; absent: any, as far as the chain matches. */
  readonly address?: string;
  readonly chain: FilterChain;
}

/** The ways to a service's port that speaks no HTTP. */
export function tcpTargets(mesh: Mesh, proxy: Proxy, service: MeshService, port: ServicePort): readonly TcpTarget[] {
  const cluster = clusterName({ direction: "outbound", port: port.number, subset: "", host: service.host });
  const rule = destinationRuleFor(mesh, proxy, service);
  const policy = rule && policyFor(port.number, rule.spec.trafficPolicy);
  const filters = tcpFilterChain(cluster, policy?.connectionPool?.tcp);
  if (isHeadless(service)) return podTargets(service, port, { filters });
  const single = service.addresses.filter((address) => !address.includes("/"));
  const ranges = service.addresses.filter((address) => address.includes("/"));
  const own = single.map((address) => ({ service, port: port.number, address, chain: { filters } }));
  const match = service.addresses.length === 0 ? nameMatch(service, port) : { prefixRanges: ranges.map(prefixRange) };
  if (service.addresses.length > 0 && ranges.length === 0) return own;
  return [...own, { service, port: port.number, chain: { ...(match && { filterChainMatch: match }), filters } }];
}

function podTargets(service: MeshService, { number }: ServicePort, chain: FilterChain): readonly TcpTarget[] {
  return service.endpoints.slice(0, headlessMax).flatMap(({ address, ports }) => {
    const port = ports.get(number);
    return port === undefined ? [] : [{ service, port, address, chain }];
  });
}

type Match = Init<typeof FilterChainMatchSchema>;

/** A service without address: TLS names it; of other connections nothing is known. */
function nameMatch({ host }: MeshService, { protocol }: ServicePort): Match | undefined {
  const isNamed = (protocol === "TLS" || protocol === "HTTPS") && (!isWildcard(host) || host.startsWith("*."));
  return isNamed ? { serverNames: [host] } : undefined;
}

function prefixRange(range: string): NonNullable<Match["prefixRanges"]>[number] {
  const slash = range.indexOf("/");
  return { addressPrefix: range.slice(0, slash), prefixLen: Number(range.slice(slash + 1)) };
}

// Calls of an application that are redirected to its sidecar: for each port of the services that it knows a listener
// which opens no port itself, but gets from the one on 15001 what was meant for its address. HTTP shares one listener a
// port, whose routes tell services apart; a TCP connection says nothing but its address, so that each address has one.
import { codes } from "../model/codes.ts";
import { memo } from "../model/memo.ts";
import type { MeshService, MeshSettings, Routing } from "../model/mesh.ts";
import { listenerName, routeNames, specialClusters, virtualListeners } from "../model/names.ts";
import { type MeshObject, refOf } from "../model/object.ts";
import type { Problem } from "../model/problem.ts";
import type { Resource } from "../model/resource.ts";
import { servicesVisibleTo } from "../model/select.ts";
import { virtualServicesFor } from "../model/select-routes.ts";
import { destinationRuleFor } from "../model/select-rules.ts";
import { isHttp } from "../model/service.ts";
import type { EgressListener } from "../model/sidecar.ts";
import { type TcpPort, type TcpTarget, tcpTargets } from "./captured-tcp.ts";
import { isHeadless } from "./clusters.ts";
import { httpFilterChain } from "./hcm.ts";
import {
  closedFilterChain,
  type FilterChain,
  httpInspector,
  listener,
  namedListener,
  tcpFilterChain,
  tlsInspector,
} from "./listener.ts";
import type { Part } from "./part.ts";
import { routeConfig } from "./route-config.ts";
import type { RouteContext } from "./routes.ts";
import { otherHosts, sidecarVirtualHosts } from "./virtual-hosts.ts";

const anyAddress = "0.0.0.0";
/** Where a sidecar opens ports itself, also by its bootstrap (probes, readiness, statistics): Envoy refuses a second listener. */
const reserved: ReadonlySet<number> = new Set([
  virtualListeners.outbound.port,
  virtualListeners.inbound.port,
  ...[15020, 15021, 15090],
]);

/** Name of the port at which load balancers look whether a gateway is well, in Istio's Services: not for the mesh. */
const statusPort = "status-port";

export interface Captured {
  readonly mesh: Routing;
  readonly context: RouteContext;
  readonly sidecar: MeshObject<"Sidecar"> | undefined;
  /** The listener of the Sidecar that brings the services; absent: all that the proxy sees. */
  readonly egress?: EgressListener;
}

/** The listener on 15001. What no other listener takes goes where it was meant to, or nowhere. */
export function virtualOutbound(sidecar: MeshObject<"Sidecar"> | undefined): Resource {
  const { name, port, blackHole, catchAll } = virtualListeners.outbound;
  // else it would call itself without end
  const loop = { name: blackHole, filterChainMatch: { destinationPort: port } };
  return namedListener(
    name,
    {
      address: anyAddress,
      port,
      direction: "outbound",
      chains: [{ ...loop, filters: closedFilterChain() }],
      otherwise: { name: catchAll, ...elsewhere(isClosed(sidecar)) },
    },
    { useOriginalDst: true },
  );
}

function isClosed(sidecar: MeshObject<"Sidecar"> | undefined): boolean {
  return sidecar?.spec.outboundTrafficPolicy === "REGISTRY_ONLY";
}

/** For connections to what is no service. */
function elsewhere(closed: boolean): FilterChain {
  const cluster = closed ? specialClusters.blackHole : specialClusters.passthrough;
  return { filters: tcpFilterChain({ direction: "outbound", cluster }) };
}

export interface CapturedPart extends Part {
  /** What is missing in it: listeners of pods that are called themselves. */
  readonly pods: readonly TcpPort[];
  /** Ports that TCP chains are for. */
  readonly tcp: readonly number[];
}

/** Listeners, and the routes of HTTP ports. */
export function capturedPart(captured: Captured): CapturedPart {
  const { mesh, context, egress, sidecar } = captured;
  const services = servicesVisibleTo(mesh, context.proxy, egress).map((service) => speaking(service, egress));
  const opaque = services.flatMap((service) =>
    service.ports
      .filter(({ protocol }) => protocol !== "UDP" && !isHttp(protocol))
      .map((port) => ({ service, port, rule: destinationRuleFor(mesh, context.proxy, service) })),
  );
  const targets = opaque.flatMap(tcpTargets);
  const httpPorts = new Set(
    services.flatMap(({ ports }) => ports.filter(({ protocol }) => isHttp(protocol)).map(({ number }) => number)),
  );
  const shared = Map.groupBy(
    targets.filter(({ address }) => address === undefined),
    ({ port }) => port,
  );
  const ports = [...new Set([...httpPorts, ...shared.keys()])].filter((port) => !reserved.has(port));
  const closed = isClosed(sidecar);
  return {
    resources: [
      ...targets.flatMap(({ address, port, chain }) =>
        address === undefined
          ? []
          : [listener({ address, port, direction: "outbound", chains: [chain], captured: true })],
      ),
      ...ports.map((port) =>
        sharedListener(mesh.settings, { port, http: httpPorts.has(port), targets: shared.get(port) ?? [], closed }),
      ),
      ...[...httpPorts].map((port) => routes(captured, services, port)),
    ],
    problems: [...services.flatMap(unserved), ...[...shared.values()].flatMap(ambiguous)],
    pods: opaque.filter(({ service }) => isHeadless(service)),
    tcp: opaque.map(({ port }) => port.number),
  };
}

/** A port that a Sidecar names speaks what the Sidecar says. */
function speaking(service: MeshService, egress: EgressListener | undefined): MeshService {
  const protocol = egress?.port?.protocol;
  if (protocol === undefined) return service;
  return { ...service, ports: service.ports.map((port) => ({ ...port, protocol })) };
}

interface Shared {
  readonly port: number;
  /** Whether a service speaks HTTP on the port. */
  readonly http: boolean;
  /** Services without an address of their own. */
  readonly targets: readonly TcpTarget[];
  readonly closed: boolean;
}

const httpListeners = memo<MeshSettings, Resource>();

/** Those without TCP targets are the same for all proxies. */
function sharedListener(settings: MeshSettings, shared: Shared): Resource {
  const { port, closed, targets } = shared;
  return targets.length > 0
    ? anyAddressListener(shared)
    : httpListeners(settings, `${port} ${closed}`, () => anyAddressListener(shared));
}

/**
 * On any address of a port. Only what looks like HTTP/1.1 or HTTP/2 gets to the routes; the rest, which may be meant for
 * something that no service stands for, passes. A connection is not taken for the rest because it is silent: a request
 * that comes late must not pass by the filters.
 */
function anyAddressListener({ port, http, targets, closed }: Shared): Resource {
  const matched = targets.filter(({ chain }) => chain.filterChainMatch);
  const unmatched = targets.find(({ chain }) => !chain.filterChainMatch);
  const isNamed = matched.some(({ chain }) => chain.filterChainMatch?.serverNames);
  const statPrefix = `outbound_${listenerName(anyAddress, port)}`;
  const requests: FilterChain = {
    filterChainMatch: { transportProtocol: "raw_buffer", applicationProtocols: ["http/1.1", "h2c"] },
    filters: httpFilterChain({ side: "outbound", statPrefix, routeName: routeNames.sidecar(port) }),
  };
  return listener({
    address: anyAddress,
    port,
    direction: "outbound",
    captured: true,
    chains: [...(http ? [requests] : []), ...matched.map(({ chain }) => chain)],
    otherwise: unmatched?.chain ?? elsewhere(closed),
    inspectors: [...(isNamed ? [tlsInspector] : []), ...(http ? [httpInspector] : [])],
  });
}

function routes(
  { mesh, context, egress, sidecar }: Captured,
  services: readonly MeshService[],
  port: number,
): Resource {
  const virtualServices = virtualServicesFor(mesh, context.proxy, egress);
  const { hosts, owners } = sidecarVirtualHosts({ context, services, virtualServices, port });
  const isOpen = hosts.every(({ domains }) => !domains?.includes("*"));
  return routeConfig({
    name: routeNames.sidecar(port),
    hosts: isOpen ? [...hosts, otherHosts({ passthrough: !isClosed(sidecar) })] : hosts,
    owners: [...(sidecar ? [refOf(sidecar)] : []), ...owners],
    ignoresPort: true,
    tracing: context.tracing,
  });
}

function unserved(service: MeshService): Problem[] {
  const problem = (index: number, message: string): Problem => {
    const path = ["spec", "ports", index];
    return { severity: "warning", code: codes.unservedPort, object: service.ref, path, message };
  };
  return service.ports.flatMap(({ name, number, protocol }, i) => {
    if (name === statusPort || !reserved.has(number)) return [];
    if (!isHttp(protocol) && service.addresses.length > 0) return [];
    return [problem(i, `has number ${number}, on which sidecars listen themselves: calls to it pass as to no service`)];
  });
}

/** Of several services without address, on a port where nothing tells them apart, the first gets all connections. */
function ambiguous(targets: readonly TcpTarget[]): Problem[] {
  const [first, ...others] = targets.filter(({ chain }) => !chain.filterChainMatch);
  if (!first) return [];
  return others.map(({ service, port }) => ({
    severity: "warning",
    code: codes.unservedPort,
    object: service.ref,
    path: ["spec", "addresses"],
    message: `is missing: connections to port ${port} say nothing of the host they mean, and those to addresses that no service has go to ${first.service.host}; write the addresses`,
  }));
}

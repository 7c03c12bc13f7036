// Listeners that a Sidecar names for its application's calls: on an address of their own, or on any as an HTTP proxy.
import { codes } from "../model/codes.ts";
import type { Routing } from "../model/mesh.ts";
import { routeNames } from "../model/names.ts";
import type { MeshObject, Ref } from "../model/object.ts";
import { refOf } from "../model/object.ts";
import type { Problem } from "../model/problem.ts";
import { servicesVisibleTo } from "../model/select.ts";
import { virtualServicesFor } from "../model/select-routes.ts";
import { destinationRuleFor } from "../model/select-rules.ts";
import { isHttp } from "../model/service.ts";
import type { EgressListener, SidecarPort } from "../model/sidecar.ts";
import { type CapturedPart, capturedPart, virtualOutbound } from "./captured-outbound.ts";
import { type TcpPort, tcpFilters } from "./captured-tcp.ts";
import { httpFilterChain } from "./hcm.ts";
import { listener } from "./listener.ts";
import type { Part } from "./part.ts";
import { routeConfig } from "./route-config.ts";
import type { RouteContext } from "./routes.ts";
import { otherHosts, sidecarVirtualHosts } from "./virtual-hosts.ts";

export interface Outbound {
  readonly mesh: Routing;
  readonly context: RouteContext;
  readonly egress: EgressListener;
  readonly port: SidecarPort;
  /** Whether connections are redirected to it, so that it opens no port. */
  readonly captured: boolean;
  readonly sidecar: MeshObject<"Sidecar">;
  /** The listener's place in the Sidecar. */
  readonly index: number;
}

/** Where an egress listener stands that says nothing of it: only its own workload can call it there. */
const defaultBind = "127.0.0.1";

export interface SidecarOutbound {
  readonly parts: readonly Part[];
  /** Ports of headless services whose pods get listeners beside these parts: see captured-pods.ts. */
  readonly pods: readonly TcpPort[];
  /** Ports of the listeners that are HTTP proxies. */
  readonly proxied: readonly number[];
  /** Ports that TCP chains are for. */
  readonly tcp: readonly number[];
}

/** What a sidecar's own application can call, and how. */
export function sidecarOutbound(
  mesh: Routing,
  context: RouteContext,
  sidecar: MeshObject<"Sidecar"> | undefined,
): SidecarOutbound {
  const isIntercepted = context.proxy.interception !== "NONE";
  const known = { mesh, context, sidecar };
  const parts: (Part & Partial<CapturedPart>)[] = [];
  if (isIntercepted) parts.push({ resources: [virtualOutbound(sidecar)], problems: [] });
  if (isIntercepted && !sidecar?.spec.egress) parts.push(capturedPart(known));
  const proxied = new Set<number>();
  for (const [index, egress] of (sidecar?.spec.egress ?? []).entries()) {
    const { port, bind, captureMode } = egress;
    const captured = isIntercepted && captureMode !== "NONE";
    const isServed = captured || captureMode !== "IPTABLES";
    if (sidecar && port && isServed && (!captured || bind !== undefined || port.protocol === "HTTP_PROXY")) {
      const outbound = { ...known, sidecar, egress, port, index, captured };
      parts.push(isHttp(port.protocol) ? httpPart(outbound) : tcpPart(outbound));
      if (port.protocol === "HTTP_PROXY") proxied.add(port.number);
    } else if (captured) parts.push(capturedPart({ ...known, egress }));
  }
  const pods = parts.flatMap((part) => part.pods ?? []);
  return { parts, pods, proxied: [...proxied], tcp: parts.flatMap(({ tcp = [] }) => tcp) };
}

/**
 * Without interception the address that a request to an unknown host was meant for can't be known, so that it gets 502
 * (Istio's block_all) where Istio would let it pass.
 */
function httpPart({ mesh, context, egress, port, sidecar, captured }: Outbound): Part {
  const address = egress.bind ?? defaultBind;
  const servesAll = port.protocol === "HTTP_PROXY";
  const routeName = servesAll ? routeNames.httpProxy : routeNames.sidecar(port.number);
  const { hosts, owners } = sidecarVirtualHosts({
    context,
    services: servicesVisibleTo(mesh, context.proxy, egress),
    virtualServices: virtualServicesFor(mesh, context.proxy, egress),
    port: servesAll ? "any" : port.number,
  });
  const isOpen = hosts.every(({ domains }) => !domains?.includes("*"));
  const statPrefix = `outbound_${address}_${port.number}`;
  const filters = httpFilterChain({ side: "outbound", statPrefix, routeName });
  return {
    resources: [
      listener({ address, port: port.number, direction: "outbound", chains: [{ filters }], captured }),
      routeConfig({
        name: routeName,
        hosts: isOpen ? [...hosts, otherHosts({ passthrough: false })] : hosts,
        owners: [refOf(sidecar), ...owners],
        ignoresPort: !servesAll,
        tracing: context.tracing,
      }),
    ],
    problems: [],
  };
}

/** A TCP connection says nothing of where it is meant to go, so that one port can lead to one service only. */
function tcpPart({
  mesh,
  context,
  egress,
  port,
  sidecar,
  captured,
  index,
}: Outbound): Part & Pick<CapturedPart, "tcp"> {
  const services = servicesVisibleTo(mesh, context.proxy, egress);
  const [service, ...others] = services.filter(({ ports }) => ports.some(({ protocol }) => protocol !== "UDP"));
  const about = (message: string): Problem => problem(refOf(sidecar), index, message);
  if (!service) {
    const message = `has hosts of which none has port ${port.number}: nothing listens there; name a host that has it`;
    return { resources: [], problems: [about(message)], tcp: [] };
  }
  const address = egress.bind ?? defaultBind;
  const filters = tcpFilters({ service, port, rule: destinationRuleFor(mesh, context.proxy, service) });
  const names = others.map(({ host }) => host).join(", ");
  return {
    resources: [listener({ address, port: port.number, direction: "outbound", chains: [{ filters }], captured })],
    problems:
      others.length === 0
        ? []
        : [
            about(
              `is a ${port.protocol} port, which leads to one service: to ${service.host} and not to ${names}; give each a listener with its own bind`,
            ),
          ],
    tcp: [port.number],
  };
}

function problem(object: Ref, index: number, message: string): Problem {
  return { severity: "warning", code: codes.unservedPort, object, path: ["spec", "egress", index], message };
}

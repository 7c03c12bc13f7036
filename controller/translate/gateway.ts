// What a gateway proxy listens on, and the routes of the VirtualServices that are bound to its Gateways.
import { codes } from "../model/codes.ts";
import type { GatewayServer } from "../model/gateway.ts";
import { memo } from "../model/memo.ts";
import { type Mesh, type Routing, routingParts } from "../model/mesh.ts";
import { routeNames } from "../model/names.ts";
import { type MeshObject, type Ref, refOf, refText } from "../model/object.ts";
import type { Problem } from "../model/problem.ts";
import { gatewaysFor, servicesServedBy } from "../model/select.ts";
import { hostsOnServer, virtualServicesForGateway } from "../model/select-routes.ts";
import { isHttp } from "../model/service.ts";
import { httpFilterChain } from "./hcm.ts";
import { listener } from "./listener.ts";
import type { Part } from "./part.ts";
import { routeConfig, type VirtualHost } from "./route-config.ts";
import { isCatchAll } from "./route-match.ts";
import { type Route, type RouteContext, virtualServiceRoutes } from "./routes.ts";

interface Server {
  readonly gateway: MeshObject<"Gateway">;
  readonly server: GatewayServer;
}

/** By which the retry budgets of the mesh know each other's retries. Who is outside has none to name. */
const stamps = ["x-retry-budget"];

export interface GatewayPart extends Part {
  /** Port of a Gateway's server to the ports that the proxy listens on for it. */
  readonly ports: ReadonlyMap<number, readonly number[]>;
}

const parts = memo<Mesh["services"], GatewayPart>();

/**
 * Servers of all Gateways that choose the proxy, merged by the port that it listens on. Made once for all proxies that
 * have the same labels and are led to in the same way, whoever serves what they call.
 */
export function gatewayPart(mesh: Mesh, context: RouteContext): GatewayPart {
  const { namespace, labels, interception, ip } = context.proxy;
  const served = servicesServedBy(mesh, context.proxy).map(({ endpoint }) => endpoint.ports);
  const place = interception === "NONE" ? ip : "";
  const key = JSON.stringify([
    namespace,
    labels,
    place,
    context.endable,
    context.tracing,
    served.map((ports) => [...ports]),
  ]);
  const from = [mesh.gateways, ...routingParts.map((part) => mesh[part])];
  return parts(mesh.services, key, () => make(mesh, context, served), from);
}

/** Of each service that leads to a gateway: its ports to the proxy's. */
type Served = readonly ReadonlyMap<number, number>[];

function make(mesh: Routing & Pick<Mesh, "gateways">, context: RouteContext, served: Served): GatewayPart {
  const { proxy } = context;
  const problems: Problem[] = [];
  const byPort = new Map<number, Server[]>();
  const ports = new Map<number, readonly number[]>();
  const targets = targetPorts(served);
  for (const gateway of gatewaysFor(mesh, proxy)) {
    gateway.spec.servers.forEach((server, index) => {
      const { number, protocol } = server.port;
      const about = { object: refOf(gateway), path: ["spec", "servers", index, "port"] };
      if (!isHttp(protocol)) {
        const message = `has protocol ${protocol}, which gateways don't serve yet: nothing listens there; use HTTP, HTTP2 or GRPC`;
        problems.push({ severity: "warning", code: codes.unservedPort, ...about, message });
        return;
      }
      const found = targets(number);
      if (found.length === 0) {
        const message = `has number ${number}, which no Service that leads to the gateway's pods has: nothing listens there; add it to the Service`;
        problems.push({ severity: "warning", code: codes.gatewayPort, ...about, message });
      }
      ports.set(number, found);
      for (const port of found) byPort.set(port, [...(byPort.get(port) ?? []), { gateway, server }]);
    });
  }
  const resources = [...byPort].flatMap(([port, servers]) => {
    // Without interception other proxies may live on the same machine, each with an address of its own.
    const address = proxy.interception === "NONE" ? proxy.ip : "0.0.0.0";
    const routeName = routeNames.gateway(port);
    const filters = httpFilterChain({ side: "gateway", statPrefix: `outbound_${address}_${port}`, routeName });
    return [
      listener({ address, port, direction: "outbound", chains: [{ filters }] }),
      gatewayRoutes(mesh, context, { routeName, servers }),
    ];
  });
  return { resources, problems, ports };
}

/**
 * The ports that a gateway proxy listens on for a Gateway's port: the target ports of the Services that lead to it. A
 * proxy that no Service leads to listens on the port itself.
 */
function targetPorts(served: Served): (port: number) => readonly number[] {
  return (port) => (served.length === 0 ? [port] : [...new Set(served.flatMap((ports) => ports.get(port) ?? []))]);
}

interface GatewayRoutes {
  readonly routeName: string;
  readonly servers: readonly Server[];
}

function gatewayRoutes(mesh: Routing, context: RouteContext, { routeName, servers }: GatewayRoutes) {
  const byHost = new Map<string, Map<string, readonly Route[]>>(); // host, VirtualService: two servers may share both
  const owners = new Map<string, Ref>();
  for (const { gateway, server } of servers) {
    owners.set(refText(refOf(gateway)), refOf(gateway));
    for (const bound of virtualServicesForGateway(mesh, context.proxy, gateway)) {
      const hosts = hostsOnServer(server, gateway, bound);
      const routes = virtualServiceRoutes(context, bound.object, { port: server.port.number, gateway });
      if (routes.length === 0) continue;
      const ref = refOf(bound.object);
      for (const host of hosts) {
        byHost.set(host, new Map([...(byHost.get(host) ?? []), [refText(ref), routes]]));
        owners.set(refText(ref), ref);
      }
    }
  }
  const port = servers[0]?.server.port.number ?? 0;
  const hosts = [...byHost]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([host, routes]) => virtualHost(`${host}:${port}`, host, [...routes.values()].flat()));
  return routeConfig({
    name: routeName,
    hosts: hosts.length > 0 ? hosts : [virtualHost(`blackhole:${port}`, "*", [])],
    owners: [...owners.values()],
    ignoresPort: true,
    requestHeadersToRemove: stamps,
    tracing: context.tracing,
  });
}

/** Routes that take every request go last, so that those of other VirtualServices are reached. */
function virtualHost(name: string, domain: string, routes: readonly Route[]): VirtualHost {
  const takesAll = ({ match }: Route): boolean => match !== undefined && isCatchAll(match);
  const ordered = [...routes.filter((route) => !takesAll(route)), ...routes.filter(takesAll)];
  return { name, domains: [domain], routes: ordered, includeRequestAttemptCount: true };
}

// A sidecar's routes for the services that its workload calls: a virtual host for each service and port.
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import type { VirtualHostSchema } from "../gen/envoy/config/route/v3/route_components_pb.js";
import { bySpecificity, covers, isWildcard } from "../model/host.ts";
import type { MeshService } from "../model/mesh.ts";
import { specialClusters } from "../model/names.ts";
import type { Ref } from "../model/object.ts";
import { refOf } from "../model/object.ts";
import { type BoundVirtualService, meshGateway } from "../model/select-routes.ts";
import { isHttp } from "../model/service.ts";
import type { Init } from "./encode.ts";
import { defaultRoute, type Route, type RouteContext, virtualServiceRoutes } from "./routes.ts";

export type VirtualHost = Init<typeof VirtualHostSchema>;

export interface SidecarRoutes {
  readonly context: RouteContext;
  /** What the listener's callers may call. */
  readonly services: readonly MeshService[];
  readonly virtualServices: readonly BoundVirtualService[];
  /** A service port, or all of them: then a request names its port, unless it is HTTP's own. */
  readonly port: number | "any";
}

/** Virtual hosts sorted by name, and the objects they come from. */
export interface VirtualHosts {
  readonly hosts: readonly VirtualHost[];
  readonly owners: readonly Ref[];
}

/** The port of a URL that names none. */
const httpPort = 80;

/** One virtual host, before its domains are settled. */
interface Draft {
  readonly name: string;
  readonly domains: readonly string[];
  readonly routes: readonly Route[];
  readonly owners: readonly Ref[];
}

export function sidecarVirtualHosts(of: SidecarRoutes): VirtualHosts {
  const drafts = [...of.services.flatMap((service) => serviceHosts(of, service)), ...foreignHosts(of)];
  const fullNames = new Set(drafts.flatMap(({ domains }) => domains.slice(0, 1)));
  const taken = new Set<string>();
  const hosts: VirtualHost[] = [];
  const owners = new Map<string, Ref>();
  for (const draft of drafts) {
    // Envoy refuses a configuration in which two virtual hosts share a domain; a full name counts before a short one.
    const [full, ...others] = draft.domains;
    const domains = [full, ...others.filter((domain) => !fullNames.has(domain))].filter(
      (domain) => domain !== undefined && !taken.has(domain),
    ) as string[];
    if (domains.length === 0) continue;
    for (const domain of domains) taken.add(domain);
    hosts.push({ name: draft.name, domains, routes: [...draft.routes], includeRequestAttemptCount: true });
    for (const owner of draft.owners) owners.set(`${owner.kind} ${owner.namespace}/${owner.name}`, owner);
  }
  return { hosts: hosts.toSorted((a, b) => ((a.name ?? "") < (b.name ?? "") ? -1 : 1)), owners: [...owners.values()] };
}

function serviceHosts(of: SidecarRoutes, service: MeshService): Draft[] {
  const ports = service.ports.filter(
    ({ protocol, number }) => isHttp(protocol) && (of.port === "any" || of.port === number),
  );
  return ports.map(({ number }) => {
    const found = routesFromVirtualServices(of, service.host, number);
    const routes = found?.routes ?? [defaultRoute(of.context, { host: service.host, port: number })];
    return {
      name: `${service.host}:${number}`,
      domains: withPort(serviceNames(service, of.context), number, of.port),
      routes,
      owners: found ? [found.owner] : [],
    };
  });
}

/** The first VirtualService that has routes for a host: one that names it, else the most specific wildcard. */
function routesFromVirtualServices(
  { context, virtualServices }: SidecarRoutes,
  host: string,
  port: number,
): { readonly routes: readonly Route[]; readonly owner: Ref } | undefined {
  const candidates = virtualServices.flatMap(({ object, hosts }) => {
    const best = hosts.filter((pattern) => covers(pattern, host)).toSorted(bySpecificity)[0];
    return best === undefined ? [] : [{ object, pattern: best }];
  });
  for (const { object } of candidates.toSorted((a, b) => bySpecificity(a.pattern, b.pattern))) {
    const routes = virtualServiceRoutes(context, object, { port, gateway: meshGateway });
    if (routes.length > 0) return { routes, owner: refOf(object) };
  }
  return undefined;
}

/** Hosts of VirtualServices that are no services; Istio routes them on port 80. */
function foreignHosts(of: SidecarRoutes): Draft[] {
  if (of.port !== "any" && of.port !== httpPort) return [];
  const hosts = new Set(of.virtualServices.flatMap((one) => one.hosts));
  const foreign = [...hosts].filter((host) => !of.services.some((service) => covers(host, service.host)));
  return foreign.flatMap((host) => {
    const found = routesFromVirtualServices(of, host, httpPort);
    if (!found) return [];
    const domains = isWildcard(host) ? [host] : withPort([host], httpPort, of.port);
    return [{ name: `${host}:${httpPort}`, domains, routes: found.routes, owners: [found.owner] }];
  });
}

/** The names by which a workload of some namespace calls a service, the full one first. */
function serviceNames(service: MeshService, { proxy, domain }: RouteContext): string[] {
  const suffix = `.svc.${domain}`;
  if (!service.host.endsWith(suffix)) return [service.host, ...service.addresses];
  const bare = service.host.slice(0, -suffix.length); // catalog.istioinaction
  const [name = "", namespace] = bare.split(".");
  const short = namespace === proxy.namespace ? [name] : [];
  return [service.host, ...short, bare, `${bare}.svc`, ...service.addresses];
}

/**
 * Domains of a virtual host. Where the listener's port is the service's, Envoy ignores the port that a request names;
 * where it serves all ports, the request must name it, unless it is 80.
 */
function withPort(names: readonly string[], port: number, of: number | "any"): string[] {
  const hosts = names.map((name) => (name.includes(":") ? `[${name}]` : name));
  if (of !== "any") return hosts;
  return hosts.flatMap((host) => (port === httpPort ? [host, `${host}:${port}`] : [`${host}:${port}`]));
}

/** For requests to a host that is in no other virtual host: 502 where nothing can be known of its address. */
export function otherHosts({ passthrough }: { passthrough: boolean }): VirtualHost {
  const name = passthrough ? "allow_any" : "block_all";
  const toAddress = {
    case: "route",
    value: {
      clusterSpecifier: { case: "cluster", value: specialClusters.passthrough },
      timeout: durationFromMs(0),
    },
  } as const;
  return {
    name,
    domains: ["*"],
    includeRequestAttemptCount: true,
    routes: [
      {
        name,
        match: { pathSpecifier: { case: "prefix", value: "/" } },
        action: passthrough ? toAddress : { case: "directResponse", value: { status: 502 } },
      },
    ],
  };
}

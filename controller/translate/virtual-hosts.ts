// A sidecar's routes for the services that its workload calls: a virtual host for each service and port.
import { bySpecificity, covers, isWildcard } from "../model/host.ts";
import type { MeshService } from "../model/mesh.ts";
import { specialClusters } from "../model/names.ts";
import { type Ref, refOf, refText } from "../model/object.ts";
import { type BoundVirtualService, meshGateway } from "../model/select-routes.ts";
import { isHttp } from "../model/service.ts";
import { isHeadless } from "./clusters.ts";
import { noRetries } from "./retry.ts";
import type { Target } from "./route-action.ts";
import type { VirtualHost } from "./route-config.ts";
import { defaultRoutes, forwarding, type Route, type RouteContext, virtualServiceRoutes } from "./routes.ts";

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
  /** The VirtualService; absent for a default route. */
  readonly owner?: Ref;
}

export function sidecarVirtualHosts(of: SidecarRoutes): VirtualHosts {
  const index = indexed(of.virtualServices);
  const drafts = [...of.services.flatMap((service) => serviceHosts(of, index, service)), ...foreignHosts(of, index)];
  const fullNames = new Set(drafts.flatMap(({ domains }) => domains.slice(0, 1)));
  const taken = new Set<string>();
  const hosts: VirtualHost[] = [];
  const owners = new Map<string, Ref>();
  for (const { name, domains, routes, owner } of drafts) {
    // Envoy refuses a configuration in which two virtual hosts share a domain; a full name counts before a short one.
    const own = domains.filter((domain, i) => !taken.has(domain) && (i === 0 || !fullNames.has(domain)));
    if (own.length === 0) continue;
    for (const domain of own) taken.add(domain);
    hosts.push({ name, domains: own, routes, includeRequestAttemptCount: true });
    if (owner) owners.set(refText(owner), owner);
  }
  return { hosts: hosts.toSorted((a, b) => (a.name < b.name ? -1 : 1)), owners: [...owners.values()] };
}

/** VirtualServices by the hosts that they name, each list in order of precedence. */
interface Index {
  readonly exact: ReadonlyMap<string, readonly BoundVirtualService[]>;
  /** The most specific first. */
  readonly wildcards: readonly (readonly [pattern: string, bound: readonly BoundVirtualService[]])[];
}

function indexed(virtualServices: readonly BoundVirtualService[]): Index {
  const all = new Map<string, BoundVirtualService[]>();
  for (const bound of virtualServices) {
    for (const host of bound.hosts) {
      const list = all.get(host);
      if (list) list.push(bound);
      else all.set(host, [bound]);
    }
  }
  const wildcards = [...all].filter(([host]) => isWildcard(host));
  return { exact: all, wildcards: wildcards.toSorted(([a], [b]) => bySpecificity(a, b)) };
}

function serviceHosts(of: SidecarRoutes, index: Index, service: MeshService): Draft[] {
  const ports = service.ports.filter(
    ({ protocol, number }) => isHttp(protocol) && (of.port === "any" || of.port === number),
  );
  return ports.map(({ number }) => ({
    name: `${service.host}:${number}`,
    domains: withPort(serviceNames(service, of.context), number, of.port),
    ...(routesFor(of.context, index, { host: service.host, port: number }) ?? {
      routes: defaultRoutes(service, number),
    }),
  }));
}

/** The first VirtualService that has routes for a host: one that names it, else the most specific wildcard. */
function routesFor(
  context: RouteContext,
  { exact, wildcards }: Index,
  { host, port }: Target,
): { readonly routes: readonly Route[]; readonly owner: Ref } | undefined {
  const covering = wildcards.flatMap(([pattern, bound]) => (covers(pattern, host) ? bound : []));
  for (const { object } of [...(exact.get(host) ?? []), ...covering]) {
    const routes = virtualServiceRoutes(context, object, { port, gateway: meshGateway });
    if (routes.length > 0) return { routes, owner: refOf(object) };
  }
  return undefined;
}

/** Hosts of VirtualServices that are no services; Istio routes them on port 80. */
function foreignHosts(of: SidecarRoutes, index: Index): Draft[] {
  if (of.port !== "any" && of.port !== httpPort) return [];
  const known = new Set(of.services.map(({ host }) => host));
  const isForeign = (host: string): boolean =>
    isWildcard(host) ? !of.services.some((service) => covers(host, service.host)) : !known.has(host);
  return [...index.exact.keys()].filter(isForeign).flatMap((host) => {
    const found = routesFor(of.context, index, { host, port: httpPort });
    const domains = withPort([host], httpPort, of.port);
    return found ? [{ name: `${host}:${httpPort}`, domains, ...found }] : [];
  });
}

/**
 * The names by which a workload of some namespace calls a service, the full one first. Where calls are redirected, a pod
 * of a headless service can be called by a name of its own.
 */
function serviceNames(service: MeshService, { proxy, domain }: RouteContext): string[] {
  const suffix = `.svc.${domain}`;
  if (!service.host.endsWith(suffix)) return [service.host, ...service.addresses];
  const bare = service.host.slice(0, -suffix.length); // catalog.istioinaction
  const [name = "", namespace] = bare.split(".");
  const short = namespace === proxy.namespace ? [name] : [];
  const names = [service.host, ...short, bare, `${bare}.svc`];
  const ofPods = proxy.interception !== "NONE" && isHeadless(service) ? names.map((one) => `*.${one}`) : [];
  return [...names, ...ofPods, ...service.addresses];
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
  const toAddress = { clusterSpecifier: { case: "cluster", value: specialClusters.passthrough } } as const;
  return {
    name,
    domains: ["*"],
    includeRequestAttemptCount: true,
    routes: [
      {
        name,
        match: { pathSpecifier: { case: "prefix", value: "/" } },
        ...(passthrough
          ? forwarding(toAddress, { retries: noRetries, timeoutMs: 0 })
          : { action: { case: "directResponse", value: { status: 502 } } }),
      },
    ],
  };
}

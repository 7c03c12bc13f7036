import { specialClusters } from "../model/names.ts";
import { type ConfigDump, section } from "./dump.ts";
import type { RouteConfiguration, VirtualHost } from "./envoy-json.ts";
import { managedBy } from "./managed-by.ts";
import { matchText } from "./route-match.ts";
import { table } from "./table.ts";

export interface RouteFilter {
  /** Of the route configuration; absent: all. */
  readonly name?: string;
}

/** Route configurations, dynamic ones first; those that are port numbers lead, in order. */
export function routesOf(dump: ConfigDump, { name }: RouteFilter): readonly RouteConfiguration[] {
  const { dynamic_route_configs = [], static_route_configs = [] } = section(dump, "RoutesConfigDump");
  const all = [...dynamic_route_configs, ...static_route_configs]
    .flatMap(({ route_config }) => route_config ?? [])
    .filter((route) => name === undefined || route.name === name);
  const isPort = (route: RouteConfiguration): boolean => /^\d+$/.test(route.name ?? "");
  const ports = all.filter(isPort).sort((a, b) => Number(a.name) - Number(b.name));
  return [...ports, ...all.filter((route) => !isPort(route))];
}

export interface RouteTableOptions {
  /** Default true. False: a row for each configuration with its number of virtual hosts. */
  readonly verbose?: boolean;
  /** Names are `route/<name>`, as in `proxy-config all`. */
  readonly isNamed?: boolean;
}

export function routeTable(
  routes: readonly RouteConfiguration[],
  { verbose = true, isNamed = false }: RouteTableOptions,
): string {
  const nameOf = (route: RouteConfiguration): string => `${isNamed ? "route/" : ""}${route.name ?? ""}`;
  if (!verbose) {
    const rows = routes.map((route) => [nameOf(route), String(route.virtual_hosts?.length ?? 0)]);
    return table([["NAME", "VIRTUAL HOSTS"], ...rows]);
  }
  const rows = routes.flatMap((route) =>
    (route.virtual_hosts ?? []).flatMap((host) => hostRows(host).map((row) => [nameOf(route), ...row])),
  );
  return table([["NAME", "VHOST NAME", "DOMAINS", "MATCH", "VIRTUAL SERVICE"], ...rows]);
}

/** Routes that only pass requests on to where they were going are left out; a host without any route answers 404. */
function hostRows({ name = "", domains = [], routes = [] }: VirtualHost): readonly (readonly string[])[] {
  const shown = domainsText(domains);
  if (routes.length === 0) return [[name, shown, "/*", "404"]];
  return routes
    .filter(({ route }) => route?.cluster !== specialClusters.passthrough)
    .map(({ match, metadata }) => [name, shown, matchText(match), managedBy(metadata)]);
}

/** The first two domains without port, and how many more; the long forms of a short name that is there don't count. */
function domainsText(domains: readonly string[]): string {
  if (domains.length < 2) return domains[0] ?? "";
  const portless = domains.filter((domain) => !domain.includes(":") || /^\[.*\]$/.test(domain));
  const short = portless.filter((domain) => {
    const without = [".svc.cluster.local", ".svc"].filter((end) => domain.endsWith(end));
    return !without.some((end) => portless.includes(domain.slice(0, -end.length)));
  });
  const more = short.length > 2 ? ` + ${short.length - 2} more...` : "";
  return `${short.slice(0, 2).join(", ")}${more}`;
}

import { specialClusters } from "../model/names.ts";
import { typeName } from "./dump.ts";
import type { FilterChain, FilterChainMatch, Listener, NetworkFilter, RouteConfiguration } from "./envoy-json.ts";
import { matchText } from "./route-match.ts";

const httpType = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const tcpType = "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";

export function chainsOf({ filter_chains = [], default_filter_chain }: Listener): readonly FilterChain[] {
  return default_filter_chain === undefined ? filter_chains : [...filter_chains, default_filter_chain];
}

/** `HTTP`, `TCP`, `HTTP+TCP`, or `UNKNOWN`. A chain that only stops traffic counts as neither. */
export function listenerType(listener: Listener): string {
  const filters = chainsOf(listener).flatMap((chain) => chain.filters ?? []);
  const isHttp = filters.some((filter) => typeName(filter.typed_config) === httpType);
  const isTcp = filters.some(isForwardingTcp);
  if (isHttp) return isTcp ? "HTTP+TCP" : "HTTP";
  return isTcp ? "TCP" : "UNKNOWN";
}

/** The lists of ALPN names that Istio uses, by the words of istioctl. */
const protocolNames: ReadonlyMap<string, string> = new Map([
  ["http/1.0,http/1.1,h2c,istio-http/1.0,istio-http/1.1,istio-h2", "HTTP TLS"],
  ["istio,istio-http/1.0,istio-http/1.1,istio-h2", "Istio HTTP Plain"],
  ["istio-peer-exchange,istio", "TCP TLS"],
  ["http/1.0,http/1.1,h2c", "HTTP"],
]);

/** `ALL`, or as `SNI: a.example; Trans: tls; App: HTTP TLS; Addr: 10.0.0.1/32:80`. */
export function filterChainText(match: FilterChainMatch = {}): string {
  const { server_names = [], transport_protocol, application_protocols = [], prefix_ranges = [] } = match;
  const protocols = application_protocols.join(",");
  const port = match.destination_port === undefined ? "" : `:${match.destination_port}`;
  const ranges = prefix_ranges.map((range) => `${range.address_prefix ?? ""}/${range.prefix_len ?? 0}`);
  const parts = [
    server_names.length > 0 && `SNI: ${server_names.join(",")}`,
    transport_protocol && `Trans: ${transport_protocol}`,
    protocols && `App: ${protocolNames.get(protocols) ?? protocols}`,
    (ranges.length > 0 || port) && `Addr: ${ranges.join(",") || "*"}${port}`,
  ].filter((part) => part);
  return parts.length === 0 ? "ALL" : parts.join("; ");
}

/** Where a chain's first HTTP or TCP filter leads: `Route: 80`, `Cluster: x`, `PassthroughCluster`, `Inline Route: /x*`. */
export function destinationText(filters: readonly NetworkFilter[] = []): string {
  for (const filter of filters) {
    const config = filter.typed_config;
    if (typeName(config) === httpType) {
      if (config?.route_config) return inlineText(config.route_config);
      const route = config?.rds?.route_config_name;
      return route ? `Route: ${route}` : "HTTP";
    }
    if (isForwardingTcp(filter)) return clusterText(config?.cluster ?? "");
  }
  return "Non-HTTP/Non-TCP";
}

function isForwardingTcp({ typed_config }: NetworkFilter): boolean {
  return typeName(typed_config) === tcpType && typed_config?.cluster !== specialClusters.blackHole;
}

/** A cluster that stands for no service says so by its name. */
function clusterText(cluster: string): string {
  return cluster.includes("Cluster") ? cluster : `Cluster: ${cluster}`;
}

function inlineText({ virtual_hosts = [] }: RouteConfiguration): string {
  const [host, ...others] = virtual_hosts;
  const [route, ...more] = host?.routes ?? [];
  const isAll =
    others.length === 0 && more.length === 0 && host?.domains?.join() === "*" && route?.match?.prefix === "/";
  if (isAll && route.route?.cluster) return clusterText(route.route.cluster);
  const hosts = virtual_hosts.map(({ domains = [], routes = [] }) => {
    const matches = routes.map(({ match }) => matchText(match)).join(", ");
    return domains.join() === "*" ? matches : `${domains.join("/")} ${matches}`;
  });
  return `Inline Route: ${hosts.join("; ")}`;
}

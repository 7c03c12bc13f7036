// Listeners that every proxy has from the start. Each leads to Envoy's admin, which itself can't be reached from outside,
// and lets through a few pages of it: nobody can stop or drain a proxy over them.
import type { SocketAddress } from "./bootstrap.ts";

type Json = Readonly<Record<string, unknown>>;

/** Of Envoy's filters. */
export const typeUrl = "type.googleapis.com/envoy.extensions.filters";

export function adminCluster(socketPath: string): Json {
  const endpoint = { address: { pipe: { path: socketPath } } };
  return {
    name: "admin",
    type: "STATIC",
    connect_timeout: "0.25s",
    load_assignment: { cluster_name: "admin", endpoints: [{ lb_endpoints: [{ endpoint }] }] },
  };
}

/** `GET /stats/prometheus`: all statistics, for a scraper. */
export function prometheusListener(address: SocketAddress): Json {
  return listener("prometheus", address, [page("/stats/prometheus", "GET")]);
}

/** `GET /healthz/ready`: 200 once the first configuration is there. The port is closed before. */
export function readyListener(address: SocketAddress): Json {
  return listener("ready", address, [
    { ...page("/healthz/ready", "GET"), route: { cluster: "admin", prefix_rewrite: "/ready" } },
  ]);
}

/** What tools read, and log levels. */
export function adminListener(address: SocketAddress): Json {
  const read = ["/config_dump", "/clusters", "/certs", "/stats", "/server_info", "/logging"];
  return listener("admin", address, [...read.map((path) => page(path, "GET")), page("/logging", "POST")]);
}

function page(path: string, method: "GET" | "POST"): Json {
  return {
    match: { path, headers: [{ name: ":method", string_match: { exact: method } }] },
    route: { cluster: "admin" },
  };
}

function listener(name: string, { address, port }: SocketAddress, routes: readonly Json[]): Json {
  const manager = {
    "@type": `${typeUrl}.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: name,
    route_config: { virtual_hosts: [{ name, domains: ["*"], routes }] },
    http_filters: [{ name: "router", typed_config: { "@type": `${typeUrl}.http.router.v3.Router` } }],
  };
  return {
    name,
    address: { socket_address: { address, port_value: port } },
    ignore_global_conn_limit: true,
    bypass_overload_manager: true,
    filter_chains: [{ filters: [{ name: "hcm", typed_config: manager }] }],
  };
}

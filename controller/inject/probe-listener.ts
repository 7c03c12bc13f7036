import type { SocketAddress } from "./bootstrap.ts";
import { typeUrl } from "./listeners.ts";
import type { Json } from "./pod.ts";
import type { ProbeRoute } from "./probes.ts";

/** Where the interception rules let a connection through to the application. */
const innerAddress = "127.0.0.6";

/**
 * Answers the kubelet's probes by asking the application. The port takes plain text from anyone, so that only what a
 * kubelet sends gets through: GET, and a probe's path without a query of the caller's; all else is 404.
 */
export function probeListener(address: SocketAddress, routes: readonly ProbeRoute[], ip: string): Json {
  const manager = {
    "@type": `${typeUrl}.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: "probes",
    generate_request_id: false,
    server_header_transformation: "PASS_THROUGH",
    route_config: {
      virtual_hosts: [{ name: "probes", domains: ["*"], routes: routes.map((route) => routeOf(route, ip)) }],
    },
    http_filters: [
      {
        name: "router",
        typed_config: { "@type": `${typeUrl}.http.router.v3.Router`, suppress_envoy_headers: true },
      },
    ],
  };
  return {
    name: "probes",
    address: { socket_address: { address: address.address, port_value: address.port } },
    ignore_global_conn_limit: true,
    bypass_overload_manager: true,
    filter_chains: [{ filters: [{ name: "hcm", typed_config: manager }] }],
  };
}

function routeOf({ path, app }: ProbeRoute, ip: string): Json {
  return {
    match: { path, headers: [exactly(":method", "GET"), exactly(":path", path)] },
    route: {
      cluster: clusterName(app),
      prefix_rewrite: app.path,
      timeout: "0s", // the kubelet has its own
      ...(app.hasHost ? {} : { host_rewrite_literal: `${ip}:${app.port}` }),
    },
    // a redirect is a success, as in Istio; followed, it would lead to the path of no probe
    response_headers_to_remove: ["location"],
  };
}

function exactly(name: string, exact: string): Json {
  return { name, string_match: { exact } };
}

/** One for each port that probes lead to. @param ip the pod's */
export function probeClusters(routes: readonly ProbeRoute[], ip: string): readonly Json[] {
  const apps = new Map(routes.map(({ app }) => [clusterName(app), app]));
  return [...apps].map(([name, { port, tls }]) => ({
    name,
    type: "STATIC",
    connect_timeout: "10s",
    upstream_bind_config: { source_address: { address: innerAddress, port_value: 0 } },
    // a kept connection would say that an application answers which accepts no new ones
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        common_http_protocol_options: { max_requests_per_connection: 1 },
        explicit_http_config: { http_protocol_options: {} },
      },
    },
    ...(tls ? { transport_socket: unverifiedTls } : {}),
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: ip, port_value: port } } } }] }],
    },
  }));
}

const unverifiedTls: Json = {
  name: "tls",
  typed_config: {
    "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
  },
};

function clusterName({ port, tls }: ProbeRoute["app"]): string {
  return `probe|${port}|${tls ? "https" : "http"}`;
}

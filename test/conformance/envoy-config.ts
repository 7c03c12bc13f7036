// Envoy's configuration: a bootstrap that never changes, and a listener for the script that runs.
import type { RouteInit } from "../../sdk/host/request.ts";
import type { ClusterName, PluginScript, Script } from "./script.ts";
import { closedAddress, filterChain, metadata, node, pluginName, tcpCluster, virtualHost } from "./world.ts";

type Json = Readonly<Record<string, unknown>>;

/** @param listenersFile where the listener of the script that runs stands */
export function bootstrap(upstream: { readonly http: string; readonly tcp: string }, listenersFile: string): Json {
  return {
    node,
    stats_flush_on_admin: true,
    dynamic_resources: { lds_config: { path_config_source: { path: listenersFile }, resource_api_version: "V3" } },
    static_resources: {
      clusters: [
        cluster("open", [upstream.http]),
        cluster(tcpCluster, [upstream.tcp]),
        cluster("closed", [closedAddress]),
        cluster("none", []),
      ],
    },
  };
}

/** A script's listener on a free port. @param moduleFile of its plugin @param vmId unique, so that no two scripts share a VM */
export function listener(script: Script, { moduleFile, vmId }: { moduleFile: string; vmId: string }): Json {
  const { direction = "outbound" } = script;
  const plugin = (rootId: string) => pluginConfig(script.plugin ?? {}, { moduleFile, vmId, rootId });
  const logger = {
    name: "logger",
    typed_config: { "@type": typeUrl("access_loggers.wasm.v3.WasmAccessLog"), config: plugin("logger") },
  };
  const surroundings = { plugin, vmId, accessLogs: [...(script.logger ? [logger] : []), accessLog(vmId)] };
  return {
    "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
    name: vmId,
    stat_prefix: vmId,
    traffic_direction: direction.toUpperCase(),
    metadata: { filter_metadata: metadata("listener") },
    address: { socket_address: { address: "127.0.0.1", port_value: 0 } },
    filter_chains: [
      {
        name: filterChain,
        filters: script.connections ? tcpFilters(script, surroundings) : [manager(script, surroundings)],
      },
    ],
  };
}

interface Surroundings {
  /** The configuration of the module's plugin with this root_id. */
  plugin(rootId: string): Json;
  readonly vmId: string;
  readonly accessLogs: readonly Json[];
}

function tcpFilters(
  { on, plugin: { rootId = "" } = {}, cluster = "open" }: Script,
  { plugin, vmId, accessLogs }: Surroundings,
): Json[] {
  const proxy = { stat_prefix: vmId, cluster: cluster === "open" ? tcpCluster : cluster, access_log: accessLogs };
  return [
    ...(on
      ? [{ name: "wasm", typed_config: { "@type": typeUrl("filters.network.wasm.v3.Wasm"), config: plugin(rootId) } }]
      : []),
    { name: "tcp", typed_config: { "@type": typeUrl("filters.network.tcp_proxy.v3.TcpProxy"), ...proxy } },
  ];
}

function manager(script: Script, { plugin, vmId, accessLogs }: Surroundings): Json {
  const { route = {}, cluster: clusterName = "open" } = script;
  const wasm = (rootId: string) => ({
    name: `wasm-${rootId}`,
    typed_config: { "@type": typeUrl("filters.http.wasm.v3.Wasm"), config: plugin(rootId) },
  });
  const codec = { name: "codec", typed_config: { "@type": typeUrl("filters.http.upstream_codec.v3.UpstreamCodec") } };
  const config = {
    "@type": typeUrl("filters.network.http_connection_manager.v3.HttpConnectionManager"),
    stat_prefix: vmId,
    codec_type: script.protocol === "HTTP/1.1" ? "HTTP1" : "HTTP2",
    access_log: accessLogs,
    route_config: {
      virtual_hosts: route === null ? [] : [virtualHostOf(route, clusterName)],
    },
    http_filters: [
      ...(script.on || script.module ? [wasm(script.plugin?.rootId ?? "")] : []),
      {
        name: "router",
        typed_config: {
          "@type": typeUrl("filters.http.router.v3.Router"),
          upstream_http_filters: [...(script.upstream ? [wasm("upstream")] : []), codec],
        },
      },
    ],
  };
  return { name: "hcm", typed_config: config };
}

function virtualHostOf(route: RouteInit, cluster: ClusterName): Json {
  return {
    name: virtualHost,
    domains: ["*"],
    metadata: { filter_metadata: metadata("virtual host") },
    ...(route.attemptCount ? { include_request_attempt_count: true } : {}),
    routes: [routeOf(route, cluster)],
  };
}

const off = { "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", disabled: true, config: {} };

function routeOf(route: RouteInit, cluster: ClusterName): Json {
  const { timeoutMs = 0, perTryTimeoutMs, retryOn, attempts = 1, retriableStatusCodes = [] } = route;
  return {
    name: route.name ?? "default",
    match: { prefix: "/" },
    metadata: { filter_metadata: metadata("route") },
    ...(route.isPluginOff ? { typed_per_filter_config: { "wasm-": off, "wasm-upstream": off } } : {}),
    route: {
      cluster,
      timeout: seconds(timeoutMs),
      ...(retryOn || perTryTimeoutMs !== undefined
        ? {
            retry_policy: {
              retry_on: retryOn ?? "",
              num_retries: attempts,
              retriable_status_codes: retriableStatusCodes,
              retry_back_off: { base_interval: "0.001s" },
              ...(perTryTimeoutMs === undefined ? {} : { per_try_timeout: seconds(perTryTimeoutMs) }),
            },
          }
        : {}),
    },
  };
}

function pluginConfig(
  {
    config = "",
    vmConfig,
    environment = {},
    allowedCapabilities,
    allowOnHeadersStopIteration,
    failurePolicy,
  }: PluginScript,
  { moduleFile, vmId, rootId }: { moduleFile: string; vmId: string; rootId: string },
): Json {
  return {
    name: pluginName,
    root_id: rootId,
    failure_policy: failurePolicy ?? "UNSPECIFIED",
    ...(failurePolicy === "FAIL_RELOAD" ? { reload_config: { backoff: { base_interval: reloadBackOff } } } : {}),
    ...(allowOnHeadersStopIteration ? { allow_on_headers_stop_iteration: true } : {}),
    configuration: bytesValue(config),
    vm_config: {
      vm_id: vmId,
      runtime: "envoy.wasm.runtime.v8",
      code: { local: { filename: moduleFile } },
      environment_variables: { key_values: environment },
      ...(vmConfig === undefined ? {} : { configuration: bytesValue(vmConfig) }),
      capability_restriction_config: {
        allowed_capabilities: Object.fromEntries((allowedCapabilities ?? []).map((name) => [name, {}])),
      },
    },
  };
}

/** One of a millisecond crashes Envoy 1.40 when it reloads: half of it, in whole milliseconds, is what it divides by. */
const reloadBackOff = "0.002s";

function bytesValue(value: string | Uint8Array): Json {
  return {
    "@type": "type.googleapis.com/google.protobuf.BytesValue",
    value: Buffer.from(value as string).toString("base64"),
  };
}

function cluster(name: string, addresses: readonly string[]): Json {
  const http2 = {
    "@type": typeUrl("upstreams.http.v3.HttpProtocolOptions"),
    explicit_http_config: { http2_protocol_options: {} },
  };
  const endpoints = addresses.map((address) => {
    const [ip, port] = address.split(":");
    return {
      endpoint: { address: { socket_address: { address: ip, port_value: Number(port) } } },
      metadata: { filter_metadata: metadata("endpoint") },
    };
  });
  return {
    name,
    connect_timeout: "5s",
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: endpoints }] },
    metadata: { filter_metadata: metadata("cluster") },
    typed_extension_protocol_options: { "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http2 },
  };
}

/** A line of JSON on stdout for each request or connection that is over. */
function accessLog(script: string): Json {
  const fields = { script, details: "%RESPONSE_CODE_DETAILS%", flags: "%RESPONSE_FLAGS%" };
  return {
    name: "log",
    typed_config: {
      "@type": typeUrl("access_loggers.stream.v3.StdoutAccessLog"),
      log_format: { json_format: fields },
    },
  };
}

function seconds(ms: number): string {
  return `${ms / 1000}s`;
}

function typeUrl(name: string): string {
  return `type.googleapis.com/envoy.extensions.${name}`;
}

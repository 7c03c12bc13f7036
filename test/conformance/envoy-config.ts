// Envoy's configuration: a bootstrap that never changes, and a listener for the script that runs.
import type { NodeInit } from "../../sdk/host/node.ts";
import type { DirectResponse, RouteInit } from "../../sdk/host/request.ts";
import type { ScriptPlugin } from "./plugins.ts";
import type { ClusterName, Script } from "./script.ts";
import {
  accessLogState,
  closedAddress,
  clusterMetadata,
  endpointMetadata,
  filterChain,
  locality,
  metadata,
  pluginName,
  reloadBackOffMs,
  tcpCluster,
  virtualHost,
} from "./world.ts";

type Json = Readonly<Record<string, unknown>>;

/** @param listenersFile where the listener of the script that runs stands */
export function bootstrap(
  node: NodeInit,
  upstream: { readonly http: string; readonly tcp: string },
  listenersFile: string,
): Json {
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
        cluster("external", [upstream.http]),
        cluster("PassthroughCluster", [upstream.http]),
        {
          ...cluster("full", [upstream.http]),
          ...breaker({ max_connections: 0, max_pending_requests: 0, max_requests: 0 }),
        },
        { ...cluster("no-retries", [upstream.http]), ...breaker({ max_retries: 0 }) },
      ],
    },
  };
}

/** A plugin and the file that its module is in. */
export interface PlacedPlugin extends ScriptPlugin {
  readonly moduleFile: string;
}

/** What a script's listener is made of. */
export interface ListenerParts {
  /** Unique: also the listener's name. */
  readonly vmId: string;
  readonly plugins: readonly PlacedPlugin[];
  /** Where the plugin stands that the script swaps. */
  readonly slotFile: string;
}

/** A script's listener on a free port. */
export function listener(script: Script, parts: ListenerParts): Json {
  const { direction = "outbound" } = script;
  const filters = script.connections === undefined ? [manager(script, parts)] : tcpFilters(script, parts);
  return {
    "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
    name: parts.vmId,
    stat_prefix: parts.vmId,
    traffic_direction: direction.toUpperCase(),
    metadata: { filter_metadata: metadata("listener") },
    address: { socket_address: { address: "127.0.0.1", port_value: 0 } },
    filter_chains: [{ name: filterChain, filters }],
  };
}

function tcpFilters({ cluster = "open" }: Script, { vmId, plugins }: ListenerParts): Json[] {
  const proxy = {
    ...{ stat_prefix: vmId, cluster: cluster === "open" ? tcpCluster : cluster },
    access_log: accessLogs(vmId, plugins),
  };
  return [
    ...at("downstream", plugins).map((plugin) => ({
      name: filterName(plugin),
      typed_config: { "@type": typeUrl("filters.network.wasm.v3.Wasm"), config: pluginConfig(plugin) },
    })),
    { name: "tcp", typed_config: { "@type": typeUrl("filters.network.tcp_proxy.v3.TcpProxy"), ...proxy } },
  ];
}

function manager(script: Script, { vmId, plugins, slotFile }: ListenerParts): Json {
  const { route = {}, cluster: clusterName = "open" } = script;
  const filter = (plugin: PlacedPlugin) =>
    plugin.isSwapped ? slot(vmId, slotFile) : { name: filterName(plugin), ...wasm(plugin) };
  const codec = { name: "codec", typed_config: { "@type": typeUrl("filters.http.upstream_codec.v3.UpstreamCodec") } };
  const config = {
    "@type": typeUrl("filters.network.http_connection_manager.v3.HttpConnectionManager"),
    stat_prefix: vmId,
    codec_type: script.protocol === "HTTP/1.1" ? "HTTP1" : "HTTP2",
    access_log: accessLogs(vmId, plugins),
    route_config: {
      validate_clusters: false,
      virtual_hosts: route === null ? [] : [virtualHostOf(route, clusterName, plugins.map(filterName))],
    },
    http_filters: [
      ...at("downstream", plugins).map(filter),
      ...(script.grpcStats ? [grpcStats] : []),
      {
        name: "router",
        typed_config: {
          "@type": typeUrl("filters.http.router.v3.Router"),
          upstream_http_filters: [...at("upstream", plugins).map(filter), codec],
        },
      },
    ],
  };
  return { name: "hcm", typed_config: config };
}

const grpcStats = {
  name: "grpc_stats",
  typed_config: {
    "@type": typeUrl("filters.http.grpc_stats.v3.FilterConfig"),
    ...{ emit_filter_state: true, stats_for_all_methods: false },
  },
};

function at(place: ScriptPlugin["place"], plugins: readonly PlacedPlugin[]): PlacedPlugin[] {
  return plugins.filter((plugin) => plugin.place === place);
}

/** The plugins among them, and the lines that tests read. */
function accessLogs(vmId: string, plugins: readonly PlacedPlugin[]): Json[] {
  const loggers = at("access log", plugins).map((plugin) => ({
    name: filterName(plugin),
    ...(plugin.options.when && { filter: { header_filter: { header: headerMatch(plugin.options.when) } } }),
    typed_config: { "@type": typeUrl("access_loggers.wasm.v3.WasmAccessLog"), config: pluginConfig(plugin) },
  }));
  return [...loggers, accessLog(vmId)];
}

function headerMatch([name, exact]: readonly [name: string, value: string]): Json {
  return { name, string_match: { exact } };
}

/** What the slot of the plugin that a script swaps holds. */
export function slotResource(vmId: string, plugin: PlacedPlugin): Json {
  return {
    "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
    name: slotName(vmId),
    ...wasm(plugin),
  };
}

/** Unique, as its stats tell of it. */
export function slotName(vmId: string): string {
  return `slot-${vmId}`;
}

function slot(vmId: string, file: string): Json {
  const source = { path_config_source: { path: file }, resource_api_version: "V3", initial_fetch_timeout: "0s" };
  return {
    name: slotName(vmId),
    config_discovery: { config_source: source, type_urls: [typeUrl("filters.http.wasm.v3.Wasm")] },
  };
}

function filterName({ rootId }: ScriptPlugin): string {
  return `wasm-${rootId}`;
}

function wasm(plugin: PlacedPlugin): { readonly typed_config: Json } {
  const typedConfig = { "@type": typeUrl("filters.http.wasm.v3.Wasm"), config: pluginConfig(plugin) };
  const { when, share } = plugin.options;
  if (when !== undefined) return { typed_config: matched(typedConfig, (action) => withHeader(when, action)) };
  if (share !== undefined) return { typed_config: matched(typedConfig, (action) => shareOf(share, action)) };
  return { typed_config: typedConfig };
}

/** A filter for some of the requests. @param matcher those for which the action is */
function matched(filter: Json, matcher: (action: Json) => Json): Json {
  const composite = (type: string, rest: Json) => ({ "@type": typeUrl(`filters.http.composite.v3.${type}`), ...rest });
  const action = composite("ExecuteFilterAction", {
    filter_chain: { typed_config: [{ name: "plugin", typed_config: filter }] },
  });
  return {
    "@type": typeUrl("common.matching.v3.ExtensionWithMatcher"),
    extension_config: { name: "composite", typed_config: composite("Composite", {}) },
    xds_matcher: matcher({ action: { name: "run", typed_config: action } }),
  };
}

/** Requests that have a header. */
function withHeader([name, exact]: readonly [name: string, value: string], action: Json): Json {
  return { matcher_tree: { input: headerInput(name), exact_match_map: { map: { [exact]: action } } } };
}

/** So many of 100 requests, by their ids. */
function shareOf(numerator: number, action: Json): Json {
  const fraction = {
    "@type": typeUrl("matching.input_matchers.runtime_fraction.v3.RuntimeFraction"),
    runtime_fraction: { default_value: { numerator, denominator: "HUNDRED" } },
  };
  const single = { input: headerInput("x-request-id"), custom_match: { name: "share", typed_config: fraction } };
  return { matcher_list: { matchers: [{ predicate: { single_predicate: single }, on_match: action }] } };
}

function headerInput(name: string): Json {
  const input = { "@type": "type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput", header_name: name };
  return { name: "header", typed_config: input };
}

function virtualHostOf(route: RouteInit, cluster: ClusterName, filters: readonly string[]): Json {
  return {
    name: virtualHost,
    domains: ["*"],
    metadata: { filter_metadata: metadata("virtual host") },
    ...(route.attemptCount ? { include_request_attempt_count: true } : {}),
    routes: [routeOf(route, cluster, filters)],
  };
}

const off = { "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", disabled: true, config: {} };

function routeOf(route: RouteInit, cluster: ClusterName, filters: readonly string[]): Json {
  return {
    name: route.name ?? "default",
    match: { prefix: "/" },
    metadata: { filter_metadata: metadata("route") },
    ...(route.isPluginOff ? { typed_per_filter_config: Object.fromEntries(filters.map((name) => [name, off])) } : {}),
    ...(route.directResponse ? directResponse(route.directResponse) : { route: routeAction(route, cluster) }),
  };
}

function directResponse({ status, body = "" }: DirectResponse): Json {
  return { direct_response: { status, body: { inline_string: body } } };
}

function routeAction(route: RouteInit, cluster: ClusterName): Json {
  const { timeoutMs = 0, perTryTimeoutMs, retryOn, attempts = 1, retriableStatusCodes = [] } = route;
  return {
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
  };
}

function pluginConfig({ rootId, vmId, moduleFile, options }: PlacedPlugin): Json {
  const { config = "", vmConfig, environment = {}, allowedCapabilities = [], failurePolicy } = options;
  return {
    name: pluginName,
    root_id: rootId,
    failure_policy: failurePolicy ?? "UNSPECIFIED",
    ...(failurePolicy === "FAIL_RELOAD" && {
      reload_config: { backoff: { base_interval: seconds(options.reloadBackOffMs ?? reloadBackOffMs) } },
    }),
    ...(options.allowOnHeadersStopIteration && { allow_on_headers_stop_iteration: true }),
    configuration: bytesValue(config),
    vm_config: {
      vm_id: vmId,
      runtime: "envoy.wasm.runtime.v8",
      code: { local: { filename: moduleFile } },
      environment_variables: { key_values: environment },
      ...(vmConfig === undefined ? {} : { configuration: bytesValue(vmConfig) }),
      capability_restriction_config: {
        allowed_capabilities: Object.fromEntries(allowedCapabilities.map((name) => [name, {}])),
      },
    },
  };
}

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
      metadata: { filter_metadata: endpointMetadata(name) },
    };
  });
  return {
    name,
    connect_timeout: "5s",
    load_assignment: { cluster_name: name, endpoints: [{ locality, lb_endpoints: endpoints }] },
    metadata: { filter_metadata: clusterMetadata(name) },
    typed_extension_protocol_options: { "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http2 },
  };
}

function breaker(threshold: Json): Json {
  return { circuit_breakers: { thresholds: [threshold] } };
}

/** A line of JSON on stdout for each request or connection that is over. */
function accessLog(script: string): Json {
  const left = `%FILTER_STATE(wasm.${accessLogState}:PLAIN)%`;
  const fields = { script, details: "%RESPONSE_CODE_DETAILS%", flags: "%RESPONSE_FLAGS%", left };
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

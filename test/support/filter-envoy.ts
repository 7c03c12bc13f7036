// One Envoy with filters of this repository in both of its halves, configured statically: what a filter does is tried here
// without a controller. A network filter has a listener of its own, a plugin without traffic is a service of the process.

import type { FailurePolicy } from "../../sdk/host/index.ts";
import { inspectModule } from "../../sdk/module/inspect.ts";
import type { Attachment } from "../../sdk/module/manifest.ts";

export interface Plugin {
  /** Folder in filters/ or examples/filters/; also its vm_id. */
  readonly name: string;
  readonly module: Uint8Array;
  readonly config?: Readonly<Record<string, unknown>>;
  /** Default FAIL_RELOAD. */
  readonly failurePolicy?: FailurePolicy;
}

export interface Chain {
  readonly direction: "INBOUND" | "OUTBOUND";
  /** Where Envoy listens, on 127.0.0.1. */
  readonly port: number;
  /** Ports of 127.0.0.1 that it forwards to. */
  readonly upstreamPorts: readonly number[];
  readonly http2?: boolean;
  /** Mutual TLS with callers and upstreams. Default none. */
  readonly tls?: Tls;
  readonly plugins: readonly Plugin[];
  /** Routes that stand before the one for all: envoy.config.route.v3.Route. */
  readonly routes?: readonly Json[];
  /** Fields of envoy.config.route.v3.RouteAction, such as `timeout` and `retry_policy`. */
  readonly route?: Readonly<Record<string, unknown>>;
  /** What the controller tells filters of the route. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Filter metadata of the cluster that it forwards to, and of its endpoints, by namespace. */
  readonly clusterMetadata?: Readonly<Record<string, unknown>>;
  readonly endpointMetadata?: Readonly<Record<string, unknown>>;
  /** Fields of envoy.config.cluster.v3.CircuitBreakers.Thresholds. Default 1000 retries at a time. */
  readonly thresholds?: Readonly<Record<string, unknown>>;
  /** `access_log_options` format of a line on stdout for each request. */
  readonly accessLog?: string;
  /** More fields of its HttpConnectionManager. */
  readonly manager?: Json;
  /** envoy.config.route.v3.Tracing of the route for all. */
  readonly tracing?: Json;
  /** Clusters beside its own. */
  readonly peers?: readonly Json[];
  /** Modules that are told of each request that is over. */
  readonly accessLoggers?: readonly Plugin[];
}

/** A certificate, its key and whom its holder believes, in PEM. */
export interface Tls {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** A TCP listener on 127.0.0.1. */
export interface TcpChain {
  /** Default: none. */
  readonly direction?: Chain["direction"];
  readonly port: number;
  /** Name of one of the peers. */
  readonly cluster: string;
  readonly plugin: Plugin;
}

export interface Beside {
  readonly tcp?: readonly TcpChain[];
  /** Plugins without traffic of their own, once in the process, in its main thread. */
  readonly services?: readonly Plugin[];
}

export type Json = Readonly<Record<string, unknown>>;

/**
 * A bootstrap with these listeners.
 *
 * @param node  `node.id`
 * @param peers clusters beside those of the listeners: what filters call
 */
export function filterBootstrap(
  chains: readonly Chain[],
  node = "sidecar~127.0.0.1~a.b~b.svc.cluster.local",
  peers: readonly Json[] = [],
  { tcp = [], services = [] }: Beside = {},
): Json {
  const listeners = [...chains.map(listener), ...tcp.map(tcpListener)];
  return {
    node: { id: node, cluster: "a.b" },
    static_resources: {
      listeners,
      clusters: [...chains.flatMap((chain) => [cluster(chain), ...(chain.peers ?? [])]), ...peers],
    },
    bootstrap_extensions: services.map((plugin) => ({
      name: "envoy.bootstrap.wasm",
      typed_config: { "@type": typeUrl("wasm.v3.WasmService"), singleton: true, config: pluginConfig(plugin) },
    })),
  };
}

/** A cluster of one port of 127.0.0.1, by its name. */
export function staticCluster(name: string, port: number, http2 = false): Json {
  return {
    ...cluster({ direction: "INBOUND", port, upstreamPorts: [port], plugins: [], http2 }),
    name,
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: address(port) } }] }],
    },
  };
}

function listener(chain: Chain): Json {
  const { direction, port, plugins, route, metadata, accessLog, accessLoggers = [] } = chain;
  const manager = {
    "@type": typeUrl("filters.network.http_connection_manager.v3.HttpConnectionManager"),
    ...chain.manager,
    stat_prefix: clusterName(chain),
    route_config: {
      virtual_hosts: [
        {
          name: clusterName(chain),
          domains: ["*"],
          ...(direction === "OUTBOUND" ? { include_request_attempt_count: true } : {}),
          routes: [
            ...(chain.routes ?? []),
            {
              name: "default",
              match: { prefix: "/" },
              route: { cluster: clusterName(chain), timeout: "0s", ...route },
              ...(chain.tracing ? { tracing: chain.tracing } : {}),
              ...(metadata ? { metadata: { filter_metadata: { "dev.sluice": metadata } } } : {}),
            },
          ],
        },
      ],
    },
    access_log: [
      stdoutLog({
        text_format_source: { inline_string: "%FILTER_STATE(wasm.sluice.access-log:PLAIN)%" },
        omit_empty_values: true,
      }),
      ...(accessLog ? [stdoutLog({ text_format_source: { inline_string: `${accessLog}\n` } })] : []),
      ...accessLoggers.map(wasmLog),
    ],
    http_filters: [
      ...plugins.map((plugin) => wasm(plugin, "downstream")),
      {
        name: "grpc_stats",
        typed_config: {
          "@type": typeUrl("filters.http.grpc_stats.v3.FilterConfig"),
          emit_filter_state: true,
          stats_for_all_methods: false,
        },
      },
      {
        name: "router",
        typed_config: {
          "@type": typeUrl("filters.http.router.v3.Router"),
          upstream_http_filters: [
            ...plugins.filter((plugin) => isFor("upstream", plugin)).map((plugin) => wasm(plugin, "upstream")),
            { name: "codec", typed_config: { "@type": typeUrl("filters.http.upstream_codec.v3.UpstreamCodec") } },
          ],
        },
      },
    ],
  };
  return {
    name: clusterName(chain),
    traffic_direction: direction,
    address: address(port),
    filter_chains: [{ filters: [{ name: "hcm", typed_config: manager }], ...transportSocket(chain, "Downstream") }],
  };
}

function tcpListener({ direction, port, cluster, plugin }: TcpChain): Json {
  const config = pluginConfig(plugin, isFor("downstream", plugin) ? "network" : "");
  const filters = [
    {
      name: plugin.name,
      typed_config: { "@type": typeUrl("filters.network.wasm.v3.Wasm"), config },
    },
    {
      name: "proxy",
      typed_config: { "@type": typeUrl("filters.network.tcp_proxy.v3.TcpProxy"), stat_prefix: plugin.name, cluster },
    },
  ];
  return {
    name: `tcp|${port}`,
    ...(direction && { traffic_direction: direction }),
    address: address(port),
    filter_chains: [{ filters }],
  };
}

/** As the controller does it: where the module's manifest says so. */
function isFor(chain: Attachment, { module }: Plugin): boolean {
  return inspectModule(module).manifest?.attach.includes(chain) ?? false;
}

function wasm(plugin: Plugin, half: "downstream" | "upstream"): Json {
  const config = pluginConfig(plugin, half === "upstream" ? "upstream" : "");
  return { name: plugin.name, typed_config: { "@type": typeUrl("filters.http.wasm.v3.Wasm"), config } };
}

function wasmLog(plugin: Plugin): Json {
  const config = pluginConfig(plugin);
  return { name: plugin.name, typed_config: { "@type": typeUrl("access_loggers.wasm.v3.WasmAccessLog"), config } };
}

function pluginConfig(plugin: Plugin, rootId = ""): Json {
  const { name, module, config = {}, failurePolicy = "FAIL_RELOAD" } = plugin;
  return {
    name,
    root_id: rootId,
    failure_policy: failurePolicy,
    vm_config: {
      vm_id: name,
      runtime: "envoy.wasm.runtime.v8",
      code: { local: { inline_bytes: Buffer.from(module).toString("base64") } },
    },
    configuration: { "@type": "type.googleapis.com/google.protobuf.StringValue", value: JSON.stringify(config) },
  };
}

function cluster(chain: Chain): Json {
  const http2 = {
    "@type": typeUrl("upstreams.http.v3.HttpProtocolOptions"),
    explicit_http_config: { http2_protocol_options: {} },
  };
  return {
    name: clusterName(chain),
    connect_timeout: "1s",
    load_assignment: {
      cluster_name: clusterName(chain),
      endpoints: [
        {
          lb_endpoints: chain.upstreamPorts.map((port) => ({
            endpoint: { address: address(port) },
            metadata: { filter_metadata: chain.endpointMetadata ?? {} },
          })),
        },
      ],
    },
    ...transportSocket(chain, "Upstream"),
    metadata: { filter_metadata: chain.clusterMetadata ?? {} },
    circuit_breakers: { thresholds: [chain.thresholds ?? { max_retries: 1000 }] },
    ...(chain.http2
      ? { typed_extension_protocol_options: { [typeName("upstreams.http.v3.HttpProtocolOptions")]: http2 } }
      : {}),
  };
}

function transportSocket({ tls }: Chain, side: "Downstream" | "Upstream"): Json {
  if (tls === undefined) return {};
  const common_tls_context = {
    tls_certificates: [{ certificate_chain: { inline_string: tls.cert }, private_key: { inline_string: tls.key } }],
    validation_context: { trusted_ca: { inline_string: tls.ca } },
  };
  const config = {
    "@type": typeUrl(`transport_sockets.tls.v3.${side}TlsContext`),
    common_tls_context,
    ...(side === "Downstream" ? { require_client_certificate: true } : {}),
  };
  return { transport_socket: { name: "tls", typed_config: config } };
}

function clusterName({ direction, port }: Chain): string {
  return `${direction.toLowerCase()}|${port}`;
}

function address(port: number): Json {
  return { socket_address: { address: "127.0.0.1", port_value: port } };
}

function stdoutLog(log_format: Json): Json {
  return {
    name: "log",
    typed_config: { "@type": typeUrl("access_loggers.stream.v3.StdoutAccessLog"), log_format },
  };
}

function typeName(name: string): string {
  return `envoy.extensions.${name}`;
}

function typeUrl(name: string): string {
  return `type.googleapis.com/${typeName(name)}`;
}

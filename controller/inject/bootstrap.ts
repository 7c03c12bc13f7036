import { canonicalRevision, canonicalService } from "../model/canonical.ts";
import type { MeshSettings } from "../model/mesh.ts";
import type { Proxy } from "../model/proxy.ts";
import { adminCluster, adminListener, prometheusListener, readyListener } from "./listeners.ts";
import { statsConfig } from "./stats.ts";

export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

export interface BootstrapOptions {
  readonly proxy: Proxy;
  readonly settings: MeshSettings;
  /** Region, zone and the rest, joined by `/`; absent: not known. */
  readonly locality?: string;
  /** The controller's xDS port. */
  readonly xds: SocketAddress;
  /** Path of the unix socket for Envoy's admin; at most 107 bytes. Only its owner may open it. */
  readonly adminSocket: string;
  /** Istio's ports. What listens on `admin` lets configuration, statistics and log levels through and nothing else. */
  readonly listen: {
    /** `/stats/prometheus`; Istio's 0.0.0.0:15090. */
    readonly prometheus: SocketAddress;
    /** `/healthz/ready`; Istio's 0.0.0.0:15021. */
    readonly ready: SocketAddress;
    /** Istio's 127.0.0.1:15000. */
    readonly admin: SocketAddress;
  };
}

/** Largest message from the controller: gRPC's own 4 MB would end the stream at a larger module. */
const messageBytesMax = 64 << 20;

/** Where Envoy begins to give memory back (90 %) and to refuse requests (98 %). */
const heapBytesMax = 256 << 20;

const connectionsMax = 20_000;

/**
 * The file an Envoy starts with, as JSON: who it is, and where the rest comes from.
 *
 * @see envoy.config.bootstrap.v3.Bootstrap
 */
export function bootstrap(options: BootstrapOptions): Readonly<Record<string, unknown>> {
  const { settings, xds, adminSocket, listen } = options;
  return {
    node: node(options),
    admin: { address: { pipe: { path: adminSocket, mode: 0o600 } } },
    dynamic_resources: {
      cds_config: fromAds,
      lds_config: fromAds,
      ads_config: adsConfig(xds),
    },
    static_resources: {
      clusters: [adminCluster(adminSocket)],
      listeners: [prometheusListener(listen.prometheus), readyListener(listen.ready), adminListener(listen.admin)],
    },
    stats_config: statsConfig(settings.domain),
    layered_runtime: {
      layers: [
        { name: "static", static_layer: { "http.max_requests_per_io_cycle": 1 } },
        { name: "admin", admin_layer: {} },
      ],
    },
    overload_manager: overload,
  };
}

const fromAds = { ads: {}, initial_fetch_timeout: "0s", resource_api_version: "V3" };

function node({ proxy, settings, locality }: BootstrapOptions): Readonly<Record<string, unknown>> {
  const [region = "", zone = "", sub_zone = ""] = (locality ?? "").split("/");
  return {
    id: proxy.id,
    cluster: `${canonicalService(proxy.labels, proxy.workload)}.${proxy.namespace}`,
    ...(locality === undefined ? {} : { locality: { region, zone, sub_zone } }),
    metadata: {
      NAME: proxy.name,
      NAMESPACE: proxy.namespace,
      LABELS: {
        ...proxy.labels,
        "service.istio.io/canonical-name": canonicalService(proxy.labels, proxy.workload),
        "service.istio.io/canonical-revision": canonicalRevision(proxy.labels),
      },
      SERVICE_ACCOUNT: proxy.serviceAccount,
      WORKLOAD_NAME: proxy.workload,
      OWNER: `kubernetes://apis/apps/v1/namespaces/${proxy.namespace}/deployments/${proxy.workload}`,
      CLUSTER_ID: settings.clusterId,
      MESH_ID: settings.domain,
      INSTANCE_IPS: proxy.ip,
      INTERCEPTION_MODE: proxy.interception,
    },
  };
}

/** Delta ADS by Google's gRPC client, which reads a token file again at each stream once there is one. */
function adsConfig(xds: SocketAddress): Readonly<Record<string, unknown>> {
  const args = {
    "grpc.max_receive_message_length": { int_value: messageBytesMax },
    "grpc.keepalive_time_ms": { int_value: 30_000 },
    "grpc.keepalive_timeout_ms": { int_value: 10_000 },
    "grpc.http2.max_pings_without_data": { int_value: 0 },
  };
  return {
    api_type: "DELTA_GRPC",
    transport_api_version: "V3",
    set_node_on_first_message_only: true,
    grpc_services: [
      {
        google_grpc: {
          target_uri: `${xds.address}:${xds.port}`,
          stat_prefix: "xds-grpc",
          channel_args: { args },
        },
      },
    ],
  };
}

const overload = {
  refresh_interval: "0.25s",
  resource_monitors: [
    {
      name: "envoy.resource_monitors.fixed_heap",
      typed_config: {
        "@type": "type.googleapis.com/envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig",
        max_heap_size_bytes: heapBytesMax,
      },
    },
    {
      name: "envoy.resource_monitors.global_downstream_max_connections",
      typed_config: {
        "@type":
          "type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
        max_active_downstream_connections: connectionsMax,
      },
    },
  ],
  actions: [
    {
      name: "envoy.overload_actions.shrink_heap",
      triggers: [{ name: "envoy.resource_monitors.fixed_heap", threshold: { value: 0.9 } }],
    },
    {
      name: "envoy.overload_actions.stop_accepting_requests",
      triggers: [{ name: "envoy.resource_monitors.fixed_heap", threshold: { value: 0.98 } }],
    },
  ],
};

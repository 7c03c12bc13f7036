import { canonicalRevision, canonicalService } from "../model/canonical.ts";
import type { MeshSettings } from "../model/mesh.ts";
import type { Proxy } from "../model/proxy.ts";
import { version } from "../model/version.ts";
import { adsConfig, type XdsServer } from "./ads.ts";
import { adminCluster, adminListener, prometheusListener, readyListener } from "./listeners.ts";
import { probeClusters, probeListener } from "./probe-listener.ts";
import type { ProbeRoute } from "./probes.ts";
import { extraLabels, statsConfig } from "./stats.ts";
import { ownerUrl } from "./workload.ts";

export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

export interface BootstrapOptions {
  readonly proxy: Proxy;
  readonly settings: MeshSettings;
  /** Region, zone and the rest, joined by `/`; absent: not known. */
  readonly locality?: string;
  /** `kubernetes://apis/apps/v1/namespaces/shop/deployments/cart`; absent: the Deployment named as the workload. */
  readonly owner?: string;
  readonly xds: XdsServer;
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
    /** The application's probes; Istio's 0.0.0.0:15020. Needed where there are `probes`. */
    readonly probes?: SocketAddress;
  };
  /** Of the application in the pod, which the proxy asks in the kubelet's place. */
  readonly probes?: readonly ProbeRoute[];
  /** Labels of filters' metrics, beside Istio's and those of Sluice's filters. */
  readonly statTags?: readonly string[];
  /** Of this Envoy gives memory back from 90 % on, and refuses requests from 98 %. Absent: its heap is not watched. */
  readonly heapBytesMax?: number | undefined;
}

const connectionsMax = 20_000;

/**
 * The file an Envoy starts with, as JSON: who it is, and where the rest comes from.
 *
 * @see envoy.config.bootstrap.v3.Bootstrap
 */
export function bootstrap(options: BootstrapOptions): Readonly<Record<string, unknown>> {
  const { proxy, settings, xds, adminSocket, listen, probes = [], statTags = [] } = options;
  return {
    node: node(options),
    admin: { address: { pipe: { path: adminSocket, mode: 0o600 } } },
    dynamic_resources: {
      cds_config: fromAds,
      lds_config: fromAds,
      ads_config: adsConfig(xds),
    },
    static_resources: {
      clusters: [adminCluster(adminSocket), ...probeClusters(probes, proxy.ip)],
      listeners: [
        prometheusListener(listen.prometheus),
        readyListener(listen.ready),
        adminListener(listen.admin),
        ...(listen.probes && probes.length > 0 ? [probeListener(listen.probes, probes, proxy.ip)] : []),
      ],
    },
    stats_config: statsConfig(settings.domain, statTags),
    layered_runtime: {
      layers: [
        { name: "static", static_layer: { "http.max_requests_per_io_cycle": 1 } },
        { name: "admin", admin_layer: {} },
      ],
    },
    overload_manager: overload(options),
  };
}

const fromAds = { ads: {}, initial_fetch_timeout: "0s", resource_api_version: "V3" };

function node({
  proxy,
  settings,
  locality,
  owner,
  statTags = [],
}: BootstrapOptions): Readonly<Record<string, unknown>> {
  const [region = "", zone = "", sub_zone = ""] = (locality ?? "").split("/");
  return {
    id: proxy.id,
    cluster: `${canonicalService(proxy.labels, proxy.workload)}.${proxy.namespace}`,
    ...(locality === undefined ? {} : { locality: { region, zone, sub_zone } }),
    metadata: {
      ISTIO_VERSION: version,
      NAME: proxy.name,
      NAMESPACE: proxy.namespace,
      LABELS: {
        ...proxy.labels,
        "service.istio.io/canonical-name": canonicalService(proxy.labels, proxy.workload),
        "service.istio.io/canonical-revision": canonicalRevision(proxy.labels),
      },
      SERVICE_ACCOUNT: proxy.serviceAccount,
      WORKLOAD_NAME: proxy.workload,
      OWNER: owner ?? ownerUrl({ apiVersion: "apps/v1", kind: "Deployment", name: proxy.workload }, proxy.namespace),
      CLUSTER_ID: settings.clusterId,
      MESH_ID: settings.domain,
      INSTANCE_IPS: proxy.ip,
      INTERCEPTION_MODE: proxy.interception,
      STAT_TAGS: extraLabels(statTags).join(","), // for the telemetry filter: labels that can be added to metrics
    },
  };
}

function overload({ heapBytesMax }: BootstrapOptions): Readonly<Record<string, unknown>> {
  const monitor = (name: string, type: string, limit: Readonly<Record<string, number>>) => ({
    name: `envoy.resource_monitors.${name}`,
    typed_config: { "@type": `type.googleapis.com/envoy.extensions.resource_monitors.${type}`, ...limit },
  });
  const action = (name: string, value: number) => ({
    name: `envoy.overload_actions.${name}`,
    triggers: [{ name: "envoy.resource_monitors.fixed_heap", threshold: { value } }],
  });
  const heap = heapBytesMax !== undefined;
  return {
    refresh_interval: "0.25s",
    resource_monitors: [
      ...(heap ? [monitor("fixed_heap", "fixed_heap.v3.FixedHeapConfig", { max_heap_size_bytes: heapBytesMax })] : []),
      monitor("global_downstream_max_connections", "downstream_connections.v3.DownstreamConnectionsConfig", {
        max_active_downstream_connections: connectionsMax,
      }),
    ],
    ...(heap && { actions: [action("shrink_heap", 0.9), action("stop_accepting_requests", 0.98)] }),
  };
}

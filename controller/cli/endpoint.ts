import { addressText, type EndpointFilter, passesEndpoint } from "./address.ts";
import type { ClusterStatuses } from "./dump.ts";
import type { ClusterStatus, HostStatus } from "./envoy-json.ts";
import { compareText } from "./order.ts";
import { table } from "./table.ts";

/** What the proxy itself sees of its upstreams: health and outlier ejection, from `/clusters`. */
export function endpointTable(statuses: ClusterStatuses, filter: EndpointFilter): string {
  const rows = statuses.cluster_statuses
    .flatMap((cluster) => hostsOf(cluster, filter).map((host) => ({ cluster: cluster.name ?? "", host })))
    .map(({ cluster, host }) => ({ cluster, host, ...place(host) }))
    .sort((a, b) => compareText(a.address, b.address) || a.port - b.port || compareText(a.cluster, b.cluster))
    .map(({ cluster, host, address, port }) => [
      port === 0 ? address : `${address}:${port}`,
      statusOf(host),
      host.health_status?.failed_outlier_check === true ? "FAILED" : "OK",
      cluster,
    ]);
  return table([["ENDPOINT", "STATUS", "OUTLIER CHECK", "CLUSTER"], ...rows]);
}

/** Clusters that have an endpoint which passes the filter, whole. */
export function endpointClusters(statuses: ClusterStatuses, filter: EndpointFilter): readonly ClusterStatus[] {
  return statuses.cluster_statuses.filter((cluster) => hostsOf(cluster, filter).length > 0);
}

function hostsOf({ name = "", host_statuses = [] }: ClusterStatus, filter: EndpointFilter): readonly HostStatus[] {
  return host_statuses.filter((host) =>
    passesEndpoint({ address: host.address, cluster: name, status: statusOf(host) }, filter),
  );
}

function statusOf({ health_status }: HostStatus): string {
  return health_status?.eds_health_status ?? "UNKNOWN";
}

function place({ address }: HostStatus): { readonly address: string; readonly port: number } {
  const { socket_address, pipe } = address ?? {};
  if (socket_address) return { address: socket_address.address ?? "", port: socket_address.port_value ?? 0 };
  return { address: pipe ? `unix://${pipe.path ?? ""}` : addressText(address), port: 0 };
}

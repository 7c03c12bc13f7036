import { parseClusterName } from "../model/names.ts";
import { type ConfigDump, section } from "./dump.ts";
import type { Cluster } from "./envoy-json.ts";
import { managedBy } from "./managed-by.ts";
import { clusterParts, compareClusterNames } from "./order.ts";
import { table } from "./table.ts";

/** Each absent field lets all pass. */
export interface ClusterFilter {
  /** A part of the host, or of the name of a cluster that stands for no service. */
  readonly fqdn?: string;
  readonly port?: number;
  /** A part of the subset's name. */
  readonly subset?: string;
  readonly direction?: string;
}

/** Active clusters, by host, subset, port and direction. */
export function clustersOf(dump: ConfigDump, filter: ClusterFilter): readonly Cluster[] {
  const { dynamic_active_clusters = [], static_clusters = [] } = section(dump, "ClustersConfigDump");
  return [...dynamic_active_clusters, ...static_clusters]
    .flatMap(({ cluster }) => cluster ?? [])
    .filter((cluster) => passes(cluster, filter))
    .sort((a, b) => compareClusterNames(a.name, b.name));
}

/** @param isNamed leads with a column NAME: `cluster/<name>`, as `proxy-config all` does */
export function clusterTable(clusters: readonly Cluster[], isNamed = false): string {
  const head = ["SERVICE FQDN", "PORT", "SUBSET", "DIRECTION", "TYPE", "DESTINATION RULE"];
  const rows = clusters.map((cluster) => {
    const { name = "", type = "STATIC" } = cluster;
    const parts = parseClusterName(name);
    const columns = parts
      ? [parts.host, String(parts.port), parts.subset || "-", parts.direction]
      : [name, "-", "-", "-"];
    return [...(isNamed ? [`cluster/${name}`] : []), ...columns, type, managedBy(cluster.metadata)];
  });
  return table([[...(isNamed ? ["NAME"] : []), ...head], ...rows]);
}

function passes({ name = "" }: Cluster, { fqdn, port, subset, direction }: ClusterFilter): boolean {
  const { host, ...parts } = clusterParts(name);
  return (
    (fqdn === undefined || host.includes(fqdn)) &&
    (port === undefined || parts.port === port) &&
    (subset === undefined || parts.subset.includes(subset)) &&
    (direction === undefined || parts.direction === direction)
  );
}

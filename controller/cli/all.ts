import type { EndpointFilter } from "./address.ts";
import { bootstrapTable } from "./bootstrap.ts";
import { type ClusterFilter, clustersOf, clusterTable } from "./cluster.ts";
import type { ConfigDump } from "./dump.ts";
import { ecdsTable, extensionsOf } from "./ecds.ts";
import { assignmentsOf, assignmentTable } from "./eds.ts";
import { type ListenerFilter, listenersOf, listenerTable } from "./listener.ts";
import { type RouteFilter, routesOf, routeTable } from "./route.ts";
import { secretTable } from "./secret.ts";

export interface AllOptions extends ClusterFilter, ListenerFilter, RouteFilter, EndpointFilter {
  readonly verbose?: boolean;
  readonly withHeaders?: boolean;
}

/** Every table of a proxy, one after the other, rows named by their kind; the slots, which Istio lacks, come last. */
export function allTables(dump: ConfigDump, options: AllOptions, nowMs: number): string {
  const { withHeaders } = options;
  const named = { ...options, isNamed: true };
  const blocks: readonly (readonly [string, string])[] = [
    ["BOOTSTRAP", bootstrapTable(dump)],
    ["CLUSTER", clusterTable(clustersOf(dump, options), true)],
    ["LISTENER", listenerTable(listenersOf(dump, options), named)],
    ["ROUTE", routeTable(routesOf(dump, options), named)],
    ["ENDPOINTS", assignmentTable(assignmentsOf(dump, options), true)],
    ["SECRETS", secretTable(dump, nowMs, true)],
    ["ECDS", ecdsTable(extensionsOf(dump), true)],
  ];
  return blocks.map(([title, text]) => `${withHeaders ? `------ ${title} INFO ------\n\n` : ""}${text}`).join("\n");
}

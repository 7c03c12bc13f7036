import { addressText, type EndpointFilter, passesEndpoint } from "./address.ts";
import { type ConfigDump, section } from "./dump.ts";
import type { ClusterLoadAssignment, LbEndpoint, LocalityLbEndpoints } from "./envoy-json.ts";
import { compareClusterNames } from "./order.ts";
import { table } from "./table.ts";

/** What the control plane told the proxy of its upstreams: clusters that have an endpoint which passes, and only those. */
export function assignmentsOf(dump: ConfigDump, filter: EndpointFilter): readonly ClusterLoadAssignment[] {
  const { dynamic_endpoint_configs = [], static_endpoint_configs = [] } = section(dump, "EndpointsConfigDump");
  return [...dynamic_endpoint_configs, ...static_endpoint_configs]
    .flatMap(({ endpoint_config }) => endpoint_config ?? [])
    .map((assignment) => filtered(assignment, filter))
    .filter(({ endpoints = [] }) => endpoints.some(({ lb_endpoints = [] }) => lb_endpoints.length > 0))
    .sort((a, b) => compareClusterNames(a.cluster_name, b.cluster_name));
}

/** @param isNamed names are `endpoint/<address>`, as in `proxy-config all` */
export function assignmentTable(assignments: readonly ClusterLoadAssignment[], isNamed = false): string {
  const rows = assignments.flatMap(({ cluster_name = "", endpoints = [] }) =>
    endpoints.flatMap(({ locality, lb_endpoints = [] }) =>
      lb_endpoints.map((one) => [
        `${isNamed ? "endpoint/" : ""}${addressesOf(one).map(addressText).join(",")}`,
        one.health_status ?? "UNKNOWN",
        localityText(locality),
        cluster_name,
      ]),
    ),
  );
  return table([["NAME", "STATUS", "LOCALITY", "CLUSTER"], ...rows]);
}

function filtered(assignment: ClusterLoadAssignment, filter: EndpointFilter): ClusterLoadAssignment {
  const { cluster_name: cluster = "", endpoints = [] } = assignment;
  const passes = (one: LbEndpoint): boolean =>
    addressesOf(one).some((address) =>
      passesEndpoint({ address, cluster, status: one.health_status ?? "UNKNOWN" }, filter),
    );
  const left = endpoints.map((group) => ({ ...group, lb_endpoints: (group.lb_endpoints ?? []).filter(passes) }));
  return { ...assignment, endpoints: left };
}

function addressesOf({ endpoint }: LbEndpoint) {
  return [endpoint?.address, ...(endpoint?.additional_addresses ?? []).map(({ address }) => address)];
}

/** `eu-1/eu-1a/rack-2`, as far as it goes. */
function localityText(locality: LocalityLbEndpoints["locality"] = {}): string {
  const { region = "", zone, sub_zone } = locality;
  if (!zone) return region;
  return sub_zone ? `${region}/${zone}/${sub_zone}` : `${region}/${zone}`;
}

// What the commands print of testdata/config_dump.json and testdata/clusters.json, which a real Envoy 1.40 printed: a
// sidecar with Istio's listeners, clusters and routes, and plugins in two of its four slots.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { allTables } from "./all.ts";
import { clustersOf, clusterTable } from "./cluster.ts";
import { type ConfigDump, parseClusterStatuses, parseConfigDump } from "./dump.ts";
import { ecdsTable, extensionsOf } from "./ecds.ts";
import { assignmentsOf, assignmentTable } from "./eds.ts";
import { endpointClusters, endpointTable } from "./endpoint.ts";
import { listenersOf, listenerTable } from "./listener.ts";
import { routesOf, routeTable } from "./route.ts";
import { secretTable } from "./secret.ts";
import { structured } from "./structured.ts";

function read(name: string): string {
  return readFileSync(`${import.meta.dirname}/testdata/${name}`, "utf8");
}

const dump = parseConfigDump(read("config_dump.json")) ?? { configs: [] };
const statuses = parseClusterStatuses(read("clusters.json")) ?? { cluster_statuses: [] };
const catalog = "catalog.istioinaction.svc.cluster.local";

/** While the certificates of the dump were valid. */
const nowMs = Date.parse("2026-11-24T00:00:00Z");

describe("every table", () => {
  test.each([
    ["cluster.txt", clusterTable(clustersOf(dump, {}))],
    ["listener.txt", listenerTable(listenersOf(dump, {}), { verbose: true })],
    ["listener-brief.txt", listenerTable(listenersOf(dump, {}), { verbose: false })],
    ["route.txt", routeTable(routesOf(dump, {}), { verbose: true })],
    ["route-brief.txt", routeTable(routesOf(dump, {}), { verbose: false })],
    ["endpoint.txt", endpointTable(statuses, {})],
    ["eds.txt", assignmentTable(assignmentsOf(dump, {}))],
    ["secret.txt", secretTable(dump, nowMs)],
    ["ecds.txt", ecdsTable(extensionsOf(dump))],
    ["all.txt", allTables(dump, { verbose: true, withHeaders: true }, nowMs)],
    ["all-brief.txt", allTables(dump, { verbose: false }, nowMs)],
  ])("%s", async (name, text) => {
    await expect(text).toMatchFileSnapshot(`testdata/${name}`);
  });
});

test.each([
  ["2026-11-23T18:33:42Z", ["false", "false", "false"]],
  ["2026-11-24T18:33:42Z", ["false", "true", "true"]],
  ["2026-11-24T18:33:43Z", ["false", "false", "true"]],
  ["2036-11-20T18:33:43Z", ["false", "false", "false"]],
])("at %s the certificates are valid: %j", (time, valid) => {
  expect(secretTable(dump, Date.parse(time)).match(/\b(true|false)\b/g)).toEqual(valid);
});

test("json has the resources as the admin prints them", () => {
  const json = structured(clustersOf(dump, { subset: "version-v1" }), "json");
  expect(json.startsWith('[\n    {\n        "')).toBe(true);
  const [cluster] = JSON.parse(json);
  expect(cluster).toMatchObject({ type: "EDS", lb_policy: "LEAST_REQUEST", connect_timeout: "10s" });
});

test("yaml has sorted keys", async () => {
  await expect(
    structured(endpointClusters(statuses, { port: 8080, address: "10.0.0.21" }), "yaml"),
  ).toMatchFileSnapshot("testdata/endpoint.yaml");
});

describe("filters", () => {
  const names = (all: readonly { readonly name?: string }[]): readonly (string | undefined)[] =>
    all.map(({ name }) => name);
  test.each([
    [{ fqdn: "catalog" }, [`outbound|80||${catalog}`, `outbound|80|version-v1|${catalog}`]],
    [{ fqdn: "Passthrough" }, ["InboundPassthroughCluster", "PassthroughCluster"]],
    [{ direction: "inbound" }, ["inbound|8080||"]],
    [{ port: 443 }, ["outbound|443||api.example.com"]],
    [{ subset: "v1", port: 80 }, [`outbound|80|version-v1|${catalog}`]],
    [{ fqdn: "nothing" }, []],
  ])("cluster %j", (filter, expected) => {
    expect(names(clustersOf(dump, filter))).toEqual(expected);
  });
  test.each([
    [{ port: 15007 }, ["127.0.0.1_15007"]],
    [{ address: "::1" }, ["127.0.0.1_15007"]],
    [{ type: "tcp" }, ["10.96.1.2_443", "virtualOutbound"]],
    [{ type: "HTTP+TCP", address: "0.0.0.0" }, ["0.0.0.0_80", "virtualInbound"]],
  ])("listener %j", (filter, expected) => {
    expect(names(listenersOf(dump, filter))).toEqual(expected);
  });
  test.each([
    [{ name: "80" }, ["80"]],
    [{ name: "8" }, []],
  ])("route %j", (filter, expected) => {
    expect(names(routesOf(dump, filter))).toEqual(expected);
  });
  // Envoy's dump of its endpoints calls a draining one unhealthy.
  test.each([
    [{ status: "unhealthy" }, 1, 2],
    [{ address: "10.0.0.11" }, 2, 2],
    [{ address: "10.0.0.11", cluster: `outbound|80||${catalog}` }, 1, 1],
    [{ port: 3000, status: "HEALTHY" }, 2, 2],
    [{ address: "10.0.0.11:3001" }, 0, 0],
  ])("endpoint %j", (filter, inClusters, inDump) => {
    const lines = (text: string): number => text.trimEnd().split("\n").length - 1;
    expect(lines(endpointTable(statuses, filter))).toBe(inClusters);
    expect(lines(assignmentTable(assignmentsOf(dump, filter)))).toBe(inDump);
  });
});

describe("what a dump may lack", () => {
  const empty: ConfigDump = { configs: [] };
  const bare = (name: string, rest: object): ConfigDump => ({
    configs: [{ "@type": `type.googleapis.com/envoy.admin.v3.${name}`, ...rest }],
  });

  test("every part of it", () => {
    expect(
      allTables(empty, { verbose: true }, nowMs)
        .split("\n")
        .filter((line) => line !== ""),
    ).toEqual([
      "Envoy Version: 0.0.0",
      "NAME     SERVICE FQDN     PORT     SUBSET     DIRECTION     TYPE     DESTINATION RULE",
      "NAME ADDRESSES PORT MATCH DESTINATION",
      "NAME     VHOST NAME     DOMAINS     MATCH     VIRTUAL SERVICE",
      "NAME     STATUS     LOCALITY     CLUSTER",
      "No secret items to show.",
      "ECDS NAME     TYPE     PLUGIN     MODULE     PORTS",
    ]);
  });

  test("a listener that only warms, and fields of any row", () => {
    const listeners = bare("ListenersConfigDump", {
      dynamic_listeners: [{ name: "x", warming_state: {} }, { active_state: { listener: {} } }],
    });
    expect(listenerTable(listenersOf(listeners, {}), { verbose: false })).toBe(
      "ADDRESSES PORT TYPE\n          0    UNKNOWN\n",
    );
    const routes = bare("RoutesConfigDump", {
      dynamic_route_configs: [{}, { route_config: { virtual_hosts: [{ routes: [{}] }] } }],
    });
    expect(routeTable(routesOf(routes, {}), { verbose: true }).split("\n")[1]?.trim()).toBe("");
    const clusters = bare("ClustersConfigDump", { dynamic_active_clusters: [{ cluster: {} }] });
    expect(clusterTable(clustersOf(clusters, {}))).toContain("STATIC");
    expect(endpointTable({ cluster_statuses: [{ name: "x", host_statuses: [{}] }] }, {})).toContain(
      "unknown      UNKNOWN     OK                x",
    );
  });
});

test("plugins that only an HTTP proxy's inner matcher runs, and filters that are no module, are shown", () => {
  const run = (...names: readonly string[]) => ({
    action: {
      typed_config: {
        filter_chain: {
          typed_config: names.map((name) => ({ name, typed_config: { "@type": "type.googleapis.com/a.v3.RBAC" } })),
        },
      },
    },
  });
  const typed_config = {
    "@type": "type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcher",
    xds_matcher: {
      matcher_tree: {
        exact_match_map: {
          map: {
            80: run("a", "c"),
            15007: { matcher: { matcher_list: { matchers: [{ on_match: run("a", "b") }] }, on_no_match: run("c") } },
          },
        },
      },
      on_no_match: run("c"),
    },
  };
  const rows = ecdsTable([{ name: "outbound/authn", typed_config }])
    .split("\n")
    .slice(1, -1);
  expect(rows.map((row) => row.split(/ {5,}/).slice(2))).toEqual([
    ["a", "RBAC", "80"],
    ["b", "RBAC", "by authority"],
    ["c", "RBAC", "ALL"],
  ]);
});

test("a network slot is for the port in its name", () => {
  const vm_config = { vm_id: "shop/log", code: { local: { inline_bytes: "" } } };
  const wasm = { "@type": "type.googleapis.com/envoy.extensions.filters.network.wasm.v3.Wasm", config: { vm_config } };
  const rbac = { "@type": "type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC" };
  const rows = ecdsTable([
    { name: "outbound/network/stats", typed_config: wasm },
    { name: "outbound/network/stats/5432", typed_config: wasm },
    { name: "outbound/network/authz/5432", typed_config: rbac },
  ]);
  expect(rows.split("\n").map((row) => row.split(/ {5,}/).filter((_, i) => i !== 1))).toEqual([
    ["ECDS NAME", "PLUGIN", "MODULE", "PORTS"],
    ["outbound/network/stats", "shop/log", "-", "ALL"],
    ["outbound/network/stats/5432", "shop/log", "-", "5432"],
    ["outbound/network/authz/5432", "-", "-", "-"],
    [""],
  ]);
});

test("an ejected endpoint is FAILED", () => {
  const host = { health_status: { eds_health_status: "HEALTHY", failed_outlier_check: true } };
  expect(endpointTable({ cluster_statuses: [{ name: "x", host_statuses: [host] }] }, {})).toContain(
    "HEALTHY     FAILED",
  );
});

test.each(["", "[]", "null", "{}", '{"configs": 3}', "clusters: []"])("%j is neither dump", (text) => {
  expect(parseConfigDump(text)).toBeUndefined();
  expect(parseClusterStatuses(text)).toBeUndefined();
});

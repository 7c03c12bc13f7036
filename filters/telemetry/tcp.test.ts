import { describe, expect, test } from "vitest";
import { istioFields } from "../../controller/translate/access-log.ts";
import * as Status from "../../sdk/abi/status.ts";
import type { Host, PropertyValue } from "../../sdk/host/index.ts";
import { inspectModule } from "../../sdk/module/inspect.ts";
import {
  inbound,
  labelsIn,
  load,
  module,
  noMoreTicks,
  own,
  plain,
  router,
  service,
  toService,
  unknown,
} from "./test-support/requests.ts";
import "../../sdk/vitest/index.ts";

// TCP connections: the module as a network filter, whose root_id is `network`.

const names = {
  sent: "istio_tcp_sent_bytes_total",
  received: "istio_tcp_received_bytes_total",
  opened: "istio_tcp_connections_opened_total",
  closed: "istio_tcp_connections_closed_total",
} as const;

const loadTcp = (options: Parameters<typeof load>[0] = {}) => load({ upstream: false, rootId: "network", ...options });

/** What Envoy says of a connection: changed while it is open. */
const connected = (): Record<string, PropertyValue | undefined> => ({
  ...plain,
  "xds.cluster_metadata.filter_metadata.istio": "the service",
  "xds.cluster_metadata.filter_metadata.istio.services.0": service,
  "upstream.address": "10.0.0.7:5432",
  "request.total_size": 0n,
  "response.total_size": 0n,
});

/** Values of the four counters for each set of labels, by some of the labels. */
function counts(host: Host, ...labels: string[]): readonly unknown[] {
  const named = host.metrics.names.filter((name) => name.endsWith(names.opened));
  return named.map((name) => {
    const value = (metric: string) => host.metrics.counter(name.replace(names.opened, metric)) ?? 0;
    const found = labelsIn(name);
    return [...labels.map((label) => found[label]), ...Object.values(names).map(value)];
  });
}

test("the manifest has their labels: those of requests but for what only a response has", async () => {
  const { metrics = [] } = inspectModule(module).manifest ?? {};
  const ofRequests = metrics.find(({ name }) => name === "istio_requests_total")?.labels ?? [];
  const status = ["response_code", "grpc_response_status"];
  for (const name of Object.values(names))
    expect(metrics.find((one) => one.name === name)?.labels).toEqual(ofRequests.filter((one) => !status.includes(one)));
});

describe("a connection", () => {
  test("is counted while it is open, and its end", async () => {
    const host = await loadTcp();
    const properties = connected();
    const connection = host.connect({ properties });
    expect(counts(host)).toEqual([]);
    properties["request.total_size"] = 10n;
    host.advance("5s");
    expect(counts(host)).toEqual([[0, 10, 1, 0]]);
    Object.assign(properties, { "request.total_size": 15n, "response.total_size": 0x1_8000_0000n });
    host.advance("5s");
    expect(counts(host)).toEqual([[0x1_8000_0000, 15, 1, 0]]);
    host.advance("5s");
    expect(counts(host)).toEqual([[0x1_8000_0000, 15, 1, 0]]);
    properties["request.total_size"] = 16n;
    connection.client.reset();
    expect(counts(host)).toEqual([[0x1_8000_0000, 16, 1, 1]]);
  });

  test("is counted once it is known where it leads", async () => {
    const host = await loadTcp();
    const properties = connected();
    const address = properties["upstream.address"];
    properties["upstream.address"] = undefined;
    host.connect({ properties });
    host.advance("5s");
    expect(counts(host)).toEqual([]);
    properties["upstream.address"] = address;
    host.advance("5s");
    expect(counts(host, "destination_service_name")).toEqual([["catalog", 0, 0, 1, 0]]);
  });

  test("that comes to nothing is opened and closed with its flags", async () => {
    const host = await loadTcp();
    host.connect({ properties: { ...plain, "response.flags": 0x20n } }).client.reset();
    expect(counts(host, "response_flags")).toEqual([["UF", 0, 0, 1, 1]]);
  });

  test("that fails after it was counted ends among those with its flags", async () => {
    const host = await loadTcp();
    const properties = connected();
    const connection = host.connect({ properties });
    host.advance("5s");
    Object.assign(properties, { "response.flags": 0x40n, "request.total_size": 3n });
    connection.client.reset();
    const closed = host.metrics.names.filter((name) => name.endsWith(names.closed));
    expect(closed.map((name) => [labelsIn(name)["response_flags"], host.metrics.counter(name)])).toEqual([["UC", 1]]);
  });
});

describe("labels", () => {
  /** Of a connection that is over. */
  async function labels(options: Parameters<typeof load>[0], more: Record<string, string>, of = connected()) {
    const host = await loadTcp(options);
    host.connect({ properties: { ...of, ...more } }).client.reset();
    const [name = ""] = host.metrics.names.filter((one) => one.endsWith(names.closed));
    return labelsIn(name);
  }
  const rest = { request_protocol: "tcp", response_flags: "-" };

  test("at the client the destination is what its endpoint's metadata say", async () => {
    const workload = "catalog-v2;store;things;v2;west";
    const metadata = { "xds.upstream_host_metadata.filter_metadata.istio.workload": workload };
    expect(await labels({}, metadata)).toEqual({
      ...{ reporter: "source", ...own("source"), source_principal: "unknown", ...unknown("destination") },
      ...{ destination_workload: "catalog-v2", destination_workload_namespace: "store", destination_cluster: "west" },
      ...{ destination_canonical_service: "things", destination_canonical_revision: "v2" },
      ...{ ...toService, destination_principal: "unknown", ...rest, connection_security_policy: "unknown" },
    });
  });

  test("at the server the source is what its certificate says", async () => {
    const certificates = {
      "connection.uri_san_peer_certificate": "spiffe://cluster.local/ns/store/sa/web",
      "connection.uri_san_local_certificate": "spiffe://cluster.local/ns/shop/sa/web",
    };
    expect(await labels(inbound, certificates)).toMatchObject({
      ...{ reporter: "destination", ...unknown("source"), source_workload_namespace: "store" },
      source_principal: "spiffe://cluster.local/ns/store/sa/web",
      ...{ ...own("destination"), ...rest, connection_security_policy: "mutual_tls" },
    });
  });

  test.each`
    where                  | options             | name                           | expected
    ${"of no service"}     | ${{}}               | ${"PassthroughCluster"}        | ${{ destination_service: "unknown", destination_service_name: "PassthroughCluster" }}
    ${"of no known port"}  | ${inbound}          | ${"InboundPassthroughCluster"} | ${{ destination_service: "web", destination_service_name: "InboundPassthroughCluster" }}
    ${"through a gateway"} | ${{ node: router }} | ${"PassthroughCluster"}        | ${{ reporter: "source", destination_service: "unknown" }}
  `("a connection $where", async ({ options, name, expected }) => {
    expect(await labels(options, { "xds.cluster_name": name }, plain)).toMatchObject(expected);
  });
});

describe("settings", () => {
  const configured = async (...metrics: object[]): Promise<Host> => {
    const host = await loadTcp({ config: { metrics } });
    host.connect({ properties: { ...connected(), "request.total_size": 9n } }).client.reset();
    return host;
  };

  test("leave out a metric, a label, and set one", async () => {
    const name = "tcp_connections_opened_total";
    const host = await configured(
      { name: "tcp_received_bytes_total", drop: true },
      { name, tags_to_remove: ["source_app"], dimensions: { source_version: "'v7'" } },
    );
    expect(counts(host, "source_app", "source_version")).toEqual([[undefined, "v7", 0, 0, 1, 0]]);
    expect(host.metrics.names.filter((one) => one.endsWith(names.received))).toEqual([]);
  });

  test("say how often what is open is counted", async () => {
    const host = await loadTcp({ config: { tcp_reporting_duration: "1m" } });
    const properties = { ...connected(), "request.total_size": 9n };
    host.connect({ properties });
    host.advance("59s");
    expect(counts(host)).toEqual([]);
    host.advance("1s");
    expect(counts(host)).toEqual([[0, 9, 1, 0]]);
  });

  test("that leave out all metrics of TCP leave nothing to do", async () => {
    const host = await configured({ drop: true });
    expect(host.metrics.names.filter((one) => one.includes("tcp"))).toEqual([]);
    host.hostcalls.reset();
    host.connect({ properties: connected() }).client.reset();
    expect(host.hostcalls.total).toBe(0);
  });
});

test("labels by expressions of a connection that is counted while it is open are as at its start, of one that is over as at its end", async () => {
  const dimensions = { source_app: "source.address", source_version: "upstream.address" };
  const host = await loadTcp({ config: { metrics: [{ dimensions }] } });
  const whole = () => host.connect({ properties: { ...connected(), "source.address": "10.0.0.9:1" } });
  const start = { ...connected(), "upstream.address": undefined, "source.address": "10.0.0.9:1" };
  const open = host.connect({ properties: start });
  Object.assign(start, connected());
  host.advance("5s");
  expect(counts(host, "source_app", "source_version")).toEqual([["10.0.0.9:1", "unknown", 0, 0, 1, 0]]);
  open.client.reset();
  whole().client.reset();
  expect(counts(host, "source_app", "source_version")).toEqual([
    ["10.0.0.9:1", "10.0.0.7:5432", 0, 0, 1, 1],
    ["10.0.0.9:1", "unknown", 0, 0, 1, 1],
  ]);
});

test("a connection that fails keeps its labels by expressions beside its flags", async () => {
  const dimensions = { source_app: "source.address", source_version: "upstream.address" };
  const host = await loadTcp({ config: { metrics: [{ dimensions }] } });
  const fail = (seconds: number) => {
    const properties = { ...connected(), "source.address": "10.0.0.9:1", "upstream.address": undefined };
    const connection = host.connect({ properties });
    Object.assign(properties, { "upstream.address": "10.0.0.7:5432" });
    host.advance(`${seconds}s`);
    Object.assign(properties, { "response.flags": 0x40n });
    connection.client.reset();
  };
  fail(5);
  fail(1);
  const closed = host.metrics.names.filter((name) => name.endsWith(names.closed));
  const found = closed.map((name) => [labelsIn(name), host.metrics.counter(name)]);
  expect(found).toEqual([
    [expect.objectContaining({ source_app: "10.0.0.9:1", source_version: "10.0.0.7:5432", response_flags: "UC" }), 1],
    [expect.objectContaining({ source_app: "10.0.0.9:1", source_version: "unknown", response_flags: "UC" }), 1],
  ]);
});

test("what is known at the end only is unknown in a connection's labels", async () => {
  const dimensions = { source_app: "request.duration", source_version: "response.code_details" };
  const host = await loadTcp({ config: { metrics: [{ dimensions }] } });
  const connections = [connected(), connected()].map((properties) => host.connect({ properties }));
  connections[0]?.client.reset();
  host.advance("5s");
  connections[1]?.client.reset();
  expect(counts(host, "source_app", "source_version")).toEqual([["unknown", "unknown", 0, 0, 2, 2]]);
});

describe("the access log", () => {
  const fields = {
    ...{ start_time: "request.time", method: "request.method", code: "response.code", flags: "response.flags" },
    ...{ received: "request.size", sent: "response.size", took: "request.duration", to: "upstream.address" },
  };

  /** What a connection of 1.5 s leaves for the logger. */
  async function lineOf(accessLog: object, more: object = {}): Promise<string | undefined> {
    const host = await loadTcp({ config: { accessLog, ...more } });
    const connection = host.connect({ properties: { "upstream.address": "10.0.0.7:5432" } });
    connection.client.send("hi");
    connection.server.send("hello");
    host.advance("1500ms");
    expect(connection.filterState.size).toBe(0);
    connection.client.reset();
    return connection.filterState.get("sluice.access-log");
  }

  test.each`
    metrics       | more
    ${"counted"}  | ${{}}
    ${"left out"} | ${{ metrics: [{ drop: true }] }}
  `("has a line of each connection that is over, where metrics are $metrics", async ({ more }) => {
    expect(JSON.parse((await lineOf({ fields }, more)) ?? "")).toEqual({
      ...{ start_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/), method: null, code: 0, flags: "-" },
      ...{ received: 2, sent: 5, took: 1500, to: "10.0.0.7:5432" },
    });
  });

  test.each`
    filter                                   | logged
    ${"upstream.address == '10.0.0.7:5432'"} | ${true}
    ${"upstream.address == '10.0.0.8:5432'"} | ${false}
    ${"response.code >= 400"}                | ${false}
  `("has one where $filter: $logged", async ({ filter, logged }) => {
    expect((await lineOf({ filter, fields })) !== undefined).toBe(logged);
  });

  test("has 0 for how long it was open, where the clock is behind when it began", async () => {
    const host = await loadTcp({ config: { accessLog: { fields: { took: "request.duration" } } } });
    const began = BigInt(Date.UTC(2100, 0)) * 1_000_000n;
    const connection = host.connect({ properties: { ...connected(), "request.time": began } });
    connection.client.reset();
    expect(JSON.parse(connection.filterState.get("sluice.access-log") ?? "")).toEqual({ took: 0 });
  });

  test("has null for how long it was open, where the host does not say when it began", async () => {
    const host = await loadTcp({
      config: { accessLog: { fields: { took: "request.duration" } }, metrics: [{ drop: true }] },
    });
    const connection = host.connect({ properties: connected() });
    host.faults.fail("proxy_get_property", Status.NotFound);
    connection.client.reset();
    expect(JSON.parse(connection.filterState.get("sluice.access-log") ?? "")).toEqual({ took: null });
  });
});

test("workers, and the many connections of one, are counted together", async () => {
  const host = await loadTcp({ workers: 2 });
  const all = [0, 1, 0, 1, 0].map((worker) => host.connect({ properties: connected(), worker }));
  host.advance("5s");
  for (const at of [2, 0, 4, 1, 3]) {
    all[at]?.client.reset();
    host.advance("5s");
  }
  expect(counts(host)).toEqual([[0, 0, 5, 5]]);
});

test("nothing ticks while no connection is open", async () => {
  const host = await loadTcp();
  host.connect({ properties: connected() }).client.reset();
  host.advance("1ms"); // it hears of its own new metrics
  expect(host.hostcalls.trace(() => host.advance("60s"))).toEqual([noMoreTicks]);
  host.connect({ properties: connected() });
  host.advance("5s");
  expect(counts(host)).toEqual([[0, 0, 2, 1]]);
});

describe("the cost", () => {
  test("in host calls: of an open connection every 5 s, and of a whole one", async () => {
    const host = await loadTcp();
    const whole = () => host.connect({ properties: { ...connected(), "request.total_size": 9n } });
    const first = whole();
    host.advance("5s");
    host.hostcalls.reset();
    host.advance("5s");
    expect(host.hostcalls.byName).toEqual({ proxy_set_effective_context: 1, proxy_get_property: 2 });
    first.client.reset();
    host.hostcalls.reset();
    whole().client.reset();
    expect(host.hostcalls.byName).toEqual({ proxy_get_property: 8, proxy_increment_metric: 3 });
  });

  test("in host calls: of its line with Istio's fields", async () => {
    const host = await loadTcp({ config: { accessLog: { fields: istioFields }, metrics: [{ drop: true }] } });
    host.hostcalls.reset();
    host.connect({ properties: connected() }).client.reset();
    const attributes = { proxy_call_foreign_function: 2, proxy_get_property: 3, clock_time_get: 1 };
    expect(host.hostcalls.byName).toEqual({ ...attributes, proxy_get_header_map_pairs: 1, proxy_set_property: 1 });
  });

  test("in memory: nothing remains of ten thousand", async () => {
    const host = await loadTcp();
    const whole = () => host.connect({ properties: connected() }).client.reset();
    whole();
    const many = host.measure(() => {
      for (let i = 0; i < 10_000; i++) whole();
    });
    expect(many).toStayWithin({ memoryBytes: 3 * 65_536 });
  });
});

import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dashboards } from "../../deploy/grafana/dashboards.ts";
import { successRate } from "../../deploy/grafana/traffic.ts";
import {
  type Choice,
  choicesOf,
  type Dashboard,
  linesOf,
  type Moment,
  opened,
  timesOf,
  valuesOf,
} from "../support/grafana.ts";
import { call } from "../support/http.ts";
import { emptyMessage, grpcHeaders, http2Call } from "../support/http2.ts";
import { type Conversation, converse } from "../support/inside.ts";
import { node, startMesh, type TestMesh } from "../support/mesh.ts";
import { networkObstacle } from "../support/pod-network.ts";
import { type Prometheus, type Series, startPrometheus } from "../support/prometheus-server.ts";
import { echo, gatewayTo, virtualService, wasmPlugin, workload } from "../support/yaml.ts";
import { expected } from "./prometheus-expected.ts";
import istio from "./testdata/istio-dashboards.json" with { type: "json" };

// A real Prometheus scrapes the sidecars and the gateway of a mesh. The queries of Kiali's graph, of Istio's dashboards and
// of deploy/grafana answer what the load was: so many calls a window, by whom, to whom, with which answer.

let mesh: TestMesh;
let prometheus: Prometheus;
let conversation: Conversation;
/** When all of the load had been read. */
let time: number;

/** Seconds: longer than the whole load takes. */
const window = 120;
const namespace = "shop";

/** Calls, beyond one of each kind before them, from which Prometheus knows that a series began. */
const load = {
  gateway: { "/status/200": 8, "/status/503": 4 },
  webapp: { "/status/200": 6, "/status/404": 2 },
} as const;
/** gRPC calls of webapp to prices, with a message each way. */
const grpcLoad = 8;
/** Calls of catalog to orders: those that fail are tried again within a budget, the others by what they give as a deadline. */
const ordersLoad = { failing: 6, deadlines: { "0": 2, "100": 3, soon: 4 } };
const received = 'istio_requests_total{reporter="destination"}';
const histogram = 'istio_request_duration_milliseconds_count{reporter="destination"}';
const tcpBytes = "sum(istio_tcp_sent_bytes_total) by (reporter)";
/** Bytes that catalog and db send each other, beyond the first. */
const tcpLoad = 16;
/** Samples of a series: more than 1.5 for each of the 43 calls, the most that is counted in one; see `timesOf`. */
const samplesMin = 80;

const grpcApp = join(import.meta.dirname, "../support/http2-app.ts");
const obstacle = networkObstacle();
if (obstacle !== undefined) console.log(`what Prometheus reads is not tested: ${obstacle}`);

describe.skipIf(obstacle !== undefined)("what Prometheus reads of a mesh", () => {
  beforeAll(async () => {
    mesh = await startMesh({
      "catalog.yaml": workload("catalog"),
      "webapp.yaml": workload("webapp"),
      "edge.yaml": gatewayTo("catalog"),
      "orders.yaml": workload("orders"),
      "db.yaml": echo("db", [9000]),
      "prices.yaml": workload("prices", { port: "grpc", command: [node, grpcApp] }),
      "orders-route.yaml": virtualService("orders", "retries: {attempts: 3, retryOn: 5xx}"),
      "budget.yaml": wasmPlugin({
        name: "retry-budget",
        url: "builtin://retry-budget",
        app: "catalog",
        config: { window: "10m", percent: 50, minRetries: 1 },
      }),
      "deadline.yaml": wasmPlugin({ name: "deadline", url: "builtin://deadline", app: "catalog" }),
    });
    const workloads = ["istio-ingressgateway", "webapp", "catalog", "prices", "db"];
    const pods = await Promise.all(workloads.map((name) => mesh.pod(name)));
    const targets = { gateway: await mesh.gateway(), webapp: await mesh.httpProxy("webapp") };
    const catalog = await mesh.httpProxy("catalog");
    conversation = converse(await mesh.pod("catalog"), "db", 9000);
    const order = (path: string, headers: Readonly<Record<string, string>> = {}) =>
      call({ ...catalog, path: `http://orders.${namespace}${path}`, headers });
    const ask = (from: keyof typeof load, path: string) =>
      call({ ...targets[from], path: from === "webapp" ? `http://catalog.${namespace}${path}` : path });
    const grpc = grpcHeaders({ ":authority": `prices.${namespace}`, ":path": "/message" });
    const price = async () => http2Call(await mesh.connection("webapp", "prices"), grpc, emptyMessage);
    const kinds = Object.entries(load).flatMap(([from, paths]) =>
      Object.entries(paths).map(([path, count]) => ({ from: from as keyof typeof load, path, count })),
    );
    const { failing, deadlines } = ordersLoad;
    await mesh.waitFor(async () => (await ask("gateway", "/status/200")).status === 200, "the gateway to serve");
    for (const { from, path } of kinds) await ask(from, path);
    await price();
    for (let i = 0; i < 3; i++) await order("/status/503");
    for (const header of Object.keys(deadlines)) await order("/slow/200", { "x-request-timeout-ms": header });
    await conversation.say("warm");
    const pages = pods.map(({ ip }) => ({ host: ip, port: 15090, path: "/stats/prometheus" }));
    for (const page of pages) {
      const flushed = async () => !/_milliseconds_count{.*} 0$/m.test((await call(page)).body);
      await mesh.waitFor(flushed, "Envoy to show what its histograms have"); // which it does every 5 s, and 0 until then
    }
    prometheus = await startPrometheus(pages.map(({ host, port }) => `${host}:${port}`));
    const seen = async (calls: number): Promise<void> => {
      for (const metric of [received, histogram]) {
        const total = async () => (await prometheus.query(`sum(${metric})`))[0]?.value;
        await mesh.waitFor(async () => (await total()) === calls, `${calls} calls in ${metric}`);
      }
    };
    const exchanged = async (bytes: number): Promise<void> => {
      const totals = async () => (await prometheus.query(tcpBytes)).map(({ value }) => value).join();
      await mesh.waitFor(async () => (await totals()) === `${bytes},${bytes}`, `${bytes} bytes of TCP`); // counted every 5 s
    };
    const before = 1 + kinds.length + 1;
    await seen(before);
    await exchanged("warm".length);
    await conversation.say("a".repeat(tcpLoad));
    for (const { from, path, count } of kinds) for (let i = 0; i < count; i++) await ask(from, path);
    for (let i = 0; i < grpcLoad; i++) await price();
    for (let i = 0; i < failing; i++) await order("/status/503");
    for (const [header, count] of Object.entries(deadlines))
      for (let i = 0; i < count; i++) await order("/slow/200", { "x-request-timeout-ms": header });
    await seen(kinds.reduce((sum, { count }) => sum + count, before + grpcLoad));
    await exchanged("warm".length + tcpLoad);
    await mesh.waitFor(async () => {
      const [least] = await prometheus.query(`min(count_over_time(${histogram}[${window}s]))`);
      return (least?.value ?? 0) >= samplesMin;
    }, "samples enough");
    time = await mesh.waitFor(async () => {
      const [{ value: newest }] = (await prometheus.query("max(timestamp(up))")) as [Series];
      const [reached] = await prometheus.query("sum(up)", newest); // what a scrape misses is stale
      return reached?.value === pages.length && newest;
    }, "all proxies to be read");
  });
  afterAll(async () => {
    await prometheus?.stop();
    conversation?.end();
    await mesh?.stop();
  });

  /** How often it happened in the window, by the values of `labels`. */
  async function edgesBy(query: string, labels: readonly string[]): Promise<Readonly<Record<string, number>>> {
    const series = await prometheus.query(query, time);
    return Object.fromEntries(
      series.map(({ labels: found, value }) => [
        labels.map((label) => found[label] ?? "").join(" "),
        timesOf(value, window),
      ]),
    );
  }

  describe("Kiali", () => {
    const group = [
      ...["source_cluster", "source_workload_namespace", "source_workload", "source_canonical_service"],
      ...["source_canonical_revision", "destination_cluster", "destination_service_namespace", "destination_service"],
      ...["destination_service_name", "destination_workload_namespace", "destination_workload"],
      ...["destination_canonical_service", "destination_canonical_revision", "request_protocol", "response_code"],
      ...["grpc_response_status", "response_flags"],
    ];
    const edges = (selector: string): string =>
      `sum(rate(istio_requests_total{${selector}} [${window}s])) by (${group.join(",")}) > 0`;
    const shown = [
      ...["source_workload", "destination_workload", "request_protocol", "response_code"],
      ...["grpc_response_status", "response_flags"],
    ];

    test("edges from inside a namespace", async () => {
      const query = edges(`reporter="source",source_workload_namespace="${namespace}"`);
      expect(await edgesBy(query, shown)).toEqual({
        "webapp catalog http 200  -": 6,
        "webapp catalog http 404  -": 2,
        "webapp prices grpc 200 0 -": grpcLoad,
        "catalog orders http 200  -": 4,
        "catalog orders http 503  -": 6,
        "catalog orders http 504  UT": 3,
        "catalog unknown http 504  -": 2, // ended before it was sent on
      });
    });

    test("edges into a namespace, as its servers report them", async () => {
      const query = edges(`reporter="destination",destination_workload_namespace="${namespace}"`);
      expect(await edgesBy(query, shown)).toEqual({
        "webapp catalog http 200  -": 6,
        "webapp catalog http 404  -": 2,
        "webapp prices grpc 200 0 -": grpcLoad,
        "istio-ingressgateway catalog http 200  -": 8,
        "istio-ingressgateway catalog http 503  -": 4,
      });
    });

    test("no edge is one that Kiali would leave out", async () => {
      for (const reporter of ["source", "destination"])
        for (const { labels } of await prometheus.query(edges(`reporter="${reporter}"`), time)) {
          const isGrpc = labels["request_protocol"] === "grpc";
          expect(Object.keys(labels).toSorted()).toEqual(
            group.filter((label) => isGrpc || label !== "grpc_response_status").toSorted(),
          );
          for (const peer of ["source", "destination"]) {
            const isKnown = labels[`${peer}_workload`] !== "unknown"; // unlike that of a call that was ended here
            expect(labels[`${peer}_cluster`]).toBe(isKnown ? "Kubernetes" : "unknown");
          }
        }
    });

    const ofTcp = group.filter(
      (label) => !["request_protocol", "response_code", "grpc_response_status"].includes(label),
    );

    test.each(["sent", "received"])("edges of TCP, by the bytes %s", async (direction) => {
      const selector = `reporter="source",source_workload_namespace="${namespace}"`;
      const query = `sum(rate(istio_tcp_${direction}_bytes_total{${selector}} [${window}s])) by (${ofTcp.join(",")}) > 0`;
      const [edge, ...more] = await prometheus.query(query, time);
      expect(more).toEqual([]);
      expect(Object.keys(edge?.labels ?? {}).toSorted()).toEqual(ofTcp.toSorted());
      expect(edge?.labels).toMatchObject({
        source_workload: "catalog",
        destination_workload: "db",
        response_flags: "-",
      });
      expect(timesOf(edge?.value ?? 0, window)).toBe(tcpLoad);
    });

    test.each(["request", "response"])("edges of gRPC, by the %s messages", async (direction) => {
      for (const reporter of ["source", "destination"]) {
        const metric = `istio_${direction}_messages_total{reporter="${reporter}"}`;
        const query = `sum(rate(${metric} [${window}s])) by (${group.join(",")}) > 0`;
        expect(await edgesBy(query, ["source_workload", "destination_workload"])).toEqual({
          "webapp prices": grpcLoad,
        });
      }
    });

    test("edges from outside the mesh there are none: the gateway is asked from there, and reports as a source", async () => {
      const unknown = 'destination_workload_namespace="unknown",destination_workload="unknown"';
      const service = `destination_service=~"^.+\\\\.${namespace}\\\\..+$"`;
      const query = edges(`reporter="source",source_workload_namespace!="${namespace}",${unknown},${service}`);
      expect(await prometheus.query(query, time)).toEqual([]);
    });

    test("the badge of an edge: mutual TLS, with both names", async () => {
      const badge = ["source_principal", "destination_principal", "connection_security_policy"];
      const to = `reporter="destination",destination_service_name="catalog"`;
      const query = `sum(rate(istio_requests_total{${to}}[${window}s])) by (${badge.join(",")})`;
      const principal = (ns: string, account: string): string => `spiffe://cluster.local/ns/${ns}/sa/${account}`;
      const catalog = principal(namespace, "default");
      expect(await edgesBy(query, badge)).toEqual({
        [`${catalog} ${catalog} mutual_tls`]: 8,
        [`${principal("istio-system", "istio-ingressgateway-service-account")} ${catalog} mutual_tls`]: 12,
      });
    });

    test("an edge's response time", async () => {
      const of = (what: string): string =>
        `sum(rate(istio_request_duration_milliseconds_${what}{reporter="source",source_workload="catalog",response_code="200"}[${window}s])) by (le,destination_workload)`;
      const [[p95, ...more], sums] = await Promise.all([
        prometheus.query(`histogram_quantile(0.95, ${of("bucket")})`, time),
        prometheus.query(`${of("sum")} / ${of("count")}`, time),
      ]);
      expect(more).toEqual([]);
      expect(p95?.labels).toEqual({ destination_workload: "orders" });
      expect(p95?.value).toBeGreaterThan(200); // which /slow/200 takes
      expect(sums).toEqual([{ labels: { destination_workload: "orders" }, value: expect.any(Number) }]);
      expect(sums[0]?.value).toBeGreaterThanOrEqual(200);
    });
  });

  const moment = (): Moment => ({ prometheus, time, windowS: window });
  /** What is chosen in a dashboard that is opened at a workload and its service. */
  const at = (name: string) => ({ service: `${name}.${namespace}.svc.cluster.local`, namespace, workload: name });

  test("a gateway, which nobody in the mesh calls, is among the workloads to choose from", async () => {
    const choices = choicesOf(JSON.parse(dashboards.get("workload.json") ?? "") as Dashboard);
    const [workload] = choices.filter(({ name }) => name === "workload");
    expect(await valuesOf(workload as Choice, { namespace: "istio-system" }, moment())).toContain(
      "istio-ingressgateway",
    );
  });

  test.each([
    ["a part", "", 16 / 20],
    ["all", ', response_code="503"', 0],
    ["none", ', response_code="200"', 1],
  ])("the success rate where %s of the requests fail", async (_which, selector, rate) => {
    const query = successRate(`reporter="destination", destination_workload="catalog"${selector}`);
    const answer = await prometheus.query(query.replaceAll("$__rate_interval", `${window}s`), time);
    expect(answer).toEqual([{ labels: {}, value: expect.closeTo(rate, 1) }]);
  });

  const all = ".*";
  const istioOpens = { qrep: "destination", srcns: all, srcwl: all, dstns: all, dstwl: all, dstsvc: all };
  const { source: _source, ...istioPages } = istio;
  const ours = [...dashboards].map(([page, text]) => {
    const model = JSON.parse(text) as Dashboard;
    const panels = model.panels.flatMap(({ title, targets }) => (targets ? [{ title, targets }] : []));
    return { page, panels, choices: choicesOf(model), preset: {} };
  });
  const istios = Object.entries(istioPages).map(([page, byTitle]) => ({
    page: `Istio's ${page}`,
    panels: Object.entries(byTitle).map(([title, targets]) => ({ title, targets })),
    choices: [],
    preset: istioOpens,
  }));

  describe.each([...ours, ...istios])("dashboard $page", ({ page, panels, choices, preset }) => {
    const rows = expected[page] ?? {};

    test("for each panel it is known what it shows", () => {
      expect(Object.keys(rows).toSorted()).toEqual(panels.map(({ title }) => title).toSorted());
    });

    test.each<Choice>(choices)("there is something to choose for $name", async (choice) => {
      expect(await valuesOf(choice, await opened(choices, at("catalog"), moment()), moment())).not.toEqual([]);
    });

    test.each(panels)("$title", async ({ title, targets }) => {
      const known = rows[title] ?? [];
      const openings = /service|workload/.test(page) ? ["catalog", "prices", "db", "webapp"] : [""];
      const found = openings.map(async (name) => {
        const chosen = await opened(choices, name === "" ? preset : { ...preset, ...at(name) }, moment());
        const lines = await linesOf(targets, chosen, moment());
        return lines.map((line) => (name === "" ? line : `${name}: ${line}`));
      });
      const lines = (await Promise.all(found)).flat().map((line) => {
        const some = line.replace(/= [1-9].*$/, "> 0");
        return known.includes(some) ? some : line;
      });
      expect(lines).toEqual(known);
    });
  });
});

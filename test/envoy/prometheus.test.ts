import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dashboards } from "../../deploy/grafana/dashboards.ts";
import { successRate } from "../../deploy/grafana/traffic.ts";
import { call } from "../support/http.ts";
import { type Conversation, converse } from "../support/inside.ts";
import { startMesh, type TestMesh } from "../support/mesh.ts";
import { networkObstacle } from "../support/pod-network.ts";
import { type Prometheus, type Series, startPrometheus } from "../support/prometheus-server.ts";
import { echo, gatewayTo, virtualService, wasmPlugin, workload } from "../support/yaml.ts";

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

/** Calls to catalog, beyond one of each kind before them, from which Prometheus knows that a series began. */
const load = {
  gateway: { "/status/200": 8, "/status/503": 4 },
  webapp: { "/status/200": 6, "/status/404": 2 },
} as const;
const atCatalog = '{reporter="destination",destination_workload="catalog"}';
const counter = `istio_requests_total${atCatalog}`;
const histogram = `istio_request_duration_milliseconds_count${atCatalog}`;
const tcpBytes = 'istio_tcp_sent_bytes_total{reporter="source"}';
/** Bytes that catalog and db send each other, beyond the first. */
const tcpLoad = 16;
/** Samples of a series, after which that half an interval by which Prometheus extends a rate at its ends is small. */
const samplesMin = 80;

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
      "orders-route.yaml": virtualService("orders", "retries: {attempts: 3, retryOn: 5xx}"),
      "budget.yaml": wasmPlugin({ name: "retry-budget", url: "builtin://retry-budget", config: { minRetries: 1 } }),
      "deadline.yaml": wasmPlugin({ name: "deadline", url: "builtin://deadline" }),
    });
    const workloads = ["istio-ingressgateway", "webapp", "catalog"];
    const pods = await Promise.all(workloads.map((name) => mesh.pod(name)));
    const targets = { gateway: await mesh.gateway(), webapp: await mesh.httpProxy("webapp") };
    const catalog = await mesh.httpProxy("catalog");
    conversation = converse(await mesh.pod("catalog"), "db", 9000);
    const order = (path: string, headers: Readonly<Record<string, string>> = {}) =>
      call({ ...catalog, path: `http://orders.${namespace}${path}`, headers });
    const ask = (from: keyof typeof load, path: string) =>
      call({ ...targets[from], path: from === "webapp" ? `http://catalog.${namespace}${path}` : path });
    const kinds = Object.entries(load).flatMap(([from, paths]) =>
      Object.entries(paths).map(([path, count]) => ({ from: from as keyof typeof load, path, count })),
    );
    await mesh.waitFor(async () => (await ask("gateway", "/status/200")).status === 200, "the gateway to serve");
    for (const { from, path } of kinds) await ask(from, path);
    for (let i = 0; i < 3; i++) await order("/status/503");
    for (const header of ["0", "100", "soon"]) await order("/slow/200", { "x-request-timeout-ms": header });
    const grpc = { method: "POST", body: "\0\0\0\0\0", headers: { "content-type": "application/grpc" } };
    await call({ ...catalog, ...grpc, path: `http://orders.${namespace}/shop.Orders/Place` });
    await conversation.say("warm");
    const pages = pods.map(({ ip }) => ({ host: ip, port: 15090, path: "/stats/prometheus" }));
    for (const page of pages) {
      const flushed = async () => !/_milliseconds_count{.*} 0$/m.test((await call(page)).body);
      await mesh.waitFor(flushed, "Envoy to show what its histograms have"); // which it does every 5 s, and 0 until then
    }
    prometheus = await startPrometheus(pages.map(({ host, port }) => `${host}:${port}`));
    const seen = async (calls: number): Promise<void> => {
      for (const metric of [counter, histogram]) {
        const total = async () => (await prometheus.query(`sum(${metric})`))[0]?.value;
        await mesh.waitFor(async () => (await total()) === calls, `${calls} calls in ${metric}`);
      }
    };
    const exchanged = async (bytes: number): Promise<void> => {
      const total = async () => (await prometheus.query(tcpBytes))[0]?.value;
      await mesh.waitFor(async () => (await total()) === bytes, `${bytes} bytes of TCP`); // counted every 5 s
    };
    const before = 1 + kinds.length;
    await seen(before);
    await exchanged("warm".length);
    await conversation.say("a".repeat(tcpLoad));
    for (const { from, path, count } of kinds) for (let i = 0; i < count; i++) await ask(from, path);
    await seen(kinds.reduce((sum, { count }) => sum + count, before));
    await exchanged("warm".length + tcpLoad);
    await mesh.waitFor(async () => {
      const [least] = await prometheus.query(`min(count_over_time(${histogram}[${window}s]))`);
      return (least?.value ?? 0) >= samplesMin;
    }, "samples enough");
    [{ value: time }] = (await prometheus.query("max(timestamp(up))")) as [Series];
  });
  afterAll(async () => {
    await prometheus?.stop();
    conversation?.end();
    await mesh?.stop();
  });

  /** How often it happened in the window at the catalog, by the values of `labels`. */
  async function counts(query: string, labels: readonly string[]): Promise<Readonly<Record<string, number>>> {
    const series = (await prometheus.query(query, time)).filter(
      ({ labels }) => (labels["destination_workload"] ?? "catalog") === "catalog",
    );
    return Object.fromEntries(
      series.map(({ labels: found, value }) => [
        labels.map((label) => found[label]).join(" "),
        Math.round(value * window),
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
    const shown = ["source_workload", "destination_workload", "request_protocol", "response_code", "response_flags"];

    test("edges from inside a namespace", async () => {
      const query = edges(`reporter="source",source_workload_namespace="${namespace}"`);
      expect(await counts(query, shown)).toEqual({ "webapp catalog http 200 -": 6, "webapp catalog http 404 -": 2 });
    });

    test("edges into a namespace, as its servers report them", async () => {
      const query = edges(`reporter="destination",destination_workload_namespace="${namespace}"`);
      expect(await counts(query, shown)).toEqual({
        "webapp catalog http 200 -": 6,
        "webapp catalog http 404 -": 2,
        "istio-ingressgateway catalog http 200 -": 8,
        "istio-ingressgateway catalog http 503 -": 4,
      });
    });

    test("no edge is one that Kiali would leave out", async () => {
      for (const reporter of ["source", "destination"])
        for (const { labels } of await prometheus.query(edges(`reporter="${reporter}"`), time)) {
          expect(Object.keys(labels).toSorted()).toEqual(
            group.filter((label) => label !== "grpc_response_status").toSorted(),
          );
          for (const peer of ["source", "destination"]) expect(labels[`${peer}_cluster`]).toBe("Kubernetes");
        }
    });

    test("edges of TCP, by the bytes sent", async () => {
      const tcp = group.filter(
        (label) => !["request_protocol", "response_code", "grpc_response_status"].includes(label),
      );
      const selector = `reporter="source",source_workload_namespace="${namespace}"`;
      const query = `sum(rate(istio_tcp_sent_bytes_total{${selector}} [${window}s])) by (${tcp.join(",")}) > 0`;
      const [edge, ...more] = await prometheus.query(query, time);
      expect(more).toEqual([]);
      expect(Object.keys(edge?.labels ?? {}).toSorted()).toEqual(tcp.toSorted());
      expect(edge?.labels).toMatchObject({
        source_workload: "catalog",
        destination_workload: "db",
        response_flags: "-",
      });
      expect(Math.round((edge?.value ?? 0) * window)).toBe(tcpLoad);
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
      expect(await counts(query, badge)).toEqual({
        [`${catalog} ${catalog} mutual_tls`]: 8,
        [`${principal("istio-system", "istio-ingressgateway-service-account")} ${catalog} mutual_tls`]: 12,
      });
    });

    test("an edge's response time", async () => {
      const of = (what: string): string =>
        `sum(rate(istio_request_duration_milliseconds_${what}{reporter="destination",destination_workload="catalog"}[${window}s])) by (le,source_workload)`;
      const [quantiles, sums, numbers] = await Promise.all([
        prometheus.query(`histogram_quantile(0.95, ${of("bucket")})`, time),
        prometheus.query(of("sum"), time),
        counts(of("count"), ["source_workload"]),
      ]);
      expect(numbers).toEqual({ webapp: 8, "istio-ingressgateway": 12 });
      for (const { value } of [...quantiles, ...sums]) expect(value).toBeGreaterThan(0);
    });
  });

  describe("Istio's dashboards", () => {
    const mesh = 'reporter=~"source|waypoint"';
    const service = `catalog.${namespace}.svc.cluster.local`;
    const requests = (selector: string): string => `rate(istio_requests_total{${selector}}[${window}s])`;

    test("mesh: a workload's requests and success rate", async () => {
      const by = ["destination_workload", "destination_workload_namespace", "destination_service"];
      const all = `label_join(sum by (${by.join(", ")}) (${requests(mesh)}), "destination_workload_var", ".", "destination_workload", "destination_workload_namespace")`;
      expect(await counts(all, ["destination_workload_var", "destination_service"])).toEqual({
        [`catalog.${namespace} ${service}`]: 20,
      });
      const catalog = `${mesh}, destination_workload="catalog"`;
      const [success] = await prometheus.query(
        `sum(${requests(`${catalog}, response_code!~"5.*"`)}) / sum(${requests(catalog)})`,
        time,
      );
      expect(success?.value).toBeCloseTo(16 / 20, 1);
    });

    test("service: who asked, over which connection, with which answer", async () => {
      const selector = `connection_security_policy="mutual_tls",destination_service=~"${service}",reporter=~"destination"`;
      const by = ["source_workload", "source_workload_namespace", "response_code"];
      const query = `round(sum(irate(istio_requests_total{${selector},source_workload=~".*"}[${window}s])) by (${by.join(", ")}), 0.001)`;
      const series = await prometheus.query(query, time);
      expect(series.map(({ labels }) => by.map((label) => labels[label]).join(" ")).toSorted()).toEqual([
        "istio-ingressgateway istio-system 200",
        "istio-ingressgateway istio-system 503",
        `webapp ${namespace} 200`,
        `webapp ${namespace} 404`,
      ]);
    });

    test("service: incoming requests by its workloads", async () => {
      const query = `sum(${requests(`reporter="destination", destination_service="${service}"`)}) by (destination_workload, response_code)`;
      expect(await counts(query, ["response_code"])).toEqual({ "200": 14, "404": 2, "503": 4 });
    });

    test("workload: what it asked for", async () => {
      const query = `sum(${requests(`reporter="source", source_workload="webapp", source_workload_namespace="${namespace}"`)}) by (destination_service)`;
      expect(await counts(query, ["destination_service"])).toEqual({ [service]: 8 });
    });
  });

  interface Choice {
    readonly name: string;
    readonly query: string;
    readonly regex?: string;
    readonly includeAll: boolean;
  }

  interface Dashboard {
    readonly templating: { readonly list: readonly Choice[] };
    readonly panels: readonly {
      readonly title: string;
      readonly targets?: readonly { readonly expr: string }[];
    }[];
  }

  /** A query of a dashboard with Grafana's variables filled in, for each choice that a reader has; All where there is that. */
  async function filledIn(expr: string, choices: readonly Choice[]): Promise<readonly string[]> {
    const choice = choices.find(({ name }) => expr.includes(`$${name}"`));
    if (!choice) return [expr.replaceAll("$__rate_interval", `${window}s`)];
    const filled = (value: string) => filledIn(expr.replaceAll(`$${choice.name}"`, `${value}"`), choices);
    if (choice.includeAll) return filled(".*");
    return (await Promise.all((await valuesOf(choice, choices)).map(filled))).flat();
  }

  async function valuesOf({ query, regex }: Choice, choices: readonly Choice[]): Promise<readonly string[]> {
    const [, expr] = /^query_result\((.*)\)$/.exec(query) ?? [];
    if (expr !== undefined) {
      const answers = (await filledIn(expr, choices)).map((filled) => prometheus.query(filled, time));
      const pairs = (await Promise.all(answers)).flat().flatMap(({ labels }) => Object.entries(labels));
      const value = new RegExp(regex?.slice(1, -1) ?? "");
      return [...new Set(pairs.map(([label, text]) => value.exec(`{${label}="${text}"}`)?.[1] ?? ""))];
    }
    const [, selector = "", label = ""] = /^label_values\((.*), (\w+)\)$/.exec(query) ?? [];
    const selectors = await filledIn(selector, choices);
    const values = await Promise.all(selectors.map((one) => prometheus.labelValues(one, label)));
    return [...new Set(values.flat())];
  }

  const choicesOf = ({ templating }: Dashboard): readonly Choice[] =>
    templating.list.filter(({ name }) => name !== "datasource");

  test("a gateway, which nobody in the mesh calls, is among the workloads to choose from", async () => {
    const choices = choicesOf(JSON.parse(dashboards.get("workload.json") ?? "") as Dashboard);
    const [workload] = choices.filter(({ name }) => name === "workload");
    expect(await valuesOf(workload as Choice, choices)).toContain("istio-ingressgateway");
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

  describe.each([...dashboards])("deploy/grafana/dashboards/%s", (_name, text) => {
    const dashboard = JSON.parse(text) as Dashboard;
    const { panels } = dashboard;
    const choices = choicesOf(dashboard);
    const queries = panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const));

    test.each(choices)("there is something to choose for $name", async (choice) => {
      expect(await valuesOf(choice, choices)).not.toEqual([]);
    });

    test.each(queries)("%s: %s", async (_title, expr) => {
      const answers = (await filledIn(expr, choices)).map((query) => prometheus.query(query, time));
      expect((await Promise.all(answers)).flat().length).toBeGreaterThan(0);
    });
  });
});

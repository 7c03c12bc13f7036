// Changes of Istio's metrics, in the words of Istio's stats filter.
import { describe, expect, test } from "vitest";
import { labelComplaint } from "../../controller/crd/cel-expression.ts";
import { istioLabels } from "../../controller/model/telemetry.ts";
import * as Status from "../../sdk/abi/status.ts";
import { ConfigRefused, Host } from "../../sdk/host/index.ts";
import {
  catalog,
  cluster,
  counted,
  type HostOptions,
  inbound,
  labelsIn,
  load,
  metadata,
  node,
  plain,
  saying,
} from "./test-support/requests.ts";
import "../../sdk/vitest/index.ts";

const statTags = { ...node, metadata: { ...metadata, STAT_TAGS: "scope,tenant,host_asked,kind,other" } };
const withChanges = (metrics: readonly object[], more: Partial<HostOptions> = {}) =>
  load({ node: statTags, config: { metrics }, ...more });

const grpc = { method: "POST", path: "/shop.Catalog/Items", headers: { "content-type": "application/grpc" } };
const options = { cluster, properties: { ...plain, ...counted(1, 2) } };

/** What the metrics of one name have for labels. */
const labelsOf = (host: Host, metric: string) =>
  host.metrics.names.filter((name) => name.endsWith(`istio_${metric}`)).map(named);

/** All labels of a name, also those that Istio does not have. */
function named(name: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    name
      .split(";.;")
      .slice(0, -1)
      .map((part) => part.split("=.=", 2)),
  );
}

const metricsIn = (host: Host) =>
  new Set(
    host.metrics.names
      .map((name) => name.slice(name.lastIndexOf(";") + 1))
      .filter((one) => one.startsWith("istio") && one !== "istio_build"),
  );

describe("a dropped metric", () => {
  test("is not there, and the others are", async () => {
    const host = await withChanges([
      { name: "request_bytes", drop: true },
      { name: "request_messages_total", drop: true },
    ]);
    host.fetch(grpc, saying(catalog), options);
    expect([...metricsIn(host)].sort()).toEqual([
      "istio_request_duration_milliseconds",
      "istio_requests_total",
      "istio_response_bytes",
      "istio_response_messages_total",
    ]);
  });

  test.each`
    dropped                              | calls
    ${["request_bytes"]}                 | ${["proxy_get_property(request.total_size)", "proxy_record_metric"]}
    ${["response_bytes"]}                | ${["proxy_get_property(response.total_size)", "proxy_record_metric"]}
    ${["request_duration_milliseconds"]} | ${["proxy_get_property(request.duration)", "proxy_record_metric"]}
    ${["requests_total"]}                | ${["proxy_increment_metric"]}
  `("$dropped costs nothing: without it there is no $calls", async ({ dropped, calls }) => {
    const trace = async (metrics: readonly object[]) => {
      const host = await withChanges(metrics);
      const fetch = () => host.fetch({}, saying(catalog), options);
      fetch();
      return host.hostcalls.trace(fetch).map(({ name, args }) => {
        return name === "proxy_get_property" ? `${name}(${String(args[0]).replaceAll("\0", ".")})` : name;
      });
    };
    const [all, fewer] = [await trace([]), await trace(dropped.map((name: string) => ({ name, drop: true })))];
    for (const call of fewer) all.splice(all.indexOf(call), 1);
    expect(all.sort()).toEqual(calls.toSorted());
  });

  test("of all, nothing is left but the exchange of metadata", async () => {
    const host = await withChanges([{ drop: true }]);
    const reply = host.fetch(grpc, saying(catalog), options);
    expect([...metricsIn(host)]).toEqual([]);
    expect(reply.headers.get("x-envoy-peer-metadata")).toBeUndefined();
    host.hostcalls.reset();
    host.fetch({}, saying(catalog), options);
    expect(host.hostcalls.byName["proxy_get_property"]).toBe(3); // directions, and the cluster of the attempt
  });

  test("of one direction's messages leaves the other's", async () => {
    const host = await withChanges([{ name: "response_messages_total", drop: true }]);
    host.fetch(grpc, saying(catalog), options);
    expect(metricsIn(host)).toContain("istio_request_messages_total");
    expect(metricsIn(host)).not.toContain("istio_response_messages_total");
  });

  test("of requests alone leaves messages", async () => {
    const host = await withChanges(
      ["requests_total", "request_duration_milliseconds", "request_bytes", "response_bytes"].map((name) => ({
        ...{ name, drop: true },
      })),
    );
    host.fetch({}, saying(catalog), options);
    expect([...metricsIn(host)]).toEqual([]);
    host.fetch(grpc, saying(catalog), options);
    expect([...metricsIn(host)].sort()).toEqual(["istio_request_messages_total", "istio_response_messages_total"]);
  });
});

describe("labels", () => {
  const all = ["requests_total", "request_duration_milliseconds", "request_bytes", "response_bytes"];

  test("are removed from one metric, or from all", async () => {
    const host = await withChanges([
      { tags_to_remove: ["source_principal", "response_flags", "no_such_label"] },
      { name: "requests_total", tags_to_remove: ["response_code"] },
    ]);
    host.fetch({}, saying(catalog), options);
    const left = istioLabels.filter((label) => label !== "source_principal" && label !== "response_flags");
    for (const metric of all.slice(1)) expect(Object.keys(labelsOf(host, metric)[0] ?? {})).toEqual(left);
    expect(Object.keys(labelsOf(host, "requests_total")[0] ?? {})).toEqual(
      left.filter((label) => label !== "response_code"),
    );
  });

  test("that no metric has make no series", async () => {
    const host = await withChanges([{ tags_to_remove: ["response_code"] }]);
    for (const status of [200, 201, 202]) host.fetch({}, () => ({ status }), options);
    const [name = ""] = host.metrics.names.filter((one) => one.endsWith("istio_requests_total"));
    expect(host.metrics.counter(name)).toBe(3);
    expect(labelsOf(host, "requests_total")).toHaveLength(1);
  });

  test("are overridden and added, in one order whatever the configuration's is", async () => {
    const dimensions = {
      tenant: "request.headers['x-tenant']",
      destination_app: "'theirs'",
      host_asked: "request.host",
    };
    const request = { host: "catalog.test", headers: { "x-tenant": "acme" } };
    const names = await Promise.all(
      [dimensions, Object.fromEntries(Object.entries(dimensions).reverse())].map(async (one) => {
        const host = await withChanges([{ dimensions: one }]);
        host.fetch(request, saying(catalog), options);
        return host.metrics.names;
      }),
    );
    expect(names[0]).toEqual(names[1]);
    const [name = ""] = names[0]?.filter((one) => one.endsWith("istio_requests_total")) ?? [];
    expect(Object.keys(named(name))).toEqual([...istioLabels, "host_asked", "tenant"]);
    expect(named(name)).toMatchObject({ destination_app: "theirs", host_asked: "catalog.test", tenant: "acme" });
  });

  test("of one metric are of no other, and the last change of one counts", async () => {
    const host = await withChanges([
      { dimensions: { kind: "'all'" } },
      { name: "requests_total", dimensions: { kind: "'one'" }, tags_to_remove: ["source_app"] },
      { name: "requests_total", dimensions: { source_app: "'back'" } },
    ]);
    host.fetch({}, saying(catalog), options);
    expect(labelsOf(host, "requests_total")[0]).toMatchObject({ kind: "one", source_app: "back" });
    expect(labelsOf(host, "request_bytes")[0]).toMatchObject({ kind: "all", source_app: "web" });
    expect(Object.keys(labelsOf(host, "requests_total")[0] ?? {})).toEqual([...istioLabels, "kind"]);
  });

  test("that a metric of Istio does not have are not added to it by an override", async () => {
    const host = await withChanges([{ dimensions: { response_code: "'2xx'" } }]);
    host.fetch(grpc, saying(catalog), options);
    expect(labelsOf(host, "request_messages_total")[0]).not.toHaveProperty("response_code");
    expect(labelsOf(host, "requests_total")[0]).toMatchObject({ response_code: "2xx" });
  });

  test("that the proxy was not started with are left out, and its log says so", async () => {
    const host = await withChanges([{ dimensions: { stranger: "'a'", tenant: "'b'" } }]);
    host.fetch({}, saying(catalog), options);
    expect(labelsOf(host, "requests_total")[0]).toMatchObject({ tenant: "b" });
    expect(labelsOf(host, "requests_total")[0]).not.toHaveProperty("stranger");
    expect(host).toHaveLogged("warn", /stranger: this proxy was started without such a tag.*extraStatTags/);
  });
});

test("no answer of the host to an expression ends the VM", async () => {
  const dimensions = { tenant: "request.host", kind: "1 + 1" };
  const served: unknown[] = [];
  for (let after = 0; after < 70; after++) {
    const beside = await load({ node: statTags });
    const fault = beside.faults.fail("proxy_call_foreign_function", Status.InternalFailure, { after, times: 1 });
    const host = await withChanges([{ dimensions }], { beside }).catch((error: unknown) => error);
    if (host instanceof ConfigRefused) continue;
    if (!(host instanceof Host)) throw host;
    const { status } = host.fetch({ host: "a.test" }, saying(catalog), options);
    expect(host.logs.filter(({ text }) => text.includes("failed: Uncaught"))).toEqual([]);
    if (status === 503) continue; // the worker's VM has refused the configuration
    const { tenant, kind } = labelsOf(host, "requests_total")[0] ?? {};
    served.push([tenant, kind]);
    fault.end();
  }
  for (const one of [
    ["a.test", "2"],
    ["unknown", "2"],
    ["a.test", "unknown"],
  ])
    expect(served).toContainEqual(one);
});

test("attributes that the host does not compile together are read one by one", async () => {
  const dimensions = { tenant: "request.host", kind: "request.path" };
  const calls: number[] = [];
  for (let after = 0; after < 60; after++) {
    const beside = await load({ node: statTags });
    const fault = beside.faults.fail("proxy_call_foreign_function", Status.BadArgument, { after, times: 1 });
    const host = await withChanges([{ dimensions }], { beside }).catch((error: unknown) => error);
    fault.end();
    if (!(host instanceof Host)) continue; // what the fault hit was a check of the configuration
    const fetch = () => host.fetch({ host: "a.test", path: "/a" }, saying(catalog), options);
    fetch();
    const [labels] = labelsOf(host, "requests_total");
    if (labels === undefined) continue; // or one that the worker's VM made
    expect(labels).toMatchObject({ tenant: "a.test", kind: "/a" });
    calls.push(host.hostcalls.trace(fetch).filter(({ name }) => name === "proxy_call_foreign_function").length);
  }
  expect([...new Set(calls)].sort()).toEqual([1, 2]);
});

describe("an expression", () => {
  const kind = async (expression: string, request: object = {}) => {
    const host = await withChanges([{ name: "requests_total", dimensions: { kind: expression } }]);
    host.fetch(request, saying(catalog), options);
    return labelsOf(host, "requests_total").map((labels) => labels["kind"]);
  };
  const asked = { host: "shop.test", path: "/items?q=1", headers: { "x-user": "ann", "x-empty": "" } };

  test.each`
    expression                                                       | value
    ${"request.url_path"}                                            | ${"/items"}
    ${"request.headers['x-user']"}                                   | ${"ann"}
    ${"request.headers['x-empty']"}                                  | ${""}
    ${"request.headers['x-none']"}                                   | ${"unknown"}
    ${"request.referer"}                                             | ${"unknown"}
    ${"request.headers"}                                             | ${"unknown"}
    ${"response.code"}                                               | ${"200"}
    ${"connection.mtls"}                                             | ${"false"}
    ${"response.code >= 500 ? 'bad' : 'good'"}                       | ${"good"}
    ${"response.code / 100"}                                         | ${"2"}
    ${"1.5"}                                                         | ${"1.5"}
    ${"request.path.startsWith('/items')"}                           | ${"true"}
    ${"request.headers['x-none'] + '!'"}                             | ${"unknown"}
    ${"xds.cluster_metadata.filter_metadata.istio.services[0].name"} | ${"catalog"}
    ${"xds.route_metadata.filter_metadata.none"}                     | ${"unknown"}
    ${"xds.cluster_metadata.filter_metadata"}                        | ${"unknown"}
    ${"response.trailers['x-none']"}                                 | ${"unknown"}
    ${"request.headers['x ' + 'none']"}                              | ${"unknown"}
    ${"{'a': 'b'}['a']"}                                             | ${"b"}
    ${"plugin_name"}                                                 | ${"plugin"}
  `("$expression is '$value'", async ({ expression, value }) => {
    expect(await kind(expression, asked)).toEqual([value]);
  });

  test("that has no value takes no other one with it", async () => {
    const dimensions = { tenant: "request.headers['x-none']", host_asked: "request.host", kind: "request.referer" };
    const host = await withChanges([{ dimensions }]);
    host.fetch(asked, saying(catalog), options);
    expect(labelsOf(host, "requests_total")[0]).toMatchObject({
      ...{ tenant: "unknown", host_asked: "shop.test", kind: "unknown" },
    });
  });

  test("that says what a caller wants forges no label, and is bounded", async () => {
    expect(await kind("request.headers['x-user']", { headers: { "x-user": "a;.;response_code=.=200;." } })).toEqual([
      "a_response_code_200_",
    ]);
    expect(await kind("request.headers['x-user']", { headers: { "x-user": "u".repeat(10_000) } })).toEqual([
      "u".repeat(256),
    ]);
    const host = await load({
      ...{ node: statTags, ...inbound },
      config: { seriesMax: 3, metrics: [{ dimensions: { tenant: "request.headers['x-user']" } }] },
    });
    for (let i = 0; i < 200; i++) host.fetch({ headers: { "x-user": `${i}` } }, undefined, options);
    expect(
      labelsOf(host, "requests_total")
        .map((labels) => labels["tenant"])
        .sort(),
    ).toEqual(["0", "1", "2", "other"]);
    expect(host.metrics.counter("telemetry_overflow_total")).toBe(197);
  });

  test("attributes cost one call of the host together, whatever their number is", async () => {
    const trace = async (dimensions: object) => {
      const host = await withChanges([{ dimensions }]);
      const fetch = () => host.fetch(asked, saying(catalog), options);
      fetch();
      return host.hostcalls.trace(fetch).filter(({ name }) => name === "proxy_call_foreign_function").length;
    };
    expect(await trace({})).toBe(0);
    expect(await trace({ tenant: "request.host" })).toBe(1);
    expect(await trace({ tenant: "request.host", kind: "request.headers['x-user']", other: "response.code" })).toBe(1);
    expect(await trace({ tenant: "request.host", kind: "1 + 1" })).toBe(2);
    expect(await trace({ tenant: "request.host", kind: "request.size-1", other: "response.code" })).toBe(2);
  });
});

test.each`
  metrics                                                                 | problem
  ${[{ name: "requests" }]}                                               | ${'metrics[0].name is "requests": '}
  ${[{ dimensions: { a: "request." } }]}                                  | ${'metrics[0].dimensions.a is "request.": it is no CEL expression'}
  ${[{}, { dimensions: { a: "1", b: "nosuch(1)" } }]}                     | ${'metrics[1].dimensions.b is "nosuch(1)": it is no CEL expression'}
  ${[{ dimensions: { a: "1) + string(2" } }]}                             | ${"metrics[0].dimensions.a is "}
  ${[{ dimensions: { a: "'a'.matches('\\d')" } }]}                        | ${"metrics[0].dimensions.a is "}
  ${[{ dimensions: { a: `${"size(".repeat(40)}'a'${")".repeat(40)}` } }]} | ${"metrics[0].dimensions.a is "}
  ${[{ dimensions: { a: `1${" + 1".repeat(30)}` } }]}                     | ${"metrics[0].dimensions.a is "}
  ${[{ dimensions: { a: 1 } }]}                                           | ${"metrics[0].dimensions.a is 1: a text in quotes is expected"}
  ${[{ dimensions: [] }]}                                                 | ${"metrics[0].dimensions is "}
  ${[{ tags_to_remove: "a" }]}                                            | ${'metrics[0].tags_to_remove is "a"'}
  ${[{ drop: "yes" }]}                                                    | ${'metrics[0].drop is "yes"'}
  ${[{ tagsToRemove: [] }]}                                               | ${"metrics[0].tagsToRemove is unknown"}
  ${{}}                                                                   | ${"metrics is "}
`("$metrics is refused: $problem", async ({ metrics, problem }) => {
  const refused = await load({ config: { metrics } }).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(ConfigRefused);
  expect(String(refused)).toContain(problem);
});

test.each`
  what                   | last      | text
  ${"a chain"}           | ${27}     | ${(n: number) => `1${" + 1".repeat(n)}`}
  ${"a chain of fields"} | ${27}     | ${(n: number) => `request${".host".repeat(n)}`}
  ${"a ternary"}         | ${27}     | ${(n: number) => `true ? 1 : 1${" + 1".repeat(n)}`}
  ${"nested calls"}      | ${27}     | ${(n: number) => `${"string(".repeat(n)}'a'${")".repeat(n)}`}
  ${"a long text"}       | ${49_976} | ${(n: number) => `'${"a".repeat(n)}'`}
`("$what is a label up to $last, for admission as for the filter", async ({ text, last }) => {
  const accepts = async (dimensions: object) => {
    const host = await load({ config: { metrics: [{ dimensions }] } }).catch((error: unknown) => error);
    return host instanceof Host;
  };
  for (const n of [last, last + 1]) {
    const source_app = text(n);
    const found = { admission: labelComplaint(source_app) === undefined, filter: await accepts({ source_app }) };
    expect(found).toEqual({ admission: n === last, filter: n === last });
  }
});

test.each`
  version                            | tag
  ${{ ISTIO_VERSION: "1.30.0-rc1" }} | ${"1.30.0-rc1"}
  ${{}}                              | ${"unknown"}
`("istio_build, which no configuration changes, has the version of $version as $tag", async ({ version, tag }) => {
  const host = await load({
    node: { ...node, metadata: { ...metadata, ...version } },
    config: { metrics: [{ drop: true }] },
  });
  const [name = ""] = host.metrics.names.filter((one) => one.endsWith("istio_build"));
  expect(named(name)).toMatchObject({ component: "proxy", tag });
});

test("a configuration for connections is none for requests", async () => {
  const host = await withChanges([{ name: "tcp_sent_bytes_total", drop: true, dimensions: { kind: "'a'" } }]);
  host.fetch({}, saying(catalog), options);
  const [name = ""] = host.metrics.names.filter((one) => one.endsWith("istio_requests_total"));
  expect(Object.keys(named(name))).toEqual(Object.keys(labelsIn(name)));
});

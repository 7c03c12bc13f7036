import { describe, expect, test } from "vitest";
import { mergeAccessLogging, mergeMetrics, mergeReportingInterval, mergeTracing } from "./merge-telemetry.ts";
import {
  type AccessLoggingRule,
  type MetricName,
  type MetricsOverride,
  type MetricsRule,
  metricNames,
  type TracingRule,
} from "./telemetry.ts";

type Tags = Readonly<Record<string, string | undefined>>;

/** A tag without value is removed. */
function override(metrics: MetricName | "all", more: Partial<Omit<MetricsOverride, "tags">> & { tags?: Tags } = {}) {
  const tags = new Map(
    Object.entries(more.tags ?? {}).map(([key, value]) => [key, value === undefined ? ("REMOVE" as const) : { value }]),
  );
  const chosen = metrics === "all" ? metricNames : [metrics];
  return { mode: "CLIENT_AND_SERVER", ...more, metrics: chosen, tags } as const;
}

function metrics(overrides: readonly MetricsOverride[], providers: readonly string[] = []): MetricsRule {
  return { providers, overrides };
}

const count = "requests_total";
const off = { disabled: true };
const on = { disabled: false };
const others = metricNames.filter((name) => name !== count);

describe("metrics", () => {
  test.each`
    which                                     | levels                                                                                                            | merged
    ${"nothing said"}                         | ${[]}                                                                                                             | ${[]}
    ${"all off"}                              | ${[[metrics([override("all", off)])]]}                                                                            | ${[{ drop: true }]}
    ${"one off"}                              | ${[[metrics([override(count, off)])]]}                                                                            | ${[{ name: count, drop: true }]}
    ${"one off, and on again further down"}   | ${[[metrics([override(count, off)])], [metrics([override(count, on)])]]}                                          | ${[]}
    ${"all off but one"}                      | ${[[metrics([override("all", off)])], [metrics([override(count, on)])]]}                                          | ${others.map((name) => ({ name, drop: true }))}
    ${"off at clients, asked for the server"} | ${[[metrics([override("all", { ...off, mode: "CLIENT" })])]]}                                                     | ${[]}
    ${"off at servers"}                       | ${[[metrics([override("all", { ...off, mode: "SERVER" })])]]}                                                     | ${[{ drop: true }]}
    ${"labels of all, sorted"}                | ${[[metrics([override("all", { tags: { b: "request.host", a: "1", c: undefined } })])]]}                          | ${[{ dimensions: { a: "1", b: "request.host" }, tags_to_remove: ["c"] }]}
    ${"a label of one"}                       | ${[[metrics([override(count, { tags: { a: "1" } })])]]}                                                           | ${[{ name: count, dimensions: { a: "1" } }]}
    ${"a label that is changed further down"} | ${[[metrics([override("all", { tags: { a: "1" } })])], [metrics([override("all", { tags: { a: "2" } })])]]}       | ${[{ dimensions: { a: "2" } }]}
    ${"a label that comes back further down"} | ${[[metrics([override("all", { tags: { a: undefined } })])], [metrics([override("all", { tags: { a: "2" } })])]]} | ${[{ dimensions: { a: "2" } }]}
    ${"labels of two levels"}                 | ${[[metrics([override(count, { tags: { a: "1" } })])], [metrics([override(count, { tags: { b: "2" } })])]]}       | ${[{ name: count, dimensions: { a: "1", b: "2" } }]}
    ${"a rule for another provider"}          | ${[[metrics([override("all", off)], ["stackdriver"])], [metrics([], ["prometheus"])]]}                            | ${[]}
    ${"no provider that there is"}            | ${[[metrics([])], [metrics([], ["stackdriver"])]]}                                                                | ${[{ drop: true }]}
    ${"one level with two providers"}         | ${[[metrics([], ["prometheus"]), metrics([override("all", off)], ["stackdriver"])]]}                              | ${[]}
  `("$which", ({ levels, merged }) => expect(mergeMetrics(levels, "SERVER", metricNames)).toEqual(merged));
});

describe("the reporting interval", () => {
  const every = (reportingIntervalMs: number, providers: readonly string[] = []): MetricsRule => ({
    ...metrics([], providers),
    reportingIntervalMs,
  });
  test.each`
    which                              | levels                                                             | merged
    ${"nothing said"}                  | ${[[metrics([])]]}                                                 | ${undefined}
    ${"the mesh's"}                    | ${[[every(1000)], [metrics([])]]}                                  | ${1000}
    ${"the nearest"}                   | ${[[every(1000)], [every(2000)], [metrics([])]]}                   | ${2000}
    ${"the last of one object"}        | ${[[every(2000), every(1000)]]}                                    | ${1000}
    ${"of a rule for another one"}     | ${[[every(1000), every(2000, ["stackdriver"])]]}                   | ${undefined}
    ${"of the provider that there is"} | ${[[every(2000, ["stackdriver"])], [every(1000, ["prometheus"])]]} | ${1000}
  `("$which", ({ levels, merged }) => expect(mergeReportingInterval(levels)).toEqual(merged));
});

function log(more: Partial<AccessLoggingRule> = {}): AccessLoggingRule {
  return { providers: [], mode: "CLIENT_AND_SERVER", disabled: false, ...more };
}

describe("access logging", () => {
  const errors = { filter: "response.code >= 400" };
  test.each`
    which                                      | levels                                                                  | merged
    ${"nothing said"}                          | ${[]}                                                                   | ${undefined}
    ${"on"}                                    | ${[[log({ providers: ["envoy"] })]]}                                    | ${{}}
    ${"on without a provider"}                 | ${[[log()]]}                                                            | ${{}}
    ${"off further down"}                      | ${[[log()], [log({ disabled: true })]]}                                 | ${undefined}
    ${"on again further down"}                 | ${[[log({ disabled: true })], [log()]]}                                 | ${{}}
    ${"filtered"}                              | ${[[log(errors)]]}                                                      | ${errors}
    ${"filtered, the filter kept"}             | ${[[log(errors)], [log()]]}                                             | ${errors}
    ${"filtered, and all by a named provider"} | ${[[log(errors)], [log({ providers: ["envoy"] })]]}                     | ${{}}
    ${"at clients only"}                       | ${[[log({ mode: "CLIENT" })]]}                                          | ${undefined}
    ${"at servers only"}                       | ${[[log({ mode: "SERVER" }), log({ mode: "CLIENT", disabled: true })]]} | ${{}}
    ${"of another provider"}                   | ${[[log({ providers: ["otel"] })]]}                                     | ${undefined}
    ${"of another provider further down"}      | ${[[log()], [log({ providers: ["otel"] })]]}                            | ${undefined}
    ${"of two providers"}                      | ${[[log({ providers: ["envoy"] }), log({ providers: ["otel"] })]]}      | ${{}}
  `("$which", ({ levels, merged }) => expect(mergeAccessLogging(levels, "SERVER")).toEqual(merged));
});

function trace(more: Partial<TracingRule> = {}): TracingRule {
  return { providers: [], mode: "CLIENT_AND_SERVER", ...more };
}

describe("tracing", () => {
  const defaults = { reported: true, samplingPercent: 1, customTags: new Map(), istioTags: true };
  const tags = (key: string): Pick<TracingRule, "customTags"> => ({
    customTags: new Map([[key, { from: "literal", value: "1" }]]),
  });
  test.each`
    which                            | levels                                                                                 | merged
    ${"nothing said"}                | ${[]}                                                                                  | ${{}}
    ${"a share"}                     | ${[[trace({ samplingPercent: 50 })], [trace()]]}                                       | ${{ samplingPercent: 50 }}
    ${"none"}                        | ${[[trace({ samplingPercent: 50 })], [trace({ samplingPercent: 0 })]]}                 | ${{ samplingPercent: 0 }}
    ${"not reported"}                | ${[[trace({ disableSpanReporting: true })]]}                                           | ${{ reported: false }}
    ${"reported again further down"} | ${[[trace({ disableSpanReporting: true })], [trace({ disableSpanReporting: false })]]} | ${{}}
    ${"to another provider"}         | ${[[trace({ providers: ["jaeger"] })]]}                                                | ${{ reported: false }}
    ${"to ours again further down"}  | ${[[trace({ providers: ["jaeger"] })], [trace({ providers: ["zipkin"] })]]}            | ${{}}
    ${"tags, replaced further down"} | ${[[trace(tags("a"))], [trace(tags("b"))]]}                                            | ${tags("b")}
    ${"tags, none further down"}     | ${[[trace(tags("a"))], [trace({ customTags: new Map() })]]}                            | ${{}}
    ${"without Istio's tags"}        | ${[[trace({ enableIstioTags: false })]]}                                               | ${{ istioTags: false }}
    ${"of clients only"}             | ${[[trace({ mode: "CLIENT", samplingPercent: 50 })]]}                                  | ${{}}
    ${"of servers only"}             | ${[[trace({ mode: "SERVER", samplingPercent: 50 })]]}                                  | ${{ samplingPercent: 50 }}
  `("$which", ({ levels, merged }) => expect(mergeTracing(levels, "SERVER")).toEqual({ ...defaults, ...merged }));
});

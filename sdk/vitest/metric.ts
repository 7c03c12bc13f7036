import type { MetricStore } from "../host/index.ts";
import { listed, type Verdict, verdict } from "./verdict.ts";

/** Values by label. */
export type MetricLabels = Readonly<Record<string, string>>;
/** A counter's or gauge's value, or a histogram's samples in order. */
export type MetricValue = number | readonly number[];

/** @see Matchers.toHaveMetric */
export function toHaveMetric(
  host: { readonly metrics: MetricStore },
  name: string,
  labels: MetricLabels = {},
  value?: MetricValue,
): Verdict {
  const all = host.metrics.names.map((encoded) => ({ ...decode(encoded), value: read(host.metrics, encoded) }));
  const key = format(name, labels);
  const found = all.find((metric) => format(metric.name, metric.labels) === key);
  const pass = found !== undefined && (value === undefined || JSON.stringify(found.value) === JSON.stringify(value));
  const namesakes = all.filter((metric) => metric.name === name);
  return verdict(pass, `a metric ${key}${value === undefined ? "" : ` of ${JSON.stringify(value)}`}`, () =>
    listed(
      namesakes.length === 0 ? `none is named ${name}; metrics` : `metrics named ${name}`,
      (namesakes.length === 0 ? all : namesakes).map(
        (metric) => `${format(metric.name, metric.labels)} ${JSON.stringify(metric.value)}`,
      ),
    ),
  );
}

function read(metrics: MetricStore, encoded: string): MetricValue | undefined {
  return metrics.counter(encoded) ?? metrics.gauge(encoded) ?? metrics.histogram(encoded);
}

/** Takes a name with labels in Istio's encoding apart: `code=.=200;.;calls`. */
function decode(encoded: string): { readonly name: string; readonly labels: MetricLabels } {
  const parts = encoded.split(";.;");
  const name = parts.pop() ?? "";
  return { name, labels: Object.fromEntries(parts.map((part) => part.split("=.=", 2))) };
}

/** As Prometheus writes it: `calls{code="200"}`, labels by name. */
function format(name: string, labels: MetricLabels): string {
  const written = Object.entries(labels)
    .map(([label, value]) => `${label}=${JSON.stringify(value)}`)
    .sort();
  return written.length === 0 ? name : `${name}{${written.join(",")}}`;
}

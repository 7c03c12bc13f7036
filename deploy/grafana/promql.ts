// Queries of Prometheus.
import type { Query } from "./panels.ts";

/** Lines of the 50th, 90th and 99th percentile of a histogram of Istio's, grouped by labels. */
export function quantiles(metric: string, selector: string, by: readonly string[], legend: string): readonly Query[] {
  return ["0.5", "0.9", "0.99"].map((quantile) => ({
    expr: `histogram_quantile(${quantile}, sum(${rate(`${metric}_bucket`, selector)}) by (${["le", ...by].join(", ")}))`,
    legend: `${legend} p${Number(quantile) * 100}`.trim(),
  }));
}

/** Per second, over what Grafana takes for a step. */
export function rate(metric: string, selector: string): string {
  return `rate(${metric}{${selector}}[$__rate_interval])`;
}

/** `sum(…) by (…)` */
export function sumBy(query: string, by: readonly string[]): string {
  return `sum(${query}) by (${by.join(", ")})`;
}

/** `query`, and 0 where there is `whole` alone: a counter is there from its first use. */
export function orNone(query: string, whole: string): string {
  return `(${query} or 0 * ${whole})`;
}

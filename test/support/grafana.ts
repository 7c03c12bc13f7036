// What a reader of a Grafana dashboard sees: its variables filled in as it opens, and the lines of its panels.
import type { Prometheus, Series } from "./prometheus-server.ts";

export interface Choice {
  readonly name: string;
  readonly query: string;
  readonly regex?: string;
  readonly includeAll: boolean;
  readonly current?: { readonly value: string };
}

export interface Query {
  readonly expr: string;
  readonly legendFormat?: string;
}

export interface Panel {
  readonly title: string;
  readonly targets?: readonly Query[];
}

export interface Dashboard {
  readonly templating: { readonly list: readonly Choice[] };
  readonly panels: readonly Panel[];
}

/** Values of variables by their names. */
export type Chosen = Readonly<Record<string, string>>;

/** Prometheus at the moment `time`, and how many seconds before it a rate looks back. */
export interface Moment {
  readonly prometheus: Prometheus;
  readonly time: number;
  readonly windowS: number;
}

export const choicesOf = ({ templating }: Dashboard): readonly Choice[] =>
  templating.list.filter(({ name }) => name !== "datasource");

/** Text with each `$name` replaced; @throws where nothing is chosen for it */
export function fill(text: string, chosen: Chosen): string {
  return text.replace(/\$([a-z_]\w*)/g, (variable, name: string) => {
    const value = chosen[name];
    if (value === undefined) throw new Error(`${variable} is no choice of this dashboard: ${text}`);
    return value;
  });
}

/** What a reader can choose, once the choices before it are made. */
export async function valuesOf(
  { query, regex }: Choice,
  chosen: Chosen,
  { prometheus, time }: Moment,
): Promise<readonly string[]> {
  const [, expr] = /^query_result\((.*)\)$/.exec(query) ?? [];
  if (expr !== undefined) {
    const found = await prometheus.query(fill(expr, chosen), time);
    const value = new RegExp(regex?.slice(1, -1) ?? "");
    const texts = found.flatMap(({ labels }) => Object.entries(labels)).map(([label, text]) => `{${label}="${text}"}`);
    return [...new Set(texts.map((text) => value.exec(text)?.[1] ?? ""))].toSorted();
  }
  const [, selector = "", label = ""] = /^label_values\((.*), (\w+)\)$/.exec(query) ?? [];
  return await prometheus.labelValues(fill(selector, chosen), label);
}

/** All choices: those that are made, and of the others what Grafana chooses as the dashboard opens. */
export async function opened(choices: readonly Choice[], made: Chosen, moment: Moment): Promise<Chosen> {
  const chosen: Record<string, string> = { ...made };
  for (const choice of choices) {
    const values = await valuesOf(choice, chosen, moment);
    const preset = choice.includeAll ? ".*" : choice.current?.value;
    const isThere = choice.includeAll || values.includes(preset ?? "");
    chosen[choice.name] ??= (isThere ? preset : values[0]) ?? "";
  }
  return chosen;
}

/**
 * What a query shows, a line for each series: `webapp.shop 200 = 6`. The number is known where the load is: of a rate how
 * often it happened in the window, of a percentile how many observations it is of, of a share its hundredths.
 *
 * @throws where a percentile is no positive number
 */
export async function lines(
  { expr, legendFormat = "" }: Query,
  chosen: Chosen,
  moment: Moment,
): Promise<readonly string[]> {
  const { prometheus, time, windowS } = moment;
  const filled = fill(expr, { __rate_interval: `${windowS}s`, ...chosen })
    .replaceAll("irate(", "rate(") // of the last two samples, before which the load is over
    .replace(/round\((.*), 0\.0*1\)/, "($1)"); // a few calls are less than that
  const observed = filled
    .replace(/histogram_quantile\([\d.]+, /g, "(")
    .replaceAll("_bucket{", '_bucket{le="+Inf", ')
    .replaceAll(" / 1000", "");
  const found = await prometheus.query(observed, time);
  if (observed !== filled) {
    const percentiles = await prometheus.query(filled, time);
    const bad = percentiles.filter(({ value }) => !(value > 0 && value < Number.POSITIVE_INFINITY));
    if (bad.length > 0 || percentiles.length !== found.length)
      throw new Error(`${filled} answers ${JSON.stringify(percentiles)}`);
  }
  const isShare = /\)\s*\//.test(observed);
  const isRate = observed.includes("rate(");
  const number = (value: number): number =>
    isShare ? Math.round(value * 100) / 100 : isRate ? timesOf(value, windowS) : value;
  return found.map((series) => `${legend(legendFormat, series)} = ${number(series.value)}`.trim().replace(/ +/g, " "));
}

/**
 * How often it happened in the window of a rate. Prometheus extends a rate beyond the samples at its ends, by an interval and
 * a half at most: its answer is never too small, and less than 1 too large where there are 1.5 samples for each time.
 */
export function timesOf(rate: number, windowS: number): number {
  return Math.floor(rate * windowS + 0.001); // which is less than any call, and more than a float's error
}

/** What a line is called, without the percentile. */
function legend(format: string, { labels }: Series): string {
  if (format === "" || format === "__auto")
    return Object.entries(labels)
      .filter(([label]) => label !== "le")
      .map(([, value]) => value)
      .join(" ");
  return format.replace(/ ?\b[pP]\d\d\b/, "").replace(/{{ *(\w+) *}}/g, (_, label: string) => labels[label] ?? "");
}

/** Lines of all queries of a panel, each once, in order. */
export async function linesOf(queries: readonly Query[], chosen: Chosen, moment: Moment): Promise<readonly string[]> {
  const all = await Promise.all(queries.map((query) => lines(query, chosen, moment)));
  return [...new Set(all.flat())].toSorted();
}

// Parts that all dashboards are made of.
import {
  DashboardBuilder,
  DatasourceVariableBuilder,
  type Panel,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  VariableSort,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder, PromQueryFormat } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder as Stat } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as Table } from "@grafana/grafana-foundation-sdk/table";
import { PanelBuilder as Timeseries } from "@grafana/grafana-foundation-sdk/timeseries";

/** PromQL, and what a line of it is called: text with `{{label}}`. */
export interface Query {
  readonly expr: string;
  readonly legend?: string;
}

/** Grafana's names of units. */
export type Unit = "reqps" | "percentunit" | "percent" | "ms" | "bytes" | "Bps" | "cps" | "none";

export interface PanelBuilder {
  build(): Panel;
}

/** A choice at the top of a dashboard: values of a label, of which several or all can be chosen where it is `many`. */
export interface Choice {
  readonly name: string;
  readonly label: string;
  /** `label_values(metric{…}, label)` */
  readonly values: string;
  readonly many?: boolean;
}

/** Name of the variable by which a reader chooses among data sources. */
const source = "datasource";
const datasource = { type: "prometheus", uid: `$\{${source}}` };

/** Width and height of a panel, in Grafana's grid of 24 columns. */
const sizes = { graph: [8, 8], stat: [6, 4], table: [24, 9] } as const;

const refId = (i: number): string => String.fromCharCode("A".charCodeAt(0) + i);

/** Lines over time. */
export function graph(title: string, unit: Unit, ...queries: readonly Query[]): PanelBuilder {
  const [width, height] = sizes.graph;
  const panel = new Timeseries().title(title).unit(unit).min(0).span(width).height(height).datasource(datasource);
  queries.forEach(({ expr, legend = "__auto" }, i) => {
    panel.withTarget(new DataqueryBuilder().refId(refId(i)).expr(expr).legendFormat(legend));
  });
  return panel;
}

/** One number, with its course behind it. */
export function stat(title: string, unit: Unit, expr: string): PanelBuilder {
  const [width, height] = sizes.stat;
  const query = new DataqueryBuilder().refId(refId(0)).expr(expr);
  return new Stat().title(title).unit(unit).span(width).height(height).datasource(datasource).withTarget(query);
}

/** What a table shows beside its labels: a column for each query. */
export interface Column extends Query {
  readonly title: string;
  readonly unit: Unit;
}

/** A row for each set of labels, a column for each query. */
export function table(title: string, ...columns: readonly Column[]): PanelBuilder {
  const [width, height] = sizes.table;
  const panel = new Table().title(title).span(width).height(height).datasource(datasource);
  for (const [i, { expr, title, unit }] of columns.entries()) {
    const query = new DataqueryBuilder().refId(refId(i)).expr(expr).instant().format(PromQueryFormat.Table);
    panel.withTarget(query).overrideByName(`Value #${refId(i)}`, [
      { id: "displayName", value: title },
      { id: "unit", value: unit },
    ]);
  }
  const hidden = { Time: true };
  return panel
    .withTransformation({ id: "merge", options: {} })
    .withTransformation({ id: "organize", options: { excludeByName: hidden } });
}

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

export interface Rows {
  readonly [title: string]: readonly PanelBuilder[];
}

/**
 * A whole dashboard.
 *
 * @param uid of its address in Grafana: stays the same over all versions
 */
export function dashboard(uid: string, title: string, choices: readonly Choice[], rows: Rows): object {
  const made = new DashboardBuilder(title)
    .uid(uid)
    .tags(["sluice"])
    .editable()
    .refresh("15s")
    .time({ from: "now-15m", to: "now" })
    .withVariable(new DatasourceVariableBuilder(source).label("Data source").type("prometheus"));
  for (const { name, label, values, many = false } of choices) {
    const variable = new QueryVariableBuilder(name).label(label).query(values).datasource(datasource);
    variable.refresh(VariableRefresh.OnTimeRangeChanged).sort(VariableSort.AlphabeticalAsc);
    made.withVariable(many ? variable.multi(true).includeAll(true).allValue(".*") : variable);
  }
  for (const [row, panels] of Object.entries(rows)) {
    made.withRow(new RowBuilder(row));
    for (const panel of panels) made.withPanel(panel);
  }
  return made.build();
}

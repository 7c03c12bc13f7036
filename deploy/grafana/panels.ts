// Kinds of panels.
import { VisibilityMode } from "@grafana/grafana-foundation-sdk/common";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder, PromQueryFormat } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder as Stat } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as Table } from "@grafana/grafana-foundation-sdk/table";
import { PanelBuilder as Timeseries } from "@grafana/grafana-foundation-sdk/timeseries";
import { gradedCell, grades, lastValue, legend, neutral, tooltip } from "./looks.ts";
import { type DataLink, source } from "./pages.ts";

/** PromQL, and what a line of it is called: text with `{{label}}`. */
export interface Query {
  readonly expr: string;
  readonly legend?: string;
}

/** Grafana's names of units. */
export type Unit = "reqps" | "percentunit" | "percent" | "ms" | "bytes" | "Bps" | "cps" | "mps" | "none";

export interface PanelBuilder {
  build(): Panel;
}

/** What stands above a panel. */
export interface About {
  readonly title: string;
  /** For who is on call: what is shown, in which unit, what a bad value means and what to do then. */
  readonly description: string;
}

/** What is shown as numbers of one unit. */
export interface Measure extends About {
  readonly unit: Unit;
  /** Where a line leads. */
  readonly link?: DataLink;
}

export const datasource = { type: "prometheus", uid: `$\{${source}}` };

/** Width and height of a panel, in Grafana's grid of 24 columns. */
const sizes = { graph: [8, 8], stat: [6, 4], table: [24, 9] } as const;

const refId = (i: number): string => String.fromCharCode("A".charCodeAt(0) + i);

/** Lines over time. */
export function graph({ title, description, unit, link }: Measure, ...queries: readonly Query[]): PanelBuilder {
  const [width, height] = sizes.graph;
  const panel = new Timeseries().title(title).description(description).datasource(datasource);
  panel.span(width).height(height).unit(unit).min(0).fillOpacity(10).showPoints(VisibilityMode.Never);
  if (unit === "percentunit") panel.max(1);
  if (link) panel.overrideByFieldType("number", [{ id: "links", value: [link] }]);
  panel.legend(legend).tooltip(tooltip);
  queries.forEach(({ expr, legend: name = "__auto" }, i) => {
    panel.withTarget(new DataqueryBuilder().refId(refId(i)).expr(expr).legendFormat(name));
  });
  return panel;
}

/** One number, with its course behind it. */
export function stat({ title, description, unit }: Measure, expr: string): PanelBuilder {
  const [width, height] = sizes.stat;
  const panel = new Stat().title(title).description(description).datasource(datasource);
  panel.span(width).height(height).unit(unit).reduceOptions(lastValue);
  if (unit === "percentunit") panel.thresholds(grades);
  else panel.colorScheme(neutral);
  return panel.withTarget(new DataqueryBuilder().refId(refId(0)).expr(expr));
}

/** What a table shows beside its labels: a column for each query. */
export interface Column extends Query {
  readonly title: string;
  readonly unit: Unit;
}

/** What a row is of: the labels of all columns' queries, what their columns are called, and where a value leads. */
export type Labels = Readonly<Record<string, { readonly name: string; readonly link?: DataLink }>>;

/** A row for each set of labels, a column for each query. */
export function table({ title, description }: About, labels: Labels, ...columns: readonly Column[]): PanelBuilder {
  const [width, height] = sizes.table;
  const panel = new Table().title(title).description(description).datasource(datasource);
  panel.span(width).height(height);
  for (const [i, { expr, title, unit }] of columns.entries()) {
    const query = new DataqueryBuilder().refId(refId(i)).expr(expr).instant().format(PromQueryFormat.Table);
    panel
      .withTarget(query)
      .overrideByName(`Value #${refId(i)}`, [
        { id: "displayName", value: title },
        { id: "unit", value: unit },
        { id: "decimals", value: 2 },
        ...(unit === "percentunit" ? gradedCell : []),
      ]);
  }
  for (const [label, { name, link }] of Object.entries(labels))
    panel.overrideByName(label, [
      { id: "displayName", value: name },
      ...(link ? [{ id: "links", value: [link] }] : []),
    ]);
  const hidden = { Time: true };
  return panel
    .withTransformation({ id: "merge", options: {} })
    .withTransformation({ id: "organize", options: { excludeByName: hidden } });
}

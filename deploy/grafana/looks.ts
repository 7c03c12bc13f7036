// How panels look: legends, tooltips, colours.
import {
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  TableCellDisplayMode,
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from "@grafana/grafana-foundation-sdk/common";
import {
  FieldColorBuilder,
  FieldColorModeId,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from "@grafana/grafana-foundation-sdk/dashboard";

/** Below the lines. The builders' own default is none. */
export const legend = new VizLegendOptionsBuilder()
  .showLegend(true)
  .displayMode(LegendDisplayMode.List)
  .placement(LegendPlacement.Bottom);

/** All lines at a moment, the greatest first. */
export const tooltip = new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending);

/** Of a success rate: red, yellow from 95 %, green from 99 %, as in Istio's dashboards. */
export const grades = new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps([
  { value: null, color: "red" },
  { value: 0.95, color: "yellow" },
  { value: 0.99, color: "green" },
]);

/** Of a success rate in a table. */
export const gradedCell = [
  { id: "custom.cellOptions", value: { type: TableCellDisplayMode.ColorBackground } },
  { id: "thresholds", value: grades.build() },
];

/** Of numbers that are neither good nor bad: by Grafana's default they are red above 80. */
export const neutral = new FieldColorBuilder().mode(FieldColorModeId.Fixed).fixedColor("blue");

/** The last value there is: a rate of nothing by nothing is none. */
export const lastValue = new ReduceDataOptionsBuilder().calcs(["lastNotNull"]);

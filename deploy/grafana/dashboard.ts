// A dashboard: what a reader chooses at its top, and its panels in rows.
import {
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  VariableSort,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { address, type Page, pages, source } from "./pages.ts";
import { datasource, type PanelBuilder } from "./panels.ts";

/** A choice at the top of a dashboard: values of a label, of which several or all can be chosen where it is `many`. */
export interface Choice {
  readonly name: string;
  readonly label: string;
  /** What it narrows down; Grafana shows it beside the label. */
  readonly description: string;
  /** `label_values(metric{…}, label)`, or `query_result(…)`, whose series are lines of text. */
  readonly values: string;
  /** Between slashes; its group is the value in such a line. */
  readonly regex?: string;
  readonly many?: boolean;
  /** What is chosen as it opens. Default: all where it is `many`, else the first. */
  readonly initial?: string;
}

export interface Rows {
  readonly [title: string]: readonly PanelBuilder[];
}

export interface Content {
  readonly page: Page;
  readonly description: string;
  readonly choices?: readonly Choice[];
  readonly rows: Rows;
}

/** At the top: the way to the others, which keeps data source and time. */
function otherPages(page: Page): readonly DashboardLinkBuilder[] {
  const others = Object.entries(pages).filter(([name]) => name !== page) as [Page, (typeof pages)[Page]][];
  return others.map(([name, { title }]) =>
    new DashboardLinkBuilder(title).type(DashboardLinkType.Link).icon("dashboard").url(address(name)).keepTime(true),
  );
}

/** A whole dashboard: Grafana's JSON model. */
export function dashboard({ page, description, choices = [], rows }: Content): object {
  const { uid, title } = pages[page];
  const made = new DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags(["sluice"])
    .editable()
    .refresh("15s")
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from: "now-15m", to: "now" })
    .withVariable(
      new DatasourceVariableBuilder(source)
        .label("Data source")
        .description("The Prometheus that scrapes the proxies.")
        .type("prometheus"),
    );
  for (const { name, label, description, values, regex = "", many = false, initial } of choices) {
    const variable = new QueryVariableBuilder(name).label(label).description(description).query(values);
    variable
      .datasource(datasource)
      .regex(regex)
      .refresh(VariableRefresh.OnTimeRangeChanged)
      .sort(VariableSort.AlphabeticalAsc);
    if (initial !== undefined) variable.current({ text: initial, value: initial });
    made.withVariable(many ? variable.multi(true).includeAll(true).allValue(".*") : variable);
  }
  for (const other of otherPages(page)) made.link(other);
  for (const [row, panels] of Object.entries(rows)) {
    made.withRow(new RowBuilder(row));
    for (const panel of panels) made.withPanel(panel);
  }
  return made.build();
}

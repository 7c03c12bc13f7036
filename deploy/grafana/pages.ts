// The dashboards by their addresses in Grafana, and links from one to another.

/** Titles, and uids, which stay the same over all versions. */
export const pages = {
  mesh: { uid: "sluice-mesh", title: "Sluice / Mesh" },
  service: { uid: "sluice-service", title: "Sluice / Service" },
  workload: { uid: "sluice-workload", title: "Sluice / Workload" },
  resilience: { uid: "sluice-resilience", title: "Sluice / Retry budgets and deadlines" },
} as const;

export type Page = keyof typeof pages;

/** Name of the variable by which a reader chooses among data sources. */
export const source = "datasource";

/** Address of a page with the reader's data source, and choices: Grafana's variables by the page's. */
export function address(page: Page, choices: Readonly<Record<string, string>> = {}): string {
  const chosen = Object.entries(choices).map(([name, value]) => `&var-${name}=$\{${value}}`);
  return `/d/${pages[page].uid}?$\{${source}:queryparam}${chosen.join("")}`;
}

/** A link on a value or a line, which also keeps the time. */
export interface DataLink {
  readonly title: string;
  readonly url: string;
}

export function dataLink(page: Page, choices: Readonly<Record<string, string>>): DataLink {
  return { title: `Open the ${page}`, url: `${address(page, choices)}&$\{__url_time_range}` };
}

import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { dashboards } from "../deploy/grafana/dashboards.ts";

interface Described {
  readonly title?: string;
  readonly label?: string;
  readonly description?: string;
}

interface Panel extends Described {
  readonly type: string;
  readonly targets?: readonly { readonly expr: string }[];
}

interface Dashboard extends Described {
  readonly templating: { readonly list: readonly Described[] };
  readonly panels: readonly Panel[];
}

const models = [...dashboards].map(([file, text]) => ({ file, model: JSON.parse(text) as Dashboard }));
const panels = models.flatMap(({ file, model }) =>
  model.panels.filter(({ type }) => type !== "row").map((panel) => ({ file, ...panel })),
);

test("the dashboards are those of their sources: npm run grafana writes them anew", () => {
  const folder = join(import.meta.dirname, "../deploy/grafana/dashboards");
  const names = globSync("*", { cwd: folder });
  expect(new Map(names.map((name) => [name, readFileSync(join(folder, name), "utf8")]))).toEqual(dashboards);
});

describe("what a reader is told", () => {
  test("each dashboard, panel and choice is described in whole sentences", () => {
    const described: readonly Described[] = [
      ...models.map(({ model }) => model),
      ...models.flatMap(({ model }) => model.templating.list),
      ...panels,
    ];
    const mute = described.filter(({ description = "" }) => !/\.$/.test(description));
    expect(mute.map(({ title, label }) => title ?? label)).toEqual([]);
  });

  test.each(["description", "title"] as const)("no two panels have one %s and show different things", (text) => {
    const shown = Map.groupBy(panels, (panel) => (text === "title" ? `${panel.file}: ${panel.title}` : panel[text]));
    const ambiguous = [...shown].filter(
      ([, same]) => new Set(same.map(({ targets }) => JSON.stringify(targets))).size > 1,
    );
    expect(ambiguous.map(([key]) => key)).toEqual([]);
  });
});

import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { dashboards } from "../deploy/grafana/dashboards.ts";

interface Described {
  readonly title?: string;
  readonly name?: string;
  readonly label?: string;
  readonly description?: string;
}

interface Panel extends Described {
  readonly type: string;
  readonly targets?: readonly { readonly expr: string }[];
}

interface Dashboard extends Described {
  readonly uid: string;
  readonly links: readonly { readonly url: string }[];
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

describe("links", () => {
  const choicesAt = (url: string): readonly (string | undefined)[] | undefined =>
    models.find(({ model }) => url.startsWith(`/d/${model.uid}?`))?.model.templating.list.map(({ name }) => name);
  const all = (text: string, regex: RegExp): readonly (string | undefined)[] =>
    [...text.matchAll(regex)].map(([, found]) => found);

  test("each dashboard has one to each other", () => {
    for (const { file, model } of models) {
      const others = models.filter((other) => other.model !== model).map(({ model: { uid } }) => `/d/${uid}`);
      expect(new Set(model.links.map(({ url }) => url.split("?")[0])), file).toEqual(new Set(others));
    }
  });

  test("a line or a value leads to a dashboard that has those choices, by labels that it has", () => {
    const leading = panels.flatMap((panel) =>
      all(JSON.stringify(panel), /"url":"([^"]+)"/g).map((url = "") => ({ panel, url })),
    );
    expect(leading).not.toEqual([]);
    for (const { panel, url } of leading) {
      expect(choicesAt(url), url).toEqual(expect.arrayContaining([...all(url, /var-(\w+)=/g)]));
      for (const { expr } of panel.targets ?? [])
        expect(
          all(expr, /by \(([^)]*)\)/g)
            .join()
            .split(/, ?/),
          `${panel.title}: ${expr}`,
        ).toEqual(expect.arrayContaining([...all(url, /__(?:data\.fields|field\.labels)\.(\w+)/g)]));
    }
  });
});

import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { dashboards } from "../deploy/grafana/dashboards.ts";

test("the dashboards are those of their sources: npm run grafana writes them anew", () => {
  const folder = join(import.meta.dirname, "../deploy/grafana/dashboards");
  const names = globSync("*", { cwd: folder });
  expect(new Map(names.map((name) => [name, readFileSync(join(folder, name), "utf8")]))).toEqual(dashboards);
});

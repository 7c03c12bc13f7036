import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseObject } from "../../controller/crd/parse-object.ts";
import { problemText } from "../../controller/model/problem.ts";
import { planOf } from "../../controller/run/plan.ts";
import { readDocuments } from "../../controller/sources/documents.ts";

const here = import.meta.dirname;

test.each(globSync("{mesh,walk}/*.yaml", { cwd: here }))("%s is accepted as it stands", (file) => {
  const { objects, problems } = readDocuments(readFileSync(join(here, file), "utf8"), file);
  const parsed = objects.map(parseObject);
  const found = [...problems, ...parsed.flatMap((one) => one.problems)].filter(({ severity }) => severity !== "info");
  expect(found.map(problemText)).toEqual([]);
  expect(planOf(parsed.flatMap(({ object }) => object ?? [])).problems).toEqual([]);
});

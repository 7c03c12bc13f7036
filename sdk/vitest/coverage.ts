// A setup file for vitest: what filters count goes into the coverage of `vitest --coverage` with the provider "istanbul".
import { resolve } from "node:path";
import { afterAll } from "vitest";
import { type Counters, collectCoverage } from "../host/index.ts";
import { addCounts, type FileCoverage, fileCoverages } from "./istanbul.ts";

/** Where the provider looks for what a test file has covered. */
const store = "__VITEST_COVERAGE__";

const started: Counters[] = [];
collectCoverage((counters) => started.push(counters));

afterAll(() => {
  const global = globalThis as typeof globalThis & { [store]?: Record<string, FileCoverage> };
  const covered = global[store] ?? {};
  for (const counters of started.splice(0)) {
    for (const file of fileCoverages(counters, (path) => resolve(path))) {
      const known = covered[file.path];
      if (known === undefined) covered[file.path] = file;
      else addCounts(known, file);
    }
  }
  global[store] = covered;
});

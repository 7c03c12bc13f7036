// Finds the filters of a repository: folders of `filters/` and `examples/filters/` with an `assembly/index.ts`.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** Folders whose folders may be filters. */
export const parents = ["filters", "examples/filters"] as const;

/** One filter's sources. Paths are relative to the root, with forward slashes. */
export interface Filter {
  /** Name of its folder, and of its module. */
  readonly name: string;
  readonly folder: string;
  readonly source: string;
}

/** All filters below a root, by folder and name. */
export function findFilters(root: string): Filter[] {
  return parents.flatMap((parent) => {
    if (!existsSync(join(root, parent))) return [];
    return readdirSync(join(root, parent))
      .sort()
      .map((name) => ({ name, folder: `${parent}/${name}`, source: `${parent}/${name}/assembly/index.ts` }))
      .filter(({ source }) => existsSync(join(root, source)));
  });
}

/** Where a filter's module is written, relative to the root. */
export function modulePath(name: string): string {
  return `build/${name}.wasm`;
}

/** Where its instrumented module is written, relative to the root; `Host.load` of the other one takes it for coverage. */
export function coveragePath(name: string): string {
  return `build/coverage/${name}.wasm`;
}

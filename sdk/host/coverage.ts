// What instrumented modules count, for whoever reports it.
import { type CoverageMap, coverageExport, coverageSection } from "../module/coverage.ts";

/** What one VM has counted. */
export interface Counters {
  readonly map: CoverageMap;
  /** By counter, as they are now. */
  counts(): Uint32Array;
}

let collect: ((counters: Counters) => void) | undefined;
const maps = new WeakMap<WebAssembly.Module, CoverageMap>();

/** Hands over each VM of an instrumented module that starts from now on, in this process. */
export function collectCoverage(take: (counters: Counters) => void): void {
  collect = take;
}

/** True where modules should be loaded as they count. */
export function isCollectingCoverage(): boolean {
  return collect !== undefined;
}

/** A VM has started. */
export function noteVm(
  module: WebAssembly.Module,
  exports: Readonly<Record<string, unknown>>,
  memory: () => ArrayBuffer,
): void {
  const address = exports[coverageExport];
  if (collect === undefined || typeof address !== "function") return;
  const map = maps.get(module) ?? parse(module);
  maps.set(module, map);
  collect({ map, counts: () => new Uint32Array(memory(), address(), map.counters) });
}

function parse(module: WebAssembly.Module): CoverageMap {
  const [content] = WebAssembly.Module.customSections(module, coverageSection);
  if (content === undefined)
    throw new Error(`a module that exports ${coverageExport} has no section ${coverageSection}`);
  return JSON.parse(new TextDecoder().decode(content));
}

import { dirname } from "node:path";
import { buildFilter } from "../../sdk/build/build-filter.ts";
import { findFilters } from "../../sdk/build/filters.ts";

const root = dirname(dirname(import.meta.dirname));

/**
 * Compiles a filter of this repository from its sources as they are now, so that no test runs a stale module.
 *
 * @param name its folder in filters/ or examples/
 * @throws with the compiler's messages
 */
export async function filterModule(name: string): Promise<Uint8Array> {
  const filter = findFilters(root).find((found) => found.name === name);
  if (filter === undefined) throw new Error(`there is no filter ${name}`);
  const build = await buildFilter(root, filter);
  if (!build.ok) throw new Error(build.messages);
  return build.bytes;
}

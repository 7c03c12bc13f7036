import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { findFilters, modulePath } from "../../sdk/build/filters.ts";
import { digestOf, isMadeFrom } from "../../sdk/build/made-from.ts";
import { isCollectingCoverage } from "../../sdk/host/index.ts";
import { kept, keptFile } from "./kept.ts";

const root = dirname(dirname(import.meta.dirname));

/**
 * A filter of this repository as its sources are now, so that no test runs a stale module: the one in build/ where it was
 * made from them, else compiled.
 *
 * @param name its folder in filters/ or examples/filters/
 * @throws with the compiler's messages
 */
export async function filterModule(name: string): Promise<Uint8Array> {
  return await readFile(await filterFile(name));
}

/** The file with the module of {@link filterModule}. */
export async function filterFile(name: string): Promise<string> {
  const filter = findFilters(root).find((found) => found.name === name);
  if (filter === undefined) throw new Error(`there is no filter ${name}`);
  const digest = digestOf(root, filter);
  const coverage = isCollectingCoverage();
  if (!coverage && isMadeFrom(root, filter, digest)) return join(root, modulePath(name));
  return await keptFile(name, coverage ? `${digest} coverage` : digest, async () => {
    const { buildFilter } = await import("../../sdk/build/build-filter.ts");
    const build = await buildFilter(root, filter, { coverage });
    if (!build.ok) throw new Error(build.messages);
    return build.bytes;
  });
}

/**
 * The module of a source beside the SDK's own, such as `sdk/assembly/testing/tour.ts`.
 *
 * @throws with the compiler's messages
 */
export async function sourceModule(source: string): Promise<Uint8Array<ArrayBuffer>> {
  return await kept(basename(source, ".ts"), digestOf(root, { folder: dirname(source) }), async () => {
    const { compile } = await import("../../sdk/build/compile.ts");
    const compilation = await compile(root, source);
    if (!compilation.ok) throw new Error(compilation.messages);
    return compilation.bytes;
  });
}

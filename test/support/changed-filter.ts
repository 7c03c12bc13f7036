import { cpSync, mkdtempDisposableSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findFilters } from "../../sdk/build/filters.ts";
import { digestOf } from "../../sdk/build/made-from.ts";
import { keptFile } from "./kept.ts";

const root = join(import.meta.dirname, "..", "..");

export interface Change {
  /** In the filter's `assembly` folder. */
  readonly file: string;
  /** A text that is there. */
  readonly from: string;
  readonly to: string;
}

/**
 * The file with the module of a filter of this repository that has a change in one of its sources: it traps, or is a later
 * version of itself.
 *
 * @throws with the compiler's messages, or where there is nothing to change
 */
export async function changedFilter(name: string, { file, from, to }: Change): Promise<string> {
  using copy = mkdtempDisposableSync(join(tmpdir(), "sluice-changed-"));
  for (const same of ["sdk", "node_modules", "asconfig.json"]) symlinkSync(join(root, same), join(copy.path, same));
  const folder = join(copy.path, "filters", name);
  cpSync(join(root, "filters", name), folder, { recursive: true });
  const source = readFileSync(join(folder, "assembly", file), "utf8");
  if (!source.includes(from)) throw new Error(`${name}/assembly/${file} has no ${JSON.stringify(from)}`);
  writeFileSync(
    join(folder, "assembly", file),
    source.replace(from, () => to),
  );
  const [filter] = findFilters(copy.path);
  if (filter === undefined) throw new Error(`there is no filter ${name}`);
  return await keptFile(`${name}-changed`, digestOf(copy.path, filter), async () => {
    const { buildFilter } = await import("../../sdk/build/build-filter.ts");
    const built = await buildFilter(copy.path, filter);
    if (!built.ok) throw new Error(built.messages);
    return built.bytes;
  });
}

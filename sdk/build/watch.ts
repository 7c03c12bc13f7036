// Builds a filter again when one of its files is saved, all of them when the SDK is. EDGE: the file system's events.
import { existsSync, type FSWatcher, watch } from "node:fs";
import { join } from "node:path";
import { type Filter, parents } from "./filters.ts";

/** Saving a file makes several events (truncate, write, rename): they are gathered for this long. */
const QUIET_MS = 10;

/**
 * Calls `build` with the filters that a change concerns, one call at a time, until the watchers are closed.
 *
 * @param find all filters there are now
 */
export function watchFilters(
  root: string,
  find: () => readonly Filter[],
  build: (filters: readonly Filter[]) => Promise<void>,
): FSWatcher[] {
  const changed = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let running = false;

  const run = async () => {
    if (running || !changed.size) return;
    running = true;
    const folders = new Set(changed);
    changed.clear();
    await build(find().filter(({ folder }) => folders.has(folder) || folders.has(sdk)));
    running = false;
    await run();
  };
  const note = (folder: string) => {
    changed.add(folder);
    clearTimeout(timer);
    timer = setTimeout(run, QUIET_MS);
  };

  const ofFilters = parents
    .filter((parent) => existsSync(join(root, parent)))
    .map((parent) =>
      watch(join(root, parent), { recursive: true }, (_, file) => {
        const [folder] = file?.split(/[\\/]/) ?? [];
        if (folder && isSource(file)) note(`${parent}/${folder}`);
      }),
    );
  const ofSdk = ["abi", "assembly"].map((part) =>
    watch(join(import.meta.dirname, "..", part), { recursive: true }, (_, file) => {
      if (isSource(file)) note(sdk);
    }),
  );
  return [...ofFilters, ...ofSdk];
}

/** Stands for the SDK among the names of folders. */
const sdk = "";

function isSource(file: string | null): boolean {
  return file !== null && /\.(ts|json)$/.test(file) && !file.endsWith(".test.ts");
}

import { type FSWatcher, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { findFilters } from "./filters.ts";
import { watchFilters } from "./watch.ts";

let root: string;
let watchers: FSWatcher[];
/** Names of the filters of each build so far. */
let builds: string[][];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  root = mkdtempSync(join(tmpdir(), "sluice-watch-"));
  for (const name of ["one", "two"]) {
    mkdirSync(join(root, "filters", name, "assembly"), { recursive: true });
    writeFileSync(join(root, "filters", name, "assembly/index.ts"), "");
  }
  builds = [];
});

afterEach(() => {
  vi.useRealTimers();
  for (const watcher of watchers) watcher.close();
  rmSync(root, { recursive: true });
});

function watch(build: () => Promise<void> = async () => {}): void {
  watchers = watchFilters(
    root,
    () => findFilters(root),
    async (filters) => {
      builds.push(filters.map(({ name }) => name));
      await build();
    },
  );
}

/** Saves a file; resolves when the watcher has heard of it and the quiet time has passed. */
async function save(file: string, write: (path: string) => void): Promise<void> {
  const heard = new Promise<void>((resolve) => {
    watchers[0]?.on("change", (_, changed) => {
      if (changed === file) resolve();
    });
  });
  write(join(root, "filters", file));
  await heard;
  await vi.advanceTimersByTimeAsync(10);
}

const overwrite = (path: string) => writeFileSync(path, "changed");
const replace = (path: string) => {
  writeFileSync(`${path}.swp`, "changed");
  renameSync(`${path}.swp`, path);
};

test.each([
  ["two/assembly/index.ts", "written", overwrite, ["two"]],
  ["one/assembly/index.ts", "replaced", replace, ["one"]],
  ["one/manifest.json", "written", overwrite, ["one"]],
])("filters/%s is %s: its filter is built", async (file, _, write, built) => {
  watch();
  await save(file, write);
  expect(builds).toEqual([built]);
});

test("what is no source builds nothing", async () => {
  watch();
  await save("one/README.md", overwrite);
  await save("one/one.test.ts", overwrite);
  expect(builds).toEqual([]);
});

test("what is saved during a build is built after it, not at the same time", async () => {
  const first = Promise.withResolvers<void>();
  watch(() => (builds.length === 1 ? first.promise : Promise.resolve()));
  await save("one/assembly/index.ts", overwrite);
  await save("two/assembly/index.ts", overwrite);
  expect(builds).toEqual([["one"]]);
  first.resolve();
  await vi.waitFor(() => expect(builds).toEqual([["one"], ["two"]]));
});

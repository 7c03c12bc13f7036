import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { until } from "../../test/support/wait.ts";
import { FileWatcher } from "./watch.ts";

let root: string;
let module: string;
let changed: string[];
let watcher: FileWatcher;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "sluice-watch-"));
  module = join(root, "build", "a.wasm");
  await mkdir(join(root, "build"));
  await writeFile(module, "one");
  changed = [];
  watcher = new FileWatcher((file) => changed.push(file));
});

afterEach(async () => {
  watcher.close();
  await rm(root, { recursive: true, force: true });
});

async function heard(): Promise<void> {
  await until(() => changed.includes(module), "the change of the module", { deadlineMs: 4000 });
  changed = [];
}

test("a module that is written, or renamed into place, is told, and no other file", async () => {
  watcher.watch(new Set([module]));
  await writeFile(join(root, "build", "b.wasm"), "other");
  await writeFile(module, "two");
  await heard();
  await writeFile(join(root, "build", "next"), "three");
  await rename(join(root, "build", "next"), module);
  await heard();
  expect(changed.filter((file) => file !== module)).toEqual([]);
});

test("a build folder that is removed and made anew is still heard", async () => {
  watcher.watch(new Set([module]));
  for (const text of ["two", "three"]) {
    await rm(join(root, "build"), { recursive: true });
    await heard();
    await mkdir(join(root, "build"));
    await heard();
    await writeFile(module, text);
    await heard();
  }
});

test("a folder that was not there at first is heard once it is made", async () => {
  const later = join(root, "not", "yet", "a.wasm");
  watcher.watch(new Set([later]));
  await mkdir(join(root, "not", "yet"), { recursive: true });
  await until(() => changed.includes(later), "the folder to be seen", { deadlineMs: 4000 });
  changed = [];
  await writeFile(later, "one");
  await until(() => changed.includes(later), "the module to be seen", { deadlineMs: 4000 });
});

// Whether a filter must be compiled again: a digest of all that its module is made from stands beside it in build/.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, relative } from "node:path";
import { type Filter, modulePath } from "./filters.ts";
import { readVersion } from "./version.ts";

/** Read from its package: to load the compiler takes longer than all else where nothing has changed. */
export const compilerVersion = readVersion(createRequire(import.meta.url).resolve("assemblyscript/package.json"));

/** Digest of the filter's sources, of the SDK, of the flags and of the compiler: 64 hex digits. */
export function digestOf(root: string, filter: Pick<Filter, "folder">): string {
  const hash = createHash("sha256").update(compilerVersion);
  const sdk = join(import.meta.dirname, "..");
  const parts = ["abi", "asconfig.json", "assembly", "build", "module", "package.json"].map((part) => join(sdk, part));
  for (const path of [...parts, join(root, "asconfig.json"), join(root, filter.folder)].flatMap(sourcesBelow)) {
    hash.update(`\0${relative(root, path)}\0`).update(readFileSync(path));
  }
  return hash.digest("hex");
}

/** Whether the module in build/ was made from this. */
export function isMadeFrom(root: string, { name }: Filter, digest: string): boolean {
  const stamp = stampPath(root, name);
  return existsSync(join(root, modulePath(name))) && existsSync(stamp) && readFileSync(stamp, "utf8") === digest;
}

/** Notes what the module in build/ was made from. */
export function noteMadeFrom(root: string, { name }: Filter, digest: string): void {
  writeFileSync(stampPath(root, name), digest);
}

function stampPath(root: string, name: string): string {
  return join(root, "build", `.${name}.made-from`);
}

/** The file itself, or all of a folder's in order; tests make no module. */
function sourcesBelow(path: string): string[] {
  if (!existsSync(path)) return [];
  if (/\.(ts|json)$/.test(path)) return path.endsWith(".test.ts") ? [] : [path];
  return readdirSync(path, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .filter((entry) => entry.isDirectory() || /\.(ts|json)$/.test(entry.name))
    .flatMap((entry) => sourcesBelow(join(path, entry.name)));
}

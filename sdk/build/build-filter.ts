// One filter -> build/<name>.wasm: compiled, described, checked, and put in place in one step or not at all.
import { mkdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { pid } from "node:process";
import { gzipSync } from "node:zlib";
import { formatModuleProblem, inspectModule } from "../module/inspect.ts";
import { type Manifest, manifestSection } from "../module/manifest.ts";
import { compile } from "./compile.ts";
import { withCustomSection, withShortNames } from "./custom-sections.ts";
import { readDeclaration } from "./declaration.ts";
import type { Filter } from "./filters.ts";
import { startProblem } from "./start-check.ts";
import { readVersion } from "./version.ts";

/** What became of a filter: its module's bytes, or why there are none. */
export type Build =
  | { readonly ok: true; readonly bytes: Uint8Array; readonly sourceMap: string; readonly messages: string }
  | { readonly ok: false; readonly messages: string };

/**
 * Compiles, describes and checks a filter; writes nothing.
 *
 * @param options `coverage`: its own sources count what runs, for `vitest --coverage`; default false
 */
export async function buildFilter(
  root: string,
  { name, folder, source }: Filter,
  options: { readonly coverage?: boolean } = {},
): Promise<Build> {
  const { declaration, problems } = readDeclaration(root, folder);
  if (problems.length) return { ok: false, messages: problems.join("\n") };
  const compiled = await compile(root, source, options);
  if (!compiled.ok) return compiled;
  if (!compiled.attach.length) {
    const factories = "createHttpContext, createUpstreamContext, createTcpContext or, as an access logger, onLog";
    return { ok: false, messages: `${source}: no plugin overrides ${factories}: nothing would reach the filter` };
  }
  const { attach, configSchema } = compiled;
  const described = { ...declaration, ...(configSchema && { configSchema }) };
  const manifest: Manifest = { name, ...described, sdk: sdkVersion, abi: "0.2.1", attach };
  const content = new TextEncoder().encode(JSON.stringify(manifest));
  const bytes = withCustomSection(withShortNames(compiled.bytes), manifestSection, content);
  const refusals = inspectModule(bytes).problems.map((problem) => `${source}: ${formatModuleProblem(problem)}`);
  if (refusals.length) return { ok: false, messages: refusals.join("\n") };
  const problem = await startProblem(bytes);
  if (problem !== undefined) return { ok: false, messages: `${source}: ${problem}` };
  return { ok: true, bytes, sourceMap: compiled.sourceMap, messages: compiled.messages };
}

/**
 * Puts a module in the place of the last one: whoever reads it sees the one or the other, never a part. Its source map
 * lies beside it, for `sluice module trace`, and is not delivered.
 *
 * @param place path relative to root
 * @returns a line that names its size, compressed size, and the change since the last build
 */
export function writeModule(
  root: string,
  place: string,
  { bytes, sourceMap }: { readonly bytes: Uint8Array; readonly sourceMap: string },
): string {
  const path = join(root, place);
  const before = statSync(path, { throwIfNoEntry: false })?.size;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.${pid}`, bytes);
  writeFileSync(`${path}.map`, sourceMap);
  renameSync(`${path}.${pid}`, path);
  const change = before === undefined ? "new" : formatChange(bytes.length - before);
  return `${basename(place, ".wasm").padEnd(16)} ${size(bytes.length)}  gzip ${size(gzipSync(bytes).length)}  ${change}`;
}

function size(bytes: number): string {
  return `${(bytes / 1024).toFixed(1).padStart(5)} KiB`;
}

function formatChange(bytes: number): string {
  return bytes === 0 ? "same size" : `${bytes > 0 ? "+" : ""}${bytes} B`;
}

const sdkVersion = readVersion(join(import.meta.dirname, "..", "package.json"));

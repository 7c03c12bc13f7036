// What a filter's folder declares beside its code: manifest.json, which is optional.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isMetric, isObject, type MetricDeclaration } from "../module/manifest.ts";

/** `manifest.json` with its defaults. */
export interface Declaration {
  /** Default `0.0.0`. */
  readonly version: string;
  /** Default none. */
  readonly metrics: readonly MetricDeclaration[];
}

/** What the folder declares, and what is wrong with it as sentences that name the file. */
export function readDeclaration(
  root: string,
  folder: string,
): { readonly declaration: Declaration; readonly problems: readonly string[] } {
  const problems: string[] = [];
  const manifest = readObject(root, `${folder}/manifest.json`, problems) ?? {};
  const { version = "0.0.0", metrics = [], ...unknown } = manifest;
  const where = `${folder}/manifest.json`;
  for (const field of Object.keys(unknown)) problems.push(`${where}: ${field} is unknown; known are version, metrics`);
  if (typeof version !== "string") problems.push(`${where}: version is no text; write it as "1.0.0"`);
  if (!Array.isArray(metrics) || !metrics.every(isMetric)) {
    problems.push(
      `${where}: metrics is no list of {"name", "type": "counter|gauge|histogram", "labels": [...], "help"}`,
    );
  }
  const declaration = {
    version: String(version),
    metrics: Array.isArray(metrics) ? metrics.filter(isMetric) : [],
  };
  return { declaration, problems };
}

/** The JSON object in a file; undefined where there is no file, or, with a problem, where there is none in it. */
function readObject(root: string, file: string, problems: string[]): Record<string, unknown> | undefined {
  if (!existsSync(join(root, file))) return undefined;
  try {
    const value: unknown = JSON.parse(readFileSync(join(root, file), "utf8"));
    if (isObject(value)) return value;
    problems.push(`${file}: an object is expected`);
  } catch (error) {
    problems.push(`${file}: ${error instanceof Error ? error.message : error}`);
  }
  return undefined;
}

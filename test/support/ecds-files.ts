// Filters that a static bootstrap gets by ECDS from files, so that they can be swapped while Envoy runs.
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Json } from "./filter-envoy.ts";

export interface SwappableFilters {
  /** The bootstrap, whose Wasm filters now come from files. */
  readonly bootstrap: Json;
  /** How many there are. */
  readonly count: number;
  /** Puts the Wasm filters of another bootstrap, whose chains are the same, into the place of those that there are. */
  swapTo(bootstrap: Json): Promise<void>;
}

interface Extension {
  readonly name: string;
  readonly typed_config: Json;
}

/** @param folder for the files; each place of a plugin in the chains has one, by its name */
export async function swappableFilters(bootstrap: Json, folder: string): Promise<SwappableFilters> {
  const filters = new Map<string, Extension>();
  const collect = (into: Map<string, Extension>) => (extension: Extension) => {
    const name = nameOf(extension);
    into.set(name, { ...extension, name });
    const path_config_source = { path: fileOf(name) };
    const config_source = { resource_api_version: "V3", path_config_source };
    return { name, config_discovery: { config_source, type_urls: [extension.typed_config["@type"]] } };
  };
  const fileOf = (name: string): string => join(folder, `${name}.json`);
  const write = async (all: ReadonlyMap<string, Extension>): Promise<void> => {
    for (const extension of all.values()) {
      const file = fileOf(extension.name);
      const type = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig";
      await writeFile(`${file}.new`, JSON.stringify({ resources: [{ "@type": type, ...extension }] }));
      await rename(`${file}.new`, file); // Envoy looks when a file is moved there
    }
  };
  const changed = replaceWasm(bootstrap, collect(filters));
  await write(filters);
  return {
    bootstrap: changed as Json,
    count: filters.size,
    async swapTo(next) {
      const others = new Map<string, Extension>();
      replaceWasm(next, collect(others));
      await write(others);
    },
  };
}

const wasmTypes = ["http", "network"].map(
  (half) => `type.googleapis.com/envoy.extensions.filters.${half}.wasm.v3.Wasm`,
);

function nameOf({ name, typed_config }: Extension): string {
  const { root_id } = typed_config["config"] as { readonly root_id: string };
  return root_id ? `${name}-${root_id}` : name;
}

/** A copy in which each Wasm filter is what `replace` makes of it. */
function replaceWasm(value: unknown, replace: (extension: Extension) => Json): unknown {
  if (Array.isArray(value)) return value.map((item) => replaceWasm(item, replace));
  if (typeof value !== "object" || value === null) return value;
  if (isWasm(value)) return replace(value);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replaceWasm(item, replace)]));
}

function isWasm(value: object): value is Extension {
  const { typed_config } = value as { readonly typed_config?: Json };
  return wasmTypes.some((type) => type === typed_config?.["@type"]);
}

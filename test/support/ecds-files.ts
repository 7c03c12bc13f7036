// An Envoy whose Wasm filters come by ECDS from files, so that they can be swapped while it runs.
import { mkdtempDisposable, rename, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withCustomSection } from "../../sdk/build/custom-sections.ts";
import { type EnvoyOptions, startEnvoy, type TestEnvoy } from "./envoy.ts";
import type { Json } from "./filter-envoy.ts";

export interface SwappableEnvoy extends TestEnvoy {
  /** Another module that does the same takes over in all filters. Resolves once it has. */
  swap(): Promise<void>;
}

/** Each place of a plugin in the chains of a direction is one filter, as the controller has it. */
interface Extension {
  readonly name: string;
  readonly typed_config: Json;
}

/** @param bootstrap what it runs, with this module in all of its Wasm filters */
export async function startSwappable(
  module: Uint8Array,
  bootstrap: (module: Uint8Array) => Json,
  options: EnvoyOptions = {},
): Promise<SwappableEnvoy> {
  await using resources = new AsyncDisposableStack();
  const folder = resources.use(await mkdtempDisposable(join(tmpdir(), "sluice-"))).path;
  let version = 0;
  /** Writes the filters of the next version. @returns what Envoy starts with, and how many they are */
  const write = async () => {
    const next = bootstrap(withCustomSection(module, "test.version", Buffer.from([version++])));
    const { changed, filters } = fromFiles(next, folder);
    for (const { name, typed_config } of filters.values()) {
      const file = fileOf(folder, name);
      const type = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig";
      await writeFile(`${file}.new`, JSON.stringify({ resources: [{ "@type": type, name, typed_config }] }));
      await rename(`${file}.new`, file); // Envoy looks when a file is moved there
    }
    return { changed, count: filters.size };
  };
  const envoy = await startEnvoy((await write()).changed, options);
  resources.defer(() => envoy.stop());
  await envoy.live();
  const all = resources.move();
  return {
    ...envoy,
    async swap() {
      const { count } = await write();
      const isLive = async () => {
        const stats = await envoy.get("/stats?filter=extension_config_discovery.*config_reload$");
        return [...stats.matchAll(/: (\d+)/g)].filter(([, reloads]) => Number(reloads) >= version).length === count;
      };
      await envoy.waitFor(isLive, `swap ${version - 1} to be live`, { deadlineMs: 60_000 });
    },
    stop: () => all.disposeAsync(),
  };
}

const fileOf = (folder: string, name: string): string => join(folder, `${name}.json`);

/** A bootstrap whose Wasm filters come from files of a folder, and what these are to hold, by name. */
function fromFiles(bootstrap: Json, folder: string) {
  const filters = new Map<string, Extension>();
  const { static_resources } = bootstrap as { readonly static_resources: { readonly listeners: readonly Json[] } };
  const listeners = static_resources.listeners.map((listener) =>
    replaceWasm(listener, ({ name: plugin, typed_config }) => {
      const { root_id } = typed_config["config"] as { readonly root_id: string };
      const name = [listener["traffic_direction"], plugin, root_id].filter(Boolean).join("-");
      filters.set(name, { name, typed_config });
      const config_source = { resource_api_version: "V3", path_config_source: { path: fileOf(folder, name) } };
      return { name, config_discovery: { config_source, type_urls: [typed_config["@type"]] } };
    }),
  );
  return { changed: { ...bootstrap, static_resources: { ...static_resources, listeners } }, filters };
}

const wasmTypes = ["http", "network"].map(
  (half) => `type.googleapis.com/envoy.extensions.filters.${half}.wasm.v3.Wasm`,
);

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

// What tests of the retry budget in a mesh share.
import { pathToFileURL } from "node:url";
import { withCustomSection } from "../../sdk/build/custom-sections.ts";
import { attach, pluginFile } from "../support/attach.ts";
import { filterModule } from "../support/filter-module.ts";
import { call, type Target } from "../support/http.ts";
import { storedFile } from "../support/kept.ts";
import type { TestMesh } from "../support/mesh.ts";
import { type PluginYaml, wasmPlugin } from "../support/yaml.ts";

type Config = Readonly<Record<string, unknown>>;

/** Retries of a route, in YAML. */
export const retries = "retries: {attempts: 3, retryOn: 5xx, perTryTimeout: 20s}";

export interface AttachedBudget {
  /** Writes another configuration. */
  apply(config: Config): Promise<void>;
  /** Writes another configuration and waits until the workload's Envoy has it. */
  change(config: Config): Promise<void>;
  /** Delivers other bytes that do the same, and waits until the workload's Envoy has them. */
  swap(): Promise<void>;
}

let budgets = 0;

/**
 * Attaches a retry budget that has nothing of the ones before it, and waits until the workload's Envoy has it and none has those.
 *
 * @param workload `istio-ingressgateway`: the gateway; `all`: all of the namespace, webapp among them
 * @param config   window 10m, minRetries 0 where it doesn't say
 */
export async function attachBudget(mesh: TestMesh, workload: string, config: Config): Promise<AttachedBudget> {
  const name = `budget-${++budgets}`;
  const plugin = (config: Config, url = "builtin://retry-budget"): PluginYaml => ({
    name,
    url,
    config: { window: "10m", minRetries: 0, ...config },
    ...(workload === "all" ? {} : { app: workload }),
  });
  const apply = (config: Config): Promise<void> => mesh.apply(pluginFile, wasmPlugin(plugin(config)));
  const change = (config: Config): Promise<void> => attach(mesh, plugin(config));
  await change(config);
  const swap = async (): Promise<void> => {
    const other = withCustomSection(await filterModule("retry-budget"), "test.other", new Uint8Array(1));
    const file = await storedFile("retry-budget-other", other);
    await attach(mesh, plugin(config, pathToFileURL(file).href));
  };
  return { apply, change, swap };
}

/** How often a workload's application was asked for a path, asked past the proxies of callers. */
export async function countOf(mesh: TestMesh, workload: string, path: string): Promise<number> {
  const target: Target = { host: (await mesh.pod(workload)).ip, port: 8080 };
  return JSON.parse((await call({ ...target, path: "/counts" })).body)[path] ?? 0;
}

// Attaches a plugin in a test mesh and waits until Envoys have it.
import type { TestMesh } from "./mesh.ts";
import { namespaceOf, type PluginYaml, wasmPlugin } from "./yaml.ts";

/** What {@link attach} attaches replaces what it attached before. */
export const pluginFile = "plugin.yaml";

/**
 * Waits until the plugin is in every slot that it is for, with this configuration, and no Envoy has another WasmPlugin. That
 * is what Envoys acknowledge and show; of several workers some may have it only some milliseconds later.
 */
export async function attach(mesh: TestMesh, plugin: PluginYaml): Promise<void> {
  await mesh.apply(pluginFile, wasmPlugin(plugin));
  const id = `${namespaceOf(plugin)}/${plugin.name}`;
  const wanted = JSON.stringify(plugin.config);
  const isSettled = async (): Promise<boolean> => {
    const status = await mesh.plugin(id);
    if (!status?.matched || status.acknowledged !== status.matched) return false; // of what the controller wants now
    const { pods } = await mesh.run();
    const all = await Promise.all(pods.map(({ workload }) => pluginsOf(mesh, workload)));
    const found = all.filter(({ length }) => length > 0);
    return found.length === status.matched && found.flat().every((one) => one.id === id && one.config === wanted);
  };
  await mesh.waitFor(isSettled, `${id} to be live with ${wanted}`);
}

export interface LivePlugin {
  /** `namespace/name` */
  readonly id: string;
  /** JSON; undefined where there is none. */
  readonly config: string | undefined;
}

/** The WasmPlugins that a workload's Envoy has: each place in its chains. */
export async function pluginsOf(mesh: TestMesh, workload: string): Promise<readonly LivePlugin[]> {
  const dump = await mesh.admin(workload, "/config_dump?resource=ecds_filters").catch((error: Error) => {
    if (error.message.includes("ecds_filters not found")) return "{}"; // a gateway without listeners
    throw error;
  });
  const found: LivePlugin[] = [];
  JSON.parse(dump, (_, value) => {
    const id = value?.vm_config?.vm_id;
    if (id !== undefined && id !== "istio-system/telemetry") found.push({ id, config: value.configuration?.value });
    return value;
  });
  return found;
}

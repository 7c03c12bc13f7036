// A configuration that is in force: a module's plugins on all of Envoy's threads.
import { parseDuration } from "./duration.ts";
import type { HostOptions } from "./host.ts";
import { type Loaded, load, type PluginOptions } from "./load.ts";
import type { Plugin, Process } from "./scope.ts";
import { Thread } from "./thread.ts";
import type { Vm, VmSetup } from "./vm.ts";

/** Its VMs live until its last stream is over. */
export interface Deployment {
  readonly loaded: Loaded;
  readonly threads: readonly [main: Thread, ...workers: Thread[]];
  openStreams: number;
}

/**
 * Loads a module and starts its plugins. On the main thread a plugin starts as soon as it has been tried, on workers once all
 * have.
 *
 * @param sharing what is in force: where module and vm_config are the same, its VMs get the new plugins
 * @throws {ConfigRefused} where Envoy would refuse
 */
export async function deploy(
  source: Uint8Array | string,
  options: PluginOptions,
  { process, host, sharing }: { process: Process; host: HostOptions; sharing?: Deployment },
): Promise<Deployment> {
  const { workers = 1, failurePolicy = "FAIL_CLOSED", reloadBackOff = "1s", node = {} } = host;
  const running = sharing?.loaded.setup;
  const thread = (name: "main" | number, setup: VmSetup) => {
    const vm: Vm | undefined = setup === running ? sharing?.threads[name === "main" ? 0 : name + 1]?.vm : undefined;
    return new Thread(name, { setup, failurePolicy, reloadBackOffNs: parseDuration(reloadBackOff) }, vm);
  };
  const started: Thread[] = [];
  const onTried = (setup: VmSetup, plugin: Plugin) => {
    if (started.length === 0) started.push(thread("main", setup));
    started[0]?.start(plugin);
  };
  try {
    const loaded = await load(source, options, { process, node, running, onTried });
    const [main = thread("main", loaded.setup)] = started;
    const others = Array.from({ length: workers }, (_, worker) => thread(worker, loaded.setup));
    for (const other of others)
      for (const plugin of [loaded.downstream, loaded.upstream]) if (plugin !== undefined) other.start(plugin);
    return { loaded, threads: [main, ...others], openStreams: 0 };
  } catch (error) {
    for (const main of started) main.end();
    throw error;
  }
}

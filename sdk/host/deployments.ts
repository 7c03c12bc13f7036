// What is in force in a process: plugins of all its hosts on Envoy's threads.
import { type LoadedPlugin, load, type PluginInit } from "./load.ts";
import type { ListenerInit, NodeInit } from "./node.ts";
import type { Process } from "./scope.ts";
import { Thread } from "./thread.ts";
import type { VmSetup } from "./vm.ts";

/** A configuration that is in force. */
export interface Deployment {
  readonly plugins: readonly LoadedPlugin[];
  readonly threads: readonly [main: Thread, ...workers: Thread[]];
}

/** Around the plugins of a configuration. */
export interface Surroundings {
  readonly node: NodeInit;
  readonly listener: ListenerInit;
  readonly workers: number;
}

export class Deployments {
  readonly #process: Process;
  readonly #setups = new Map<string, VmSetup>();
  readonly #main = new Thread("main");
  readonly #workers: Thread[] = [];
  readonly #inForce = new Set<Deployment>();

  constructor(process: Process) {
    this.#process = process;
  }

  /**
   * Loads plugins and starts them. On the main thread a plugin starts as soon as it has been tried, on workers once all have.
   * Where a VM runs that suits a plugin, the plugin gets a root in it.
   *
   * @throws {ConfigRefused} where Envoy would refuse
   */
  async add(inits: readonly PluginInit[], { node, listener, workers }: Surroundings): Promise<Deployment> {
    while (this.#workers.length < workers) this.#workers.push(new Thread(this.#workers.length));
    const main = this.#main;
    const started: LoadedPlugin[] = [];
    const onTried = (plugin: LoadedPlugin) => {
      main.start(plugin);
      started.push(plugin);
    };
    const deployment: Deployment = { plugins: started, threads: [main, ...this.#workers.slice(0, workers)] };
    this.#inForce.add(deployment);
    try {
      await load(inits, { process: this.#process, node, listener, setups: this.#setups, onTried });
    } catch (error) {
      this.remove(deployment);
      throw error;
    }
    for (const worker of deployment.threads.slice(1)) for (const plugin of started) worker.start(plugin);
    return deployment;
  }

  /** It is replaced, or was refused: what streams use of it stays until they are over. */
  remove(deployment: Deployment): void {
    this.#inForce.delete(deployment);
    for (const thread of deployment.threads) for (const plugin of deployment.plugins) thread.drop(plugin);
    this.sweep();
  }

  /** Ends what nothing uses any more, the main thread's last; the last VM of a vm_id takes its shared data along. */
  sweep(): void {
    const threads = [...this.#workers, this.#main];
    for (const thread of threads) thread.sweep();
    const vms = threads.flatMap((thread) => [...thread.vms]);
    const setups = new Set(vms.map(({ setup }) => setup));
    for (const { plugins } of this.#inForce) for (const { setup } of plugins) setups.add(setup);
    this.#process.metrics.release(setups);
    for (const [key, setup] of this.#setups) if (!setups.has(setup)) this.#forget(key, setup);
  }

  #forget(key: string, { vmId }: VmSetup): void {
    this.#setups.delete(key);
    if ([...this.#setups.values()].some((other) => other.vmId === vmId)) return;
    this.#process.shared.drop(vmId);
    this.#process.queues.drop(vmId);
  }
}

// One of Envoy's threads: a VM with the root contexts of its plugins, loaded anew after a trap where the policy says so.
import { type Root, startRoot } from "./root.ts";
import type { Plugin } from "./scope.ts";
import { Vm, type VmSetup } from "./vm.ts";

/** What becomes of a plugin whose VM trapped: 503 until its configuration changes, a new VM, or no filter. */
export type FailurePolicy = "FAIL_CLOSED" | "FAIL_RELOAD" | "FAIL_OPEN";

export interface ThreadOptions {
  readonly setup: VmSetup;
  readonly failurePolicy: FailurePolicy;
  /** Least time between two loads. Envoy adds up to half of it at random, the host nothing. */
  readonly reloadBackOffNs: bigint;
}

interface Handle {
  readonly root: Root;
  /** The back-off runs from the last load, not from the trap. @see Envoy PluginConfig::maybeReloadHandleIfNeeded */
  readonly loadedAtNs: bigint;
}

export class Thread {
  readonly name: "main" | number;
  readonly #options: ThreadOptions;
  readonly #handles = new Map<Plugin, Handle>();
  #vm: Vm;

  /** @param vm the thread's VM of the same setup, if it has one: plugins then get roots in it */
  constructor(name: "main" | number, options: ThreadOptions, vm?: Vm) {
    this.name = name;
    this.#options = options;
    this.#vm = vm !== undefined && vm.failure === undefined ? vm : new Vm(options.setup, name);
  }

  get vm(): Vm {
    return this.#vm;
  }

  /**
   * A plugin's root context for a new stream. After a trap: with FAIL_RELOAD one in a new VM, if the back-off is over;
   * with FAIL_OPEN undefined, the stream passes without the filter; else the dead one, which fails the stream.
   */
  root(plugin: Plugin): Root | undefined {
    const { failurePolicy, reloadBackOffNs, setup } = this.#options;
    const handle = this.#handles.get(plugin);
    if (handle === undefined || handle.root.vm.failure === undefined) return handle?.root;
    if (failurePolicy === "FAIL_OPEN") return undefined;
    const isDue = setup.process.clock.monotonicNs - handle.loadedAtNs >= reloadBackOffNs;
    if (failurePolicy === "FAIL_CLOSED" || !isDue) return handle.root;
    if (this.#vm.failure !== undefined) this.#vm = new Vm(setup, this.name);
    return this.start(plugin);
  }

  /** Starts a plugin. */
  start(plugin: Plugin): Root {
    const { root, problem } = startRoot(this.#vm, plugin);
    // The canary was content; a host that fails only later is the end of the VM, with all its plugins.
    // @see proxy-wasm-cpp-host src/wasm.cc getOrCreateThreadLocalPlugin
    if (problem !== undefined && this.#vm.failure === undefined)
      this.#vm.fail(root, `Failed to ${problem.stage} thread-local Wasm${problem.stage === "start" ? "" : " plugin"}`);
    this.#handles.set(plugin, { root, loadedAtNs: this.#options.setup.process.clock.monotonicNs });
    return root;
  }

  /** Ends all its plugins. */
  end(): void {
    for (const { root } of this.#handles.values()) root.end();
  }
}

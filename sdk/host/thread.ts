// One of Envoy's threads: the VMs of all plugins with their root contexts, loaded anew after a trap where the policy says so.
import type { LoadedPlugin } from "./load.ts";
import type { ThreadName } from "./log.ts";
import { type Root, startRoot } from "./root.ts";
import { Vm, type VmSetup } from "./vm.ts";

interface Handle {
  readonly root: Root;
  /** The back-off runs from the last load, not from the trap. @see Envoy PluginConfig::maybeReloadHandleIfNeeded */
  readonly loadedAtNs: bigint;
}

export class Thread {
  readonly name: ThreadName;
  /** Those that new plugins of their setup get roots in, by its key. */
  readonly #vms = new Map<string, Vm>();
  /** Those that a configuration names, by the plugin's key. */
  readonly #roots = new Map<string, Root>();
  readonly #handles = new Map<LoadedPlugin, Handle>();
  /** What has not ended. */
  readonly #living = new Set<Root>();

  constructor(name: ThreadName) {
    this.name = name;
  }

  /** VMs that plugins or streams use. */
  get vms(): Set<Vm> {
    return new Set([...this.#living].map(({ vm }) => vm));
  }

  /**
   * A plugin's root context for a new stream; undefined where the stream passes without the filter: it never started in
   * this thread, whatever its policy says. After a trap: with FAIL_RELOAD one in a new VM, if the back-off is over; with
   * FAIL_OPEN undefined; else the dead one, which fails the stream.
   */
  root(plugin: LoadedPlugin): Root | undefined {
    const { failurePolicy, reloadBackOffNs, setup } = plugin;
    const handle = this.#handles.get(plugin);
    if (handle === undefined || handle.root.vm.failure === undefined) return handle?.root;
    if (failurePolicy === "FAIL_OPEN") return undefined;
    const isDue = setup.process.clock.monotonicNs - handle.loadedAtNs >= reloadBackOffNs;
    return failurePolicy === "FAIL_CLOSED" || !isDue ? handle.root : this.start(plugin);
  }

  /** Starts a plugin, unless an equal one runs. Where that fails, it keeps the root that it had, if it had one. */
  start(plugin: LoadedPlugin): Root | undefined {
    const started = livingOf(this.#roots.get(plugin.key)) ?? this.#startRoot(plugin);
    const root = started ?? this.#handles.get(plugin)?.root;
    if (root === undefined) return undefined;
    this.#handles.set(plugin, { root, loadedAtNs: plugin.setup.process.clock.monotonicNs });
    for (const dead of this.#living)
      if (dead.vm.failure !== undefined && !this.#isUsed(dead)) this.#living.delete(dead);
    return root;
  }

  /** A configuration is gone with its plugin. */
  drop(plugin: LoadedPlugin): void {
    this.#handles.delete(plugin);
  }

  /** Ends the roots that no configuration and no stream uses any more. */
  sweep(): void {
    for (const root of this.#living) {
      if (this.#isUsed(root)) continue;
      this.#living.delete(root);
      root.end();
    }
    for (const [key, root] of this.#roots) if (!this.#living.has(root)) this.#roots.delete(key);
    const { vms } = this;
    for (const [key, vm] of this.#vms) {
      if (vms.has(vm)) continue;
      this.#vms.delete(key);
      vm.end();
    }
  }

  /** By a configuration or a stream. */
  #isUsed(root: Root): boolean {
    return root.streams > 0 || [...this.#handles.values()].some((handle) => handle.root === root);
  }

  /** The canary was content, the thread may not be. @see proxy-wasm-cpp-host src/wasm.cc getOrCreateThreadLocalPlugin */
  #startRoot(plugin: LoadedPlugin): Root | undefined {
    const { root, problem } = startRoot(this.#vm(plugin.setup), plugin);
    if (problem !== undefined) {
      const what = `thread-local Wasm${problem.stage === "start" ? "" : " plugin"}`;
      const text = `Wasm VM failed Failed to ${problem.stage} ${what}`;
      plugin.setup.refusal = text;
      plugin.setup.process.log.write({ level: "error", text, thread: this.name, rootId: undefined });
      if (!this.vms.has(root.vm)) this.#vms.delete(plugin.setup.key);
      return undefined;
    }
    this.#roots.set(plugin.key, root);
    this.#living.add(root);
    return root;
  }

  #vm(setup: VmSetup): Vm {
    const vm = livingOf(this.#vms.get(setup.key)) ?? new Vm(setup, this.name);
    this.#vms.set(setup.key, vm);
    return vm;
  }
}

/** Undefined of what is in a VM that is dead. */
function livingOf<T extends Root | Vm>(one: T | undefined): T | undefined {
  const vm = one instanceof Vm ? one : one?.vm;
  return vm?.failure === undefined ? one : undefined;
}

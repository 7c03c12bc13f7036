// A plugin's root context in one VM: started, configured, ticking, ended.

import type { ByteString } from "./bytes.ts";
import type { Timer } from "./clock.ts";
import type { LoadStage } from "./errors.ts";
import { Expressions } from "./expressions.ts";
import type { DeclaredProperty } from "./filter-state.ts";
import type { Context, Plugin, Received, RootContext, StreamScope } from "./scope.ts";
import type { Vm } from "./vm.ts";

export class Root implements Context, RootContext {
  readonly id: number;
  readonly plugin: Plugin;
  readonly vm: Vm;
  /** Requests and connections that are not over and have a filter of it. */
  streams = 0;
  readonly expressions = new Expressions();
  readonly declared = new Map<ByteString, DeclaredProperty>();
  #tick: Timer | undefined;
  #logged: StreamScope | undefined;
  #isPending = false;
  #received: Received | undefined;
  #isOver = false;

  constructor(id: number, plugin: Plugin, vm: Vm) {
    this.id = id;
    this.plugin = plugin;
    this.vm = vm;
  }

  get root(): RootContext {
    return this;
  }

  /** As an access logger's, in on_log: what is over. */
  get stream(): StreamScope | undefined {
    return this.#logged;
  }

  log(stream: StreamScope): void {
    this.#logged = stream;
    this.vm.callback(this, "proxy_on_log", this.id);
    this.#logged = undefined;
  }

  setTickPeriod(periodMs: number): void {
    this.#tick?.cancel();
    if (periodMs === 0 || this.vm.isOver) return;
    this.#tick = this.vm.process.clock.after(BigInt(periodMs) * 1_000_000n, () => {
      this.setTickPeriod(periodMs);
      this.vm.callback(this, "proxy_on_tick", this.id);
    });
  }

  get received(): Received | undefined {
    return this.#received;
  }

  receive(received: Received, callback: string, args: readonly number[]): void {
    if (this.#isOver) return;
    this.#received = received;
    this.vm.callback(this, callback, this.id, ...args);
    this.#received = undefined;
  }

  defer(action: () => void): void {
    this.vm.defer(action);
  }

  /** Ends the plugin in this VM, unless on_done puts it off: then it waits for proxy_done, while the VM is there. */
  end(): void {
    this.#tick?.cancel();
    if (this.vm.callback(this, "proxy_on_done", this.id)?.result === 0) this.#isPending = true;
    else this.#delete();
  }

  done(): boolean {
    if (!this.#isPending) return false;
    this.#isPending = false;
    this.vm.defer(() => this.#delete());
    return true;
  }

  #delete(): void {
    this.vm.callback(this, "proxy_on_delete", this.id);
    this.vm.removeContext(this);
    this.#isOver = true;
    this.vm.process.httpCalls.cancel(this);
    this.vm.process.grpcCalls.cancel(this);
  }
}

/** Why a plugin's root context did not start. */
export interface StartProblem {
  readonly stage: LoadStage;
  readonly text: string;
}

/** Creates a plugin's root context and lets it start and read its configuration. Each root of a VM gets on_vm_start. */
export function startRoot(vm: Vm, plugin: Plugin): { readonly root: Root; readonly problem: StartProblem | undefined } {
  const root = vm.addContext((id) => new Root(id, plugin, vm));
  vm.configuring = plugin;
  vm.callback(root, "proxy_on_context_create", root.id, 0);
  vm.configuring = undefined;
  const problem = start(vm, root) ?? configure(vm, root);
  return { root, problem };
}

/** A VM that is dead already is noticed only where there is something to call. */
function start(vm: Vm, root: Root): StartProblem | undefined {
  if (!vm.has("proxy_on_vm_start")) return undefined;
  const started = vm.callback(root, "proxy_on_vm_start", root.id, vm.vmConfig.length);
  return problemOf(vm, root, "start", "proxy_on_vm_start", started?.result);
}

function configure(vm: Vm, root: Root): StartProblem | undefined {
  if (!vm.has("proxy_on_configure")) return undefined;
  vm.configuring = root.plugin;
  const configured = vm.callback(root, "proxy_on_configure", root.id, root.plugin.config.length);
  vm.configuring = undefined;
  return problemOf(vm, root, "configure", "proxy_on_configure", configured?.result);
}

function problemOf(
  vm: Vm,
  root: Root,
  stage: LoadStage,
  callback: string,
  result: number | undefined,
): StartProblem | undefined {
  if (vm.failure !== undefined) return { stage, text: vm.failure };
  if (result !== 0) return undefined;
  return { stage, text: `${callback} of root_id ${JSON.stringify(root.plugin.rootId)} returned false` };
}

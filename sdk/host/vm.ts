// One VM: an instance of the module with its contexts, called as Envoy calls it.
import { allowedInInitialize, allowedInMalloc } from "../abi/host-functions.ts";
import type { AbiVersion } from "../abi/signatures.ts";
import type { SourceMap } from "../module/source-map.ts";
import { mapTrace } from "../module/trace.ts";
import type { ByteString } from "./bytes.ts";
import { noteVm } from "./coverage.ts";
import { isHostError, NotEmulated } from "./errors.ts";
import { imports } from "./imports.ts";
import type { ThreadName } from "./log.ts";
import { Memory } from "./memory.ts";
import type { PropertyValue } from "./property-value.ts";
import type { Context, Plugin, Process, VmScope } from "./scope.ts";
import { trapText } from "./trap.ts";

/** What is the same for all VMs of a module and its vm_config. */
export interface VmSetup {
  /** Equal keys, equal VMs: Envoy then keeps a thread's VM when a configuration changes. */
  readonly key: string;
  readonly module: WebAssembly.Module;
  /** Of the module. */
  readonly sizeBytes: number;
  readonly abi: AbiVersion;
  /** Where it is there, the trap's text has lines of the source, which Envoy's has not. */
  readonly sourceMap: SourceMap | undefined;
  readonly process: Process;
  readonly vmId: string;
  readonly vmConfig: ByteString;
  readonly environment: ReadonlyMap<string, string>;
  readonly allowed: ReadonlySet<string> | undefined;
  /** Keys of the plugins that a canary has taken. */
  readonly tried: Set<string>;
  /** What a thread said of a plugin that a canary had taken; undefined if none has refused any. */
  refusal?: string;
  /** Properties of contexts without a stream, given their plugin. */
  readonly property: (
    path: readonly ByteString[],
    plugin: Plugin | undefined,
    vmId: string,
  ) => PropertyValue | undefined;
}

/** What a callback came to. */
export interface Outcome {
  /** What it returned; 0 of one that returns nothing. */
  readonly result: number;
  /** It sent a local reply: its result counts as "stop". */
  readonly stopped: boolean;
}

/** The context of the VM itself, in which _initialize and malloc run. */
const vmContext: Context = { id: 0, root: undefined, stream: undefined };

/** The first context gets id 1. */
const firstContextId = 1;

export class Vm implements VmScope {
  readonly process: Process;
  readonly vmId: string;
  readonly vmConfig: ByteString;
  readonly environment: ReadonlyMap<string, string>;
  readonly memory: Memory;
  readonly thread: ThreadName;
  readonly setup: VmSetup;
  configuring: Plugin | undefined;
  readonly #exports: Readonly<Record<string, unknown>>;
  #ownMemory: WebAssembly.Memory | undefined;
  readonly #contexts = new Map<number, Context>([[0, vmContext]]);
  #nextContextId = firstContextId;
  #current: Context = vmContext;
  #effectiveId = 0;
  #restriction: ReadonlySet<string> | undefined;
  readonly #tokens = new Map<number, number>();
  #stopped = false;
  #deferred: (() => void)[] = [];
  #failure: string | undefined;
  #isOver = false;

  /**
   * Instantiates the module and runs `_initialize` and `main`, or `_start`. What traps there is the VM's `failure`.
   *
   * @throws {WebAssembly.LinkError} if an import is not what the host offers
   */
  constructor(setup: VmSetup, thread: ThreadName) {
    this.setup = setup;
    this.process = setup.process;
    this.vmId = setup.vmId;
    this.vmConfig = setup.vmConfig;
    this.environment = setup.environment;
    this.thread = thread;
    const { abi, allowed } = setup;
    this.memory = new Memory(
      () => this.#instanceMemory(),
      (sizeBytes) => this.#allocate(sizeBytes),
    );
    const memory = WebAssembly.Module.imports(setup.module).find(({ kind }) => kind !== "function");
    if (memory !== undefined) throw new NotEmulated(`an imported ${memory.kind}`);
    const linked = imports(this, { abi, thread, allowed, restriction: () => this.#restriction });
    this.#exports = new WebAssembly.Instance(setup.module, linked).exports;
    noteVm(setup.module, this.#exports, () => this.#instanceMemory().buffer);
    this.#initialize();
  }

  /** Why the VM is dead: the text that Envoy logs; undefined while it lives. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Nothing uses it any more: nothing is called in it. */
  end(): void {
    this.#isOver = true;
  }

  get isOver(): boolean {
    return this.#isOver || this.#failure !== undefined;
  }

  /** True if the module exports a callback and may be called there. */
  has(name: string): boolean {
    const { allowed } = this.setup;
    const permitted = allowed === undefined || !name.startsWith("proxy_on_") || allowed.has(name);
    return permitted && typeof this.#exports[name] === "function";
  }

  /** Registers a context under the next free id. */
  addContext<T extends Context>(make: (id: number) => T): T {
    const context = make(this.#nextContextId);
    this.#nextContextId += 1;
    this.#contexts.set(context.id, context);
    return context;
  }

  removeContext(context: Context): void {
    this.#contexts.delete(context.id);
  }

  context(): Context {
    return this.#contexts.get(this.#effectiveId === 0 ? this.#current.id : this.#effectiveId) ?? this.#current;
  }

  called(): Context {
    return this.#current;
  }

  info(text: string): void {
    this.process.log.write({ level: "info", text, thread: this.thread, rootId: this.#current.root?.plugin.rootId });
  }

  setEffectiveContext(id: number): boolean {
    if (!this.#contexts.has(id)) return false;
    this.#effectiveId = id;
    return true;
  }

  property(path: readonly ByteString[]): PropertyValue | undefined {
    return this.setup.property(path, this.context().root?.plugin, this.vmId);
  }

  defer(action: () => void): void {
    this.#deferred.push(action);
  }

  nextToken(type: number): number {
    const token = (this.#tokens.get(type) ?? type) + 4;
    this.#tokens.set(type, token);
    return token;
  }

  stopIteration(): void {
    this.#stopped = true;
  }

  /**
   * Calls a callback and then does what it put off. Undefined, and nothing done, if the module does not export it or
   * the VM is dead or over. A trap kills the VM; look at `failure`.
   */
  callback(context: Context, name: string, ...args: readonly number[]): Outcome | undefined {
    if (this.isOver || !this.has(name)) return undefined;
    const result = this.#call(context, name, args);
    const stopped = this.#stopped;
    this.#stopped = false;
    for (let action = this.#deferred.shift(); action !== undefined; action = this.#deferred.shift()) action();
    return { result, stopped };
  }

  #initialize(): void {
    this.#restriction = allowedInInitialize;
    const { _initialize, main, __main_void } = this.#exports;
    if (_initialize === undefined) this.#callIfExported("_start");
    else {
      this.#callIfExported("_initialize");
      if (main !== undefined) this.#callIfExported("main", 0, 0);
      else if (__main_void !== undefined) this.#callIfExported("__main_void");
    }
    this.#restriction = undefined;
  }

  #callIfExported(name: string, ...args: readonly number[]): void {
    if (this.#failure === undefined && typeof this.#exports[name] === "function") this.#call(vmContext, name, args);
  }

  /** Looked for once: each hostcall reads or writes it. */
  #instanceMemory(): WebAssembly.Memory {
    this.#ownMemory ??= Object.values(this.#exports).find((value) => value instanceof WebAssembly.Memory);
    if (this.#ownMemory === undefined) throw new NotEmulated("a module without a memory of its own");
    return this.#ownMemory;
  }

  #allocate(sizeBytes: number): number {
    this.process.allocations.add(sizeBytes);
    const outer = this.#restriction;
    this.#restriction = allowedInMalloc;
    const name = typeof this.#exports["malloc"] === "function" ? "malloc" : "proxy_on_memory_allocate";
    const address = this.#call(vmContext, name, [sizeBytes]);
    this.#restriction = outer;
    return address >>> 0;
  }

  /** Calls an export in a context. A trap sets `failure` and gives 0. */
  #call(context: Context, name: string, args: readonly number[]): number {
    const [outerContext, outerEffectiveId] = [this.#current, this.#effectiveId];
    [this.#current, this.#effectiveId] = [context, 0];
    try {
      const called = this.#exports[name] as (...words: readonly number[]) => number | undefined;
      return this.process.faults.at(name) ?? called(...args) ?? 0;
    } catch (error) {
      if (isHostError(error)) throw error;
      const text = trapText(name, error);
      const map = this.setup.sourceMap;
      this.#fail(context, map === undefined ? text : this.#mapped(text, map));
      return 0;
    } finally {
      [this.#current, this.#effectiveId] = [outerContext, outerEffectiveId];
    }
  }

  /** What was logged last may say where it aborted. */
  #mapped(text: string, map: SourceMap): string {
    const last = this.process.log.lines.at(-1)?.text ?? "";
    return mapTrace(`${last}\n${text}`, map).slice(last.length + 1);
  }

  /** The VM is dead from now on. @param text why, as Envoy logs it */
  #fail(context: Context, text: string): void {
    this.#failure ??= text;
    this.process.log.write({ level: "error", text, thread: this.thread, rootId: context.root?.plugin.rootId });
  }
}

// Joins the groups of hostcalls into what a module is linked against.
import { type HostFunction, hostFunctions } from "../abi/host-functions.ts";
import type { AbiVersion } from "../abi/signatures.ts";
import * as Status from "../abi/status.ts";
import { bufferCalls } from "./buffers.ts";
import { NotEmulated } from "./errors.ts";
import { foreignCalls } from "./foreign.ts";
import { grpcHostcalls } from "./grpc-hostcalls.ts";
import { headerCalls } from "./headers.ts";
import { traceArgs } from "./hostcall-trace.ts";
import { httpCallCalls } from "./http-calls.ts";
import { lifecycleCalls } from "./lifecycle.ts";
import { logCalls, type ThreadName } from "./log.ts";
import { metricCalls } from "./metrics.ts";
import { propertyCalls } from "./properties.ts";
import { queueCalls } from "./queues.ts";
import type { Hostcall, Hostcalls, VmScope } from "./scope.ts";
import { sharedDataCalls } from "./shared-data.ts";
import { streamCalls } from "./stream-calls.ts";
import { clockCalls, wasiCalls } from "./wasi.ts";

/** Functions by module and name, as WebAssembly.Instance takes them. */
export type Imports = Readonly<Record<string, Readonly<Record<string, Hostcall>>>>;

export interface ImportOptions {
  readonly abi: AbiVersion;
  readonly thread: ThreadName;
  /** Names that capability restriction allows; undefined for no restriction. */
  readonly allowed: ReadonlySet<string> | undefined;
  /** What may be called now, as `module.name`; undefined for everything. */
  readonly restriction: () => ReadonlySet<string> | undefined;
}

/** What a denied WASI call answers: ENOTCAPABLE. */
const notCapable = 76;

/** Everything that Envoy offers to a module of this ABI; what the host does not do yet throws when it is called. */
export function imports(vm: VmScope, options: ImportOptions): Imports {
  const env: Hostcalls = {
    ...logCalls(vm, options.thread),
    ...headerCalls(vm),
    ...propertyCalls(vm),
    ...sharedDataCalls(vm),
    ...metricCalls(vm),
    ...bufferCalls(vm),
    ...streamCalls(vm),
    ...lifecycleCalls(vm),
    ...httpCallCalls(vm),
    ...grpcHostcalls(vm),
    ...queueCalls(vm),
    ...foreignCalls(vm),
    ...clockCalls(vm),
  };
  const wasi = wasiCalls(vm, options.thread);
  const modules: Record<string, Record<string, Hostcall>> = {};
  for (const [key, entry] of hostFunctions(options.abi)) {
    const functions = modules[entry.module] ?? {};
    modules[entry.module] = functions;
    const implementation = (entry.module === "env" ? env : wasi)[entry.name];
    functions[entry.name] = guarded(vm, options, key, entry, implementation);
  }
  return modules;
}

/** Counts a call, notes it where calls are traced, and lets it through where Envoy would. */
function guarded(
  vm: VmScope,
  { allowed, restriction, thread }: ImportOptions,
  key: string,
  { module, name }: HostFunction,
  implementation: Hostcall | undefined,
): Hostcall {
  const denied = module === "env" ? Status.InternalFailure : notCapable;
  const free = allowed === undefined || allowed.has(name) || !isRestrictable(module, name);
  const { hostcalls } = vm.process;
  const call: Hostcall = (...args) => {
    if (restriction()?.has(key) === false) throw new Error("restricted_callback");
    if (!free) {
      const text = `Attempted call to restricted ${module === "env" ? "proxy-wasm" : "WASI"} capability: ${name}`;
      vm.process.log.write({ level: "error", text, thread, rootId: vm.context().root?.plugin.rootId });
      return denied;
    }
    const fault = vm.process.faults.at(name);
    if (fault !== undefined) return fault;
    if (implementation === undefined) throw new NotEmulated(name);
    return implementation(...args);
  };
  return (...args: never[]) => {
    hostcalls.add(name);
    if (!hostcalls.isTracing) return call(...args);
    return hostcalls.traced(name, traceArgs(name, args, vm.memory), () => call(...args));
  };
}

/** Emscripten's two are always there. */
function isRestrictable(module: string, name: string): boolean {
  return module !== "env" || name.startsWith("proxy_");
}

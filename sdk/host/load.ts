// A module's way into Envoy: looked at, compiled, tried out by a base VM and a canary for each plugin.
import { readFile } from "node:fs/promises";
import type { AbiVersion } from "../abi/signatures.ts";
import { formatModuleProblem, inspectModule } from "../module/inspect.ts";
import { toByteString } from "./bytes.ts";
import { VirtualClock } from "./clock.ts";
import { ConfigRefused, type LoadStage } from "./errors.ts";
import { HostcallCounter } from "./hostcall-counter.ts";
import { Log, type LogLevel } from "./log.ts";
import { MetricStore } from "./metrics.ts";
import { type NodeInit, pluginProperty } from "./node.ts";
import { startRoot } from "./root.ts";
import type { Plugin, Process } from "./scope.ts";
import { SharedDataStore } from "./shared-data.ts";
import { Vm, type VmSetup } from "./vm.ts";

/** A configuration: a text or bytes as they are, anything else as JSON. */
export type ConfigInit = string | Uint8Array | Readonly<Record<string, unknown>>;

/** What Envoy's PluginConfig says of a module. */
export interface PluginOptions {
  /** Default none: an empty configuration. */
  readonly config?: ConfigInit;
  /** `plugin_name`. Default "plugin". */
  readonly name?: string;
  /** `plugin_root_id` in the downstream chain. Default "". */
  readonly rootId?: string;
  /** True: in the router's upstream chain, too, in the same VMs, with root_id "upstream". Default false. */
  readonly upstream?: boolean;
  /** Default "". */
  readonly vmId?: string;
  /** Default none. */
  readonly vmConfig?: ConfigInit;
  /** What WASI's environ_get gives. Default nothing. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Imports and callbacks that capability restriction allows. Default: no restriction. */
  readonly allowedCapabilities?: readonly string[];
}

/** What is said once of a process. */
export interface ProcessOptions {
  /** Wall clock at the start: an ISO date, or milliseconds since 1970. Default 2026-01-01T00:00:00Z. */
  readonly now?: string | number;
  /** Least level that Envoy logs. Default "info". */
  readonly logLevel?: LogLevel;
}

/** A module that passed, with its plugins: the downstream one first. */
export interface Loaded {
  readonly setup: VmSetup;
  readonly downstream: Plugin;
  readonly upstream: Plugin | undefined;
}

export function createProcess({ now = "2026-01-01T00:00:00Z", logLevel = "info" }: ProcessOptions): Process {
  const startMs = new Date(now).getTime();
  if (Number.isNaN(startMs)) throw new Error(`now ${JSON.stringify(now)} is no date; write "2026-01-01T00:00:00Z"`);
  return {
    clock: new VirtualClock(startMs),
    log: new Log(logLevel),
    metrics: new MetricStore(),
    shared: new SharedDataStore(),
    hostcalls: new HostcallCounter(),
  };
}

/**
 * Loads a module as Envoy's main thread does before a configuration takes effect: a base VM that only initializes,
 * and a canary for each plugin, which starts and reads the configuration and is dropped.
 *
 * @param source the module's bytes, or its path
 * @throws {ConfigRefused} where Envoy would refuse
 */
export async function load(
  source: Uint8Array | string,
  options: PluginOptions,
  process: Process,
  node: NodeInit,
): Promise<Loaded> {
  const bytes = typeof source === "string" ? await readFile(source) : source;
  const firstLine = process.log.lines.length;
  const refuse = (stage: LoadStage, problems: readonly string[]) =>
    new ConfigRefused(stage, problems, process.log.lines.slice(firstLine));
  const { module, abi } = await compile(bytes, refuse);
  const { name = "plugin", rootId = "", vmId = "", allowedCapabilities } = options;
  const config = bytesOf(options.config);
  const setup: VmSetup = {
    module,
    abi,
    process,
    vmId,
    vmConfig: bytesOf(options.vmConfig),
    environment: new Map(Object.entries(options.environment ?? {})),
    allowed: allowedCapabilities && new Set(allowedCapabilities),
    property: (path, plugin) => pluginProperty(path, { plugin, vmId, node }),
  };
  const downstream: Plugin = { name, rootId, config };
  const upstream: Plugin | undefined = options.upstream ? { name, rootId: "upstream", config } : undefined;
  const base = new Vm(setup, "base");
  if (base.failure !== undefined) throw refuse("initialize", [base.failure]);
  for (const plugin of upstream === undefined ? [downstream] : [downstream, upstream]) {
    const canary = new Vm(setup, "canary");
    const { root, problem } = startRoot(canary, plugin);
    root.setTickPeriod(0);
    if (problem !== undefined) throw refuse(problem.stage, [problem.text]);
  }
  return { setup, downstream, upstream };
}

async function compile(
  bytes: Uint8Array,
  refuse: (stage: LoadStage, problems: readonly string[]) => ConfigRefused,
): Promise<{ module: WebAssembly.Module; abi: AbiVersion }> {
  const { abi, problems } = inspectModule(bytes);
  if (abi === undefined || problems.length > 0) throw refuse("inspect", problems.map(formatModuleProblem));
  try {
    return { module: await WebAssembly.compile(bytes), abi };
  } catch (error) {
    throw refuse("inspect", [`Failed to load Wasm bytecode: ${error instanceof Error ? error.message : error}`]);
  }
}

function bytesOf(config: ConfigInit = ""): string {
  return toByteString(typeof config === "string" || config instanceof Uint8Array ? config : JSON.stringify(config));
}

// A module's way into Envoy: looked at, compiled, tried out by a base VM and a canary for each plugin.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { AbiVersion } from "../abi/signatures.ts";
import { formatModuleProblem, inspectModule } from "../module/inspect.ts";
import { SourceMap } from "../module/source-map.ts";
import { toByteString } from "./bytes.ts";
import { VirtualClock } from "./clock.ts";
import { isCollectingCoverage } from "./coverage.ts";
import { ConfigRefused, type LoadStage } from "./errors.ts";
import { Faults } from "./faults.ts";
import { GrpcCalls } from "./grpc-calls.ts";
import { HostcallCounter } from "./hostcall-counter.ts";
import { HttpCalls, type HttpPeer } from "./http-calls.ts";
import { Log, type LogLevel } from "./log.ts";
import { MetricStore } from "./metrics.ts";
import { type NodeInit, pluginProperty } from "./node.ts";
import { QueueStore } from "./queues.ts";
import { startRoot } from "./root.ts";
import type { Plugin, Process } from "./scope.ts";
import { SharedDataStore } from "./shared-data.ts";
import { AllocationCounter } from "./usage.ts";
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
  /** True: not a filter, but among the access logs, where its root's proxy_on_log is called. Default false. */
  readonly accessLogger?: boolean;
  /** Default "". */
  readonly vmId?: string;
  /** Default none. */
  readonly vmConfig?: ConfigInit;
  /** What WASI's environ_get gives. Default nothing. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Imports and callbacks that capability restriction allows. Default: no restriction. */
  readonly allowedCapabilities?: readonly string[];
  /** StopIteration of headers holds the headers only (allow_on_headers_stop_iteration). Default false: the body, too. */
  readonly allowOnHeadersStopIteration?: boolean;
}

/** What is said once of a process. */
export interface ProcessOptions {
  /** Wall clock at the start: an ISO date, or milliseconds since 1970. Default 2026-01-01T00:00:00Z. */
  readonly now?: string | number;
  /** Least level that Envoy logs. Default "info". */
  readonly logLevel?: LogLevel;
  /** Clusters that filters can call, and what answers; as `host.onHttpCall`, but from the start, for calls in on_configure. */
  readonly httpCalls?: Readonly<Record<string, HttpPeer>>;
}

/** A module that passed, with its plugins: the downstream one first. */
export interface Loaded {
  readonly setup: VmSetup;
  readonly downstream: Plugin;
  readonly upstream: Plugin | undefined;
  /** The downstream plugin is no filter, but an access logger. */
  readonly accessLogger: boolean;
}

/** Where a module is loaded. */
export interface LoadContext {
  readonly process: Process;
  readonly node: NodeInit;
  /** What is in force: where module and vm_config are the same, there is no new base VM. */
  readonly running?: VmSetup | undefined;
  /** Told of each plugin that passed, before the next one is tried. */
  onTried?(setup: VmSetup, plugin: Plugin): void;
}

export function createProcess(options: ProcessOptions): Process {
  const { now = "2026-01-01T00:00:00Z", logLevel = "info", httpCalls = {} } = options;
  const startMs = new Date(now).getTime();
  if (Number.isNaN(startMs)) throw new Error(`now ${JSON.stringify(now)} is no date; write "2026-01-01T00:00:00Z"`);
  const clock = new VirtualClock(startMs);
  return {
    clock,
    log: new Log(logLevel),
    metrics: new MetricStore(),
    shared: new SharedDataStore(),
    queues: new QueueStore(clock),
    hostcalls: new HostcallCounter(),
    faults: new Faults(),
    allocations: new AllocationCounter(),
    httpCalls: new HttpCalls(clock, httpCalls),
    grpcCalls: new GrpcCalls(clock),
  };
}

/**
 * Loads a module as Envoy's main thread does before a configuration takes effect: a base VM that only initializes,
 * and a canary for each plugin, which starts and reads the configuration and is dropped.
 *
 * @param source the module's bytes, or its path: then a source map beside it (PATH.map) adds lines of the source to traps
 * @throws {ConfigRefused} where Envoy would refuse
 */
export async function load(
  source: Uint8Array | string,
  options: PluginOptions,
  { process, node, running, onTried }: LoadContext,
): Promise<Loaded> {
  const { bytes, sourceMap } = typeof source === "string" ? await readModule(source) : { bytes: source };
  const firstLine = process.log.lines.length;
  const refuse: Refuse = (stage, problems) => new ConfigRefused(stage, problems, process.log.lines.slice(firstLine));
  const { name = "plugin", rootId = "", allowOnHeadersStopIteration } = options;
  const config = bytesOf(options.config);
  const key = vmKey(bytes, options);
  const setup = running?.key === key ? running : await setUp(bytes, options, { key, sourceMap, process, node, refuse });
  const downstream: Plugin = { name, rootId, config, allowOnHeadersStopIteration };
  const upstream: Plugin | undefined = options.upstream ? { ...downstream, rootId: "upstream" } : undefined;
  for (const plugin of upstream === undefined ? [downstream] : [downstream, upstream]) {
    const canary = new Vm(setup, "canary");
    const { root, problem } = startRoot(canary, plugin);
    root.setTickPeriod(0);
    process.httpCalls.cancel(root);
    process.grpcCalls.cancel(root);
    if (problem !== undefined) throw refuse(problem.stage, [problem.text]);
    onTried?.(setup, plugin);
  }
  return { setup, downstream, upstream, accessLogger: options.accessLogger ?? false };
}

/** A module, and the source map beside it. */
interface ModuleFile {
  readonly bytes: Uint8Array;
  readonly sourceMap?: SourceMap | undefined;
}

type Refuse = (stage: LoadStage, problems: readonly string[]) => ConfigRefused;

/** What VMs must have in common to be the same: plugins that agree in it share them. */
function vmKey(bytes: Uint8Array, options: PluginOptions): string {
  const { vmId = "", vmConfig = "", environment = {}, allowedCapabilities } = options;
  const rest = JSON.stringify([vmId, bytesOf(vmConfig), Object.entries(environment), allowedCapabilities]);
  return createHash("sha256").update(bytes).update(rest).digest("hex");
}

async function setUp(
  bytes: Uint8Array,
  { vmId = "", vmConfig, environment = {}, allowedCapabilities }: PluginOptions,
  {
    key,
    sourceMap,
    process,
    node,
    refuse,
  }: { key: string; sourceMap: SourceMap | undefined; process: Process; node: NodeInit; refuse: Refuse },
): Promise<VmSetup> {
  const setup: VmSetup = {
    key,
    sizeBytes: bytes.length,
    ...(await compile(bytes, refuse)),
    sourceMap,
    process,
    vmId,
    vmConfig: bytesOf(vmConfig),
    environment: new Map(Object.entries(environment)),
    allowed: allowedCapabilities && new Set(allowedCapabilities),
    property: (path, plugin) => pluginProperty(path, { plugin, vmId, node }),
  };
  const base = new Vm(setup, "base");
  if (base.failure !== undefined) throw refuse("initialize", [base.failure]);
  return setup;
}

/** The module at a path; where coverage is collected, the instrumented one in the folder `coverage` beside it, if there is one. */
async function readModule(path: string): Promise<ModuleFile> {
  if (!isCollectingCoverage()) return await readModuleFile(path);
  return await readModuleFile(join(dirname(path), "coverage", basename(path))).catch(() => readModuleFile(path));
}

async function readModuleFile(path: string): Promise<ModuleFile> {
  const bytes = await readFile(path);
  return { bytes, sourceMap: SourceMap.parse(await readFile(`${path}.map`, "utf8").catch(() => "")) };
}

async function compile(bytes: Uint8Array, refuse: Refuse): Promise<{ module: WebAssembly.Module; abi: AbiVersion }> {
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

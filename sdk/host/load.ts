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
import { type Duration, parseDuration } from "./duration.ts";
import { ConfigRefused, type LoadStage } from "./errors.ts";
import { Faults } from "./faults.ts";
import { GrpcCalls } from "./grpc-calls.ts";
import type { HeaderView } from "./header-map.ts";
import { HostcallCounter } from "./hostcall-counter.ts";
import { HttpCalls, type HttpPeer } from "./http-calls.ts";
import { Log, type LogLevel } from "./log.ts";
import { MetricStore } from "./metrics.ts";
import { type ListenerInit, type NodeInit, pluginProperty } from "./node.ts";
import { QueueStore } from "./queues.ts";
import { startRoot } from "./root.ts";
import type { Plugin, Process } from "./scope.ts";
import { SharedDataStore } from "./shared-data.ts";
import { AllocationCounter } from "./usage.ts";
import { Vm, type VmSetup } from "./vm.ts";

/** A configuration: a text or bytes as they are, anything else as JSON. */
export type ConfigInit = string | Uint8Array | Readonly<Record<string, unknown>>;

/** What becomes of a plugin whose VM trapped: 503 until its configuration changes, a new VM, or no filter. */
export type FailurePolicy = "FAIL_CLOSED" | "FAIL_RELOAD" | "FAIL_OPEN";

/** What Envoy's PluginConfig says of a module, and where it stands. */
export interface PluginOptions {
  /** Default none: an empty configuration. */
  readonly config?: ConfigInit;
  /** `plugin_name`. Default "plugin". */
  readonly name?: string;
  /** `plugin_root_id`. Default "", of a plugin that is only in the upstream chain "upstream". */
  readonly rootId?: string;
  /**
   * True: in the router's upstream chain, too, in the same VMs, with root_id "upstream". "only": not in the downstream one.
   * Default false.
   */
  readonly upstream?: boolean | "only";
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
  /** Default FAIL_CLOSED, as Envoy's. */
  readonly failurePolicy?: FailurePolicy;
  /** FAIL_RELOAD: least time between two loads of a VM. Default 1 s, as Envoy's, which adds up to half at random. */
  readonly reloadBackOff?: Duration;
}

/** One plugin of several. Those of one module, vm_id, vm_config, environment and capabilities share VMs, with a root each. */
export interface PluginInit extends PluginOptions {
  /**
   * Which requests a filter is for, by their headers as they are when they come to its place: a share of the traffic, as
   * Envoy's ExtensionWithMatcher makes it. Of an access logger: by the headers as they are in the end, as with Envoy's
   * header_filter. Default all.
   */
  readonly when?: (headers: HeaderView) => boolean;
  /** The module's bytes, or its path: then a source map beside it (PATH.map) adds lines of the source to traps. */
  readonly module: Uint8Array | string;
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

/** Where a plugin stands, in the order in which Envoy loads them. */
const places = ["access log", "downstream", "upstream"] as const;
export type Place = (typeof places)[number];

/** A plugin that passed. */
export interface LoadedPlugin extends Plugin {
  readonly place: Place;
  readonly when: PluginInit["when"];
  readonly setup: VmSetup;
  /** Plugins of equal keys are the same to Envoy: they have one root context in each VM. */
  readonly key: string;
  readonly failurePolicy: FailurePolicy;
  readonly reloadBackOffNs: bigint;
}

/** Where plugins are loaded. */
export interface LoadContext {
  readonly process: Process;
  readonly node: NodeInit;
  readonly listener: ListenerInit;
  /** What VMs that there are have in common, by key; what is new is added. */
  readonly setups: Map<string, VmSetup>;
  /** Told of each plugin that passed, before the next one is tried. */
  onTried?(plugin: LoadedPlugin): void;
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
 * Loads plugins as Envoy's main thread does before a configuration takes effect: a base VM that only initializes,
 * and a canary for each plugin, which starts and reads the configuration and is dropped.
 *
 * @throws {ConfigRefused} where Envoy would refuse
 */
export async function load(inits: readonly PluginInit[], context: LoadContext): Promise<LoadedPlugin[]> {
  const { log } = context.process;
  const firstLine = log.lines.length;
  const refuse: Refuse = (stage, problems) => new ConfigRefused(stage, problems, log.lines.slice(firstLine));
  const loaded: LoadedPlugin[] = [];
  for (const place of places) {
    for (const init of inits) {
      if (!placesOf(init).includes(place)) continue;
      const setup = await findSetup(init, context, refuse);
      const plugin = loadedPlugin(init, { place, setup, listener: context.listener });
      tryOut(plugin, refuse);
      context.onTried?.(plugin);
      loaded.push(plugin);
    }
  }
  return loaded;
}

function placesOf({ upstream = false, accessLogger = false }: PluginOptions): readonly Place[] {
  if (accessLogger) return ["access log"];
  if (upstream === "only") return ["upstream"];
  return upstream ? ["downstream", "upstream"] : ["downstream"];
}

function loadedPlugin(
  init: PluginInit,
  { place, setup, listener }: { place: Place; setup: VmSetup; listener: ListenerInit },
): LoadedPlugin {
  const { name = "plugin", upstream, failurePolicy = "FAIL_CLOSED", reloadBackOff = "1s" } = init;
  const isSecond = place === "upstream" && upstream !== "only";
  const rootId = isSecond ? "upstream" : (init.rootId ?? (upstream === "only" ? "upstream" : ""));
  const { allowOnHeadersStopIteration = false } = init;
  const said = {
    name,
    rootId,
    config: bytesOf(init.config),
    allowOnHeadersStopIteration,
    failurePolicy,
    reloadBackOff,
  };
  const key = JSON.stringify([setup.key, said, listener.direction, listener.metadata]);
  return { ...said, key, place, when: init.when, setup, reloadBackOffNs: parseDuration(reloadBackOff) };
}

/** What a canary has taken once needs no other. Where a thread refused what its canary had taken, no other plugin gets in. */
function tryOut(plugin: LoadedPlugin, refuse: Refuse): void {
  const { setup, key, name } = plugin;
  if (setup.tried.has(key)) return;
  const { root, problem } = startRoot(new Vm(setup, "canary"), plugin);
  root.setTickPeriod(0);
  setup.process.httpCalls.cancel(root);
  setup.process.grpcCalls.cancel(root);
  if (problem !== undefined) throw refuse(problem.stage, [problem.text]);
  if (setup.refusal !== undefined)
    throw refuse("configure", [`Unable to create Wasm plugin ${name}: ${setup.refusal}`]);
  setup.tried.add(key);
}

async function findSetup(init: PluginInit, { setups, process, node }: LoadContext, refuse: Refuse): Promise<VmSetup> {
  const { module } = init;
  const { bytes, sourceMap } = typeof module === "string" ? await readModule(module) : { bytes: module };
  const key = vmKey(bytes, init);
  const setup = setups.get(key) ?? (await setUp(bytes, init, { key, sourceMap, process, node, refuse }));
  setups.set(key, setup);
  return setup;
}

/** A module, and the source map beside it. */
interface ModuleFile {
  readonly bytes: Uint8Array;
  readonly sourceMap?: SourceMap | undefined;
}

type Refuse = (stage: LoadStage, problems: readonly string[]) => ConfigRefused;

/** What VMs must have in common to be the same: plugins that agree in it share them. */
function vmKey(bytes: Uint8Array, options: PluginOptions): string {
  const { vmId = "", vmConfig, environment = {}, allowedCapabilities } = options;
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
    tried: new Set(),
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

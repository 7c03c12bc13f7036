// The host: an Envoy process with a plugin, or several, driven by a test. Time and network are the caller's.

import { type Logged, writeAccessLog } from "./access-log.ts";
import type { UpstreamAttempt } from "./attempt.ts";
import { toArray, toByteString, toText } from "./bytes.ts";
import { earliest } from "./clock.ts";
import { Connection } from "./connection.ts";
import { type Deployment, Deployments, type Surroundings } from "./deployments.ts";
import { type Duration, parseDuration } from "./duration.ts";
import { NotEmulated } from "./errors.ts";
import { Exchange } from "./exchange.ts";
import type { Faults } from "./faults.ts";
import type { GrpcCall, GrpcPeer } from "./grpc-calls.ts";
import { HeaderMap } from "./header-map.ts";
import type { HostcallCounter } from "./hostcall-counter.ts";
import type { HttpCall, HttpPeer } from "./http-calls.ts";
import { createProcess, type Place, type PluginInit, type PluginOptions, type ProcessOptions } from "./load.ts";
import type { LogLine } from "./log.ts";
import type { MetricStore } from "./metrics.ts";
import type { ListenerInit, NodeInit } from "./node.ts";
import type {
  ConnectOptions,
  RequestInit,
  RouteInit,
  StreamOptions,
  UpstreamReset,
  UpstreamResponse,
} from "./request.ts";
import { requestHeaders } from "./request-headers.ts";
import type { Process } from "./scope.ts";
import { type Reply, Stream } from "./stream.ts";
import type { StreamInfo } from "./stream-info.ts";
import { StreamUser } from "./stream-user.ts";
import { difference, type Usage } from "./usage.ts";

/** What surrounds the plugins. */
export interface EnvoyOptions extends ProcessOptions {
  /** Worker threads, each with a VM of its own beside the main thread's. Default 1. */
  readonly workers?: number;
  readonly node?: NodeInit;
  readonly listener?: ListenerInit;
  /** Another host's process, for plugins beside that one's: they share clock, log, metrics, shared data, queues, calls and VMs. */
  readonly beside?: Host;
}

/** Of a host with one plugin. */
export interface HostOptions extends PluginOptions, EnvoyOptions {}

/** Answers one attempt. */
export type Upstream = (attempt: UpstreamAttempt) => UpstreamResponse | UpstreamReset;

/** An Envoy process that runs a module, with time and network in the test's hands. */
export class Host {
  /** Of all modules of the process. */
  readonly metrics: MetricStore;
  /** How often modules called the host, and with what. */
  readonly hostcalls: HostcallCounter;
  /** What is to go wrong. */
  readonly faults: Faults;
  readonly #process: Process;
  readonly #options: EnvoyOptions;
  readonly #deployments: Deployments;
  #current: Deployment;
  #requests = 0n;

  /**
   * Starts an Envoy process with a plugin, or with several: filters stand in their chain in the order of the list.
   *
   * @param source the module's bytes, or its path: then a source map beside it (PATH.map) adds lines of the source to traps
   * @throws {ConfigRefused} where Envoy would refuse the configuration
   */
  static load(plugins: readonly PluginInit[], options?: EnvoyOptions): Promise<Host>;
  static load(source: Uint8Array | string, options?: HostOptions): Promise<Host>;
  static async load(source: Source, options: HostOptions = {}): Promise<Host> {
    const { beside } = options;
    const process = beside === undefined ? createProcess(options) : beside.#process;
    const deployments = beside === undefined ? new Deployments(process) : beside.#deployments;
    const deployment = await deployments.add(pluginsOf(source, options), surroundings(options));
    return new Host(process, options, deployments, deployment);
  }

  private constructor(process: Process, options: EnvoyOptions, deployments: Deployments, deployment: Deployment) {
    this.#process = process;
    this.#options = options;
    this.metrics = process.metrics;
    this.hostcalls = process.hostcalls;
    this.faults = process.faults;
    this.#deployments = deployments;
    this.#current = deployment;
  }

  /** Does something, such as a request, and says what it cost. */
  measure(action: () => void): Usage {
    const { hostcalls, allocations } = this.#process;
    const [calls, { count, bytes }] = [hostcalls.byName, { ...allocations }];
    action();
    const { plugins, threads } = this.#current;
    const setups = new Set(plugins.map(({ setup }) => setup));
    const vms = threads.flatMap((thread) => [...thread.vms]).filter((vm) => setups.has(vm.setup));
    return {
      hostcalls: difference(hostcalls.byName, calls),
      allocations: allocations.count - count,
      allocatedBytes: allocations.bytes - bytes,
      memoryBytes: Math.max(...vms.map((vm) => vm.memory.sizeBytes)),
      moduleBytes: [...setups].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    };
  }

  /** What was logged, from `logLevel` upwards; each VM that loads logs for itself. */
  get logs(): readonly LogLine[] {
    return this.#process.log.lines;
  }

  /** Nanoseconds since 1970. */
  get nowNs(): bigint {
    return this.#process.clock.realtimeNs;
  }

  /** Shared data of the first plugin's vm_id. */
  get shared(): SharedDataView {
    const { shared } = this.#process;
    const vmId = this.#current.plugins[0]?.setup.vmId ?? "";
    return {
      get: (key) => {
        const found = shared.get(vmId, toByteString(key));
        return found === undefined ? undefined : toArray(found.value);
      },
      keys: () => shared.keys(vmId).map(toText),
      afterNextRead: (action) => shared.afterNextRead(action),
    };
  }

  /**
   * Makes a cluster known to filters and says what answers their calls to it. An answer comes with the next step of the test:
   * `fetch` waits for it, `advance` brings it.
   *
   * @param peer default: calls stay open in `httpCalls` until the test answers them
   */
  onHttpCall(cluster: string, peer: HttpPeer = () => undefined): void {
    this.#process.httpCalls.on(cluster, peer);
  }

  /** Calls that are open. */
  get httpCalls(): readonly HttpCall[] {
    return this.#process.httpCalls.open;
  }

  /** Makes a cluster known to filters' gRPC calls and streams, and says who answers them. Default: the test, later. */
  onGrpcCall(cluster: string, peer: GrpcPeer = () => {}): void {
    this.#process.grpcCalls.on(cluster, peer);
  }

  /** gRPC calls and streams that are open. */
  get grpcCalls(): readonly GrpcCall[] {
    return this.#process.grpcCalls.open;
  }

  /** Moves the clock; ticks, timeouts and retries that are due happen on the way. */
  advance(span: Duration): void {
    const { clock } = this.#process;
    clock.runUntil(clock.monotonicNs + parseDuration(span));
  }

  /** A request whose attempts `upstream` answers; by default with an empty 200. Ends when the request is over. */
  fetch(request: RequestInit = {}, upstream: Upstream = () => ({ status: 200 }), options: StreamOptions = {}): Reply {
    return this.stream(request, options).serve(upstream);
  }

  /** A request to be driven step by step. The filters have seen what there is of it when this returns. */
  stream(request: RequestInit = {}, options: StreamOptions = {}): Stream {
    const headers = requestHeaders(request, this.#requests);
    const { route = {} } = options;
    const chooseRoute = () => (typeof route === "function" ? route(headers) : route) ?? undefined;
    const user = this.#newStream(options);
    const info = this.#streamInfo(options, chooseRoute());
    const filters = (place: Place) => (info.route?.isPluginOff ? [] : user.filters(place));
    const exchange = new Exchange({
      clock: this.#process.clock,
      info,
      listener: this.#options.listener ?? {},
      requestHeaders: headers,
      chooseRoute,
      downstreamFilters: () => filters("downstream"),
      upstreamFilters: () => filters("upstream"),
      onLogged: (logged) => log(user, logged),
      onOver: () => this.#onStreamOver(user),
    });
    const { body = "", trailers, endStream = true } = request;
    const endsAfterBody = endStream && trailers === undefined;
    exchange.start(endsAfterBody && body.length === 0);
    if (body.length > 0) exchange.receiveBody(toByteString(body), endsAfterBody);
    if (trailers !== undefined) exchange.receiveTrailers(new HeaderMap("request trailers", trailers));
    const { httpCalls, grpcCalls } = this.#process;
    return new Stream(exchange, () => earliest([httpCalls.nextNs, grpcCalls.nextNs]));
  }

  /**
   * A TCP connection through the module as a network filter, to an upstream that the test is. The filter has seen it when
   * this returns.
   */
  connect(options: ConnectOptions = {}): Connection {
    const user = this.#newStream(options);
    const filters = user.plugins.filter(({ place }) => place === "downstream");
    if (filters.length > 1) throw new NotEmulated("several network filters of one listener");
    if (filters.some(({ when }) => when)) throw new NotEmulated("a share of connections");
    const [root] = user.roots("downstream");
    return new Connection({
      info: { ...this.#streamInfo(options, undefined), tcp: "accepted", transportFailure: "" },
      listener: this.#options.listener ?? {},
      root,
      isRefused: options.isRefused ?? false,
      nowNs: () => this.#process.clock.monotonicNs,
      onLogged: (logged) => log(user, logged),
      onOver: () => this.#onStreamOver(user),
    });
  }

  /**
   * Swaps plugins or their configuration, as an ECDS update does: streams that run keep theirs, new ones get the new
   * ones. Where module, vm_id, vm_config, environment and capabilities stay, the VMs do, and with them the module's variables; a plugin that is the
   * same goes on.
   *
   * @throws {ConfigRefused} where Envoy would refuse; the old ones then go on serving
   */
  replace(source: Uint8Array | string, options: PluginOptions): Promise<void>;
  replace(plugins: readonly PluginInit[]): Promise<void>;
  async replace(source: Source, options: PluginOptions = {}): Promise<void> {
    const old = this.#current;
    this.#current = await this.#deployments.add(pluginsOf(source, options), surroundings(this.#options));
    this.#deployments.remove(old);
  }

  /** A new request or connection. */
  #newStream({ worker = 0 }: StreamOptions): StreamUser {
    const { threads, plugins } = this.#current;
    const thread = threads[worker + 1];
    if (thread === undefined) throw new Error(`there is no worker ${worker}; workers: ${threads.length - 1}`);
    this.#requests += 1n;
    return new StreamUser(thread, plugins);
  }

  #onStreamOver(user: StreamUser): void {
    user.end();
    if (user.plugins !== this.#current.plugins) this.#deployments.sweep();
  }

  #streamInfo(
    { cluster = {}, connection = {}, properties = {} }: StreamOptions,
    route: RouteInit | undefined,
  ): StreamInfo {
    const { clock } = this.#process;
    return {
      startedAtNs: clock.monotonicNs,
      startedRealtimeNs: clock.realtimeNs,
      route,
      cluster: cluster ?? undefined,
      tcp: undefined,
      connection,
      connectionId: this.#requests,
      properties,
      filterState: new Map<string, string>(),
      envoyObjects: new Map(),
      requestBodyBytes: 0,
      responseBodyBytes: 0,
      attempts: 0,
      endpoint: undefined,
      isConnected: false,
      responseCode: undefined,
      details: undefined,
      flags: 0,
      transportFailure: undefined,
      durationNs: undefined,
      backendLatencyNs: undefined,
    };
  }
}

type Source = Uint8Array | string | readonly PluginInit[];

function pluginsOf(source: Source, options: PluginOptions): readonly PluginInit[] {
  if (typeof source === "string" || source instanceof Uint8Array) return [{ ...options, module: source }];
  return source;
}

function surroundings({ node = {}, listener = {}, workers = 1 }: EnvoyOptions): Surroundings {
  return { node, listener, workers };
}

function log(user: StreamUser, logged: Logged): void {
  for (const root of user.roots("access log", logged.headers?.request)) writeAccessLog(root, logged);
}

/** Shared data, to look at. */
export interface SharedDataView {
  /** Does something once, when a module has next read a value: what another worker does before that one writes. */
  afterNextRead(action: () => void): void;
  /** Undefined if there is no such key. */
  get(key: string): Uint8Array | undefined;
  keys(): string[];
}

// The host: an Envoy process with one module, driven by a test or by preflight. Time and network are the caller's.

import { type Logged, writeAccessLog } from "./access-log.ts";
import type { UpstreamAttempt } from "./attempt.ts";
import { toArray, toByteString, toText } from "./bytes.ts";
import { earliest } from "./clock.ts";
import { Connection } from "./connection.ts";
import { type Deployment, deploy } from "./deployment.ts";
import { type Duration, parseDuration } from "./duration.ts";
import { Exchange } from "./exchange.ts";
import type { Faults } from "./faults.ts";
import type { GrpcCall, GrpcPeer } from "./grpc-calls.ts";
import { HeaderMap } from "./header-map.ts";
import type { HostcallCounter } from "./hostcall-counter.ts";
import type { HttpCall, HttpPeer } from "./http-calls.ts";
import { createProcess, type Loaded, type PluginOptions, type ProcessOptions } from "./load.ts";
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
import type { Root } from "./root.ts";
import type { Plugin, Process } from "./scope.ts";
import { type Reply, Stream } from "./stream.ts";
import type { StreamInfo } from "./stream-info.ts";
import type { FailurePolicy } from "./thread.ts";
import { difference, type Usage } from "./usage.ts";

/** The Envoy around a module, and the module's plugin. */
export interface HostOptions extends PluginOptions, ProcessOptions {
  /** Worker threads, each with a VM of its own beside the main thread's. Default 1. */
  readonly workers?: number;
  readonly node?: NodeInit;
  readonly listener?: ListenerInit;
  /** Default FAIL_CLOSED, as Envoy's. */
  readonly failurePolicy?: FailurePolicy;
  /** FAIL_RELOAD: least time between two loads of a VM. Default 1 s, as Envoy's, which adds up to half at random. */
  readonly reloadBackOff?: Duration;
  /** Another host's process, for a plugin beside that one's: they share clock, log, metrics, shared data, queues and calls. */
  readonly beside?: Host;
}

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
  readonly #options: HostOptions;
  #current: Deployment;
  /** Of all plugins of the process. */
  readonly #deployments: Set<Deployment>;
  #requests = 0n;

  /**
   * Starts an Envoy process with a module.
   *
   * @param source the module's bytes, or its path
   * @throws {ConfigRefused} where Envoy would refuse the configuration
   */
  static async load(source: Uint8Array | string, options: HostOptions = {}): Promise<Host> {
    const process = options.beside === undefined ? createProcess(options) : options.beside.#process;
    return new Host(process, options, await deploy(source, options, { process, host: options }));
  }

  private constructor(process: Process, options: HostOptions, deployment: Deployment) {
    this.#process = process;
    this.#options = options;
    this.metrics = process.metrics;
    this.hostcalls = process.hostcalls;
    this.faults = process.faults;
    this.#deployments = options.beside === undefined ? new Set() : options.beside.#deployments;
    this.#current = deployment;
    this.#deployments.add(deployment);
  }

  /** Does something, such as a request, and says what it cost. */
  measure(action: () => void): Usage {
    const { hostcalls, allocations } = this.#process;
    const [calls, { count, bytes }] = [hostcalls.byName, { ...allocations }];
    action();
    const { loaded, threads } = this.#current;
    return {
      hostcalls: difference(hostcalls.byName, calls),
      allocations: allocations.count - count,
      allocatedBytes: allocations.bytes - bytes,
      memoryBytes: Math.max(...threads.map(({ vm }) => vm.memory.sizeBytes)),
      moduleBytes: loaded.setup.sizeBytes,
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

  /** Shared data of the module's vm_id. */
  get shared(): SharedDataView {
    const { shared } = this.#process;
    const { vmId } = this.#current.loaded.setup;
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

  /** A request to be driven step by step. The filter has seen what there is of it when this returns. */
  stream(request: RequestInit = {}, options: StreamOptions = {}): Stream {
    const deployment = this.#current;
    const { loaded } = deployment;
    const { downstream, upstream } = loaded;
    const root = this.#rootOf(options.worker);
    const headers = requestHeaders(request, this.#requests);
    const { route = {} } = options;
    const chooseRoute = () => (typeof route === "function" ? route(headers) : route) ?? undefined;
    const info = this.#streamInfo(options, chooseRoute());
    const exchange = new Exchange({
      clock: this.#process.clock,
      info,
      listener: this.#options.listener ?? {},
      requestHeaders: headers,
      chooseRoute,
      downstreamRoot: () => (loaded.accessLogger || info.route?.isPluginOff ? undefined : root(downstream)),
      upstreamRoot: () => (info.route?.isPluginOff ? undefined : root(upstream)),
      onLogged: (logged) => this.#onLogged(loaded, root, logged),
      onOver: () => this.#onStreamOver(deployment),
    });
    deployment.openStreams += 1;
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
    const deployment = this.#current;
    const { loaded } = deployment;
    const root = this.#rootOf(options.worker);
    deployment.openStreams += 1;
    return new Connection({
      info: { ...this.#streamInfo(options, undefined), tcp: "accepted" },
      listener: this.#options.listener ?? {},
      root: loaded.accessLogger ? undefined : root(loaded.downstream),
      isRefused: options.isRefused ?? false,
      nowNs: () => this.#process.clock.monotonicNs,
      onLogged: (logged) => this.#onLogged(loaded, root, logged),
      onOver: () => this.#onStreamOver(deployment),
    });
  }

  /**
   * Swaps module or configuration, as an ECDS update does: streams that run keep their plugin, new ones get the new
   * one. If only the plugin's configuration changes, the VMs stay, and with them the module's variables.
   *
   * @throws {ConfigRefused} where Envoy would refuse; the old one then goes on serving
   */
  async replace(source: Uint8Array | string, options: PluginOptions): Promise<void> {
    const old = this.#current;
    this.#current = await deploy(source, options, { process: this.#process, host: this.#options, sharing: old });
    this.#deployments.add(this.#current);
    this.#retire(old);
  }

  /** The root of a plugin on a worker, for a new request or connection. */
  #rootOf(worker = 0): (plugin: Plugin | undefined) => Root | undefined {
    const { threads } = this.#current;
    const thread = threads[worker + 1];
    if (thread === undefined) throw new Error(`there is no worker ${worker}; workers: ${threads.length - 1}`);
    this.#requests += 1n;
    return (plugin) => (plugin === undefined ? undefined : thread.root(plugin));
  }

  #onLogged({ accessLogger, downstream }: Loaded, rootOf: (plugin: Plugin) => Root | undefined, logged: Logged): void {
    const root = accessLogger ? rootOf(downstream) : undefined;
    if (root !== undefined) writeAccessLog(root, logged);
  }

  #onStreamOver(deployment: Deployment): void {
    deployment.openStreams -= 1;
    this.#retire(deployment);
  }

  /** Ends a deployment that nobody uses any more, the main thread last; its vm_id's last takes the shared data along. */
  #retire(deployment: Deployment): void {
    if (deployment === this.#current || deployment.openStreams > 0) return;
    for (const thread of deployment.threads.toReversed()) thread.end();
    this.#deployments.delete(deployment);
    const others = [...this.#deployments];
    const living = others.flatMap(({ threads }) => threads.map(({ vm }) => vm));
    this.#process.metrics.release(new Set(living));
    const { vmId } = deployment.loaded.setup;
    if (others.some((other) => other.loaded.setup.vmId === vmId)) return;
    this.#process.shared.drop(vmId);
    this.#process.queues.drop(vmId);
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
      cluster,
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
      responseCode: undefined,
      details: undefined,
      flags: 0,
      transportFailure: "",
      durationNs: undefined,
      backendLatencyNs: undefined,
    };
  }
}

/** Shared data, to look at. */
export interface SharedDataView {
  /** Does something once, when a module has next read a value: what another worker does before that one writes. */
  afterNextRead(action: () => void): void;
  /** Undefined if there is no such key. */
  get(key: string): Uint8Array | undefined;
  keys(): string[];
}

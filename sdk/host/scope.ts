// What the groups of hostcalls share: who calls, on what the call acts, and what all VMs of a process have in common.
import type { HostFunction } from "../abi/host-functions.ts";
import type { ByteString } from "./bytes.ts";
import type { VirtualClock } from "./clock.ts";
import type { Expressions } from "./expressions.ts";
import type { Faults } from "./faults.ts";
import type { DeclaredProperty, EnvoyObject } from "./filter-state.ts";
import type { GrpcCalls } from "./grpc-calls.ts";
import type { HeaderMap } from "./header-map.ts";
import type { HostcallCounter } from "./hostcall-counter.ts";
import type { HttpCalls } from "./http-calls.ts";
import type { LocalReply } from "./local-reply.ts";
import type { Log } from "./log.ts";
import type { Memory } from "./memory.ts";
import type { MetricStore } from "./metrics.ts";
import type { Chunk } from "./passage.ts";
import type { PropertyValue } from "./property-value.ts";
import type { QueueStore } from "./queues.ts";
import type { SharedDataStore } from "./shared-data.ts";
import type { AllocationCounter } from "./usage.ts";

/** A function that a module imports; what it returns is the status. Words arrive signed. */
export type Hostcall = (...args: never[]) => number | undefined;

/** What a foreign function answers: a status, and bytes where there are any. */
export type ForeignResult = readonly [status: number, bytes?: ByteString];

/** Hostcalls of one group, by name without module. */
export type Hostcalls = Readonly<Record<HostFunction["name"], Hostcall>>;

/** What all VMs of one Envoy process share. */
export interface Process {
  readonly clock: VirtualClock;
  readonly log: Log;
  readonly metrics: MetricStore;
  readonly shared: SharedDataStore;
  readonly queues: QueueStore;
  readonly hostcalls: HostcallCounter;
  readonly faults: Faults;
  readonly allocations: AllocationCounter;
  readonly httpCalls: HttpCalls;
  readonly grpcCalls: GrpcCalls;
}

/** One configured plugin: a root context in each VM. */
export interface Plugin {
  /** `name` of Envoy's PluginConfig. */
  readonly name: string;
  readonly rootId: string;
  readonly config: ByteString;
  /** StopIteration of headers holds the headers only, and not the body (allow_on_headers_stop_iteration). Default false. */
  readonly allowOnHeadersStopIteration?: boolean | undefined;
}

/** A plugin's root context in one VM. */
export interface RootContext {
  readonly id: number;
  readonly plugin: Plugin;
  /** Period of on_tick; 0 for none. */
  setTickPeriod(periodMs: number): void;
  /** What the running callback brings of a call's answer. */
  readonly received: Received | undefined;
  /** proxy_done: the plugin may go. False if nothing waits for it. */
  done(): boolean;
  /** Calls a callback with what it brings; nothing happens if the plugin has ended. @param args those after the context's id */
  receive(received: Received, callback: string, args: readonly number[]): void;
  /** Does something after the callback that is running. */
  defer(action: () => void): void;
  readonly expressions: Expressions;
  /** Properties that the plugin has declared, by name. */
  readonly declared: Map<ByteString, DeclaredProperty>;
}

/** What an answer to a call brings: there while its callback runs, whatever context is effective. */
export interface Received {
  /** By number of `map-type.ts`. */
  readonly maps?: Readonly<Record<number, HeaderMap | undefined>>;
  /** By number of `buffer-type.ts`. */
  readonly buffers?: Readonly<Record<number, ByteString>>;
  /** What proxy_get_status says; undefined for 0 and no text. */
  readonly status?: { readonly code: number; readonly message: ByteString } | undefined;
}

/** What the hostcalls of one stream's filter act on. */
export interface StreamScope {
  /** True inside on_log. */
  readonly logging: boolean;
  /** An access logger's: properties can't be set either. */
  readonly isReadonly?: boolean;
  /** A map of `map-type.ts` to read; undefined where this phase does not have it. */
  readableMap(type: number): HeaderMap | undefined;
  /** A map to change; undefined where this phase does not have it. */
  writableMap(type: number): HeaderMap | undefined;
  /** A buffer of `buffer-type.ts`; undefined where this phase does not have it. */
  buffer(type: number): Chunk | undefined;
  /** @param path parts of the path; undefined if there is no such property now */
  property(path: readonly ByteString[]): PropertyValue | undefined;
  /** The request's filter state: one store for all its filters and attempts. */
  readonly filterState: Map<ByteString, ByteString>;
  /** Envoy's own objects in it, by name. */
  readonly envoyObjects: Map<ByteString, EnvoyObject>;
  /** Answers the request, after the callback that is running. */
  sendLocalReply(reply: LocalReply): void;
  /** Goes on where a callback stopped, after the callback that is running. @param type of `stream-type.ts`, not Upstream */
  continueStream(type: number): void;
  /** Has the route chosen anew, once the request goes on, by its headers as they are then. */
  clearRouteCache(): void;
  /** Cuts the stream, after the callback that is running. @param type of `stream-type.ts` */
  closeStream(type: number): void;
}

/** A context of a VM: the VM's own (id 0), a plugin's root, or one stream's filter. */
export interface Context {
  readonly id: number;
  /** The plugin's root context; its own for a root. None for the VM's own context. */
  readonly root: RootContext | undefined;
  readonly stream: StreamScope | undefined;
}

/** The VM that calls. */
export interface VmScope {
  readonly process: Process;
  readonly vmId: string;
  readonly vmConfig: ByteString;
  readonly environment: ReadonlyMap<string, string>;
  /** One for all VMs of a module and its vm_config: what Envoy calls their scope, which holds their metrics. */
  readonly setup: object;
  readonly memory: Memory;
  /** The context the call acts on: the one chosen by proxy_set_effective_context, else the one that was called. */
  context(): Context;
  /** The context that was called, whichever is effective. */
  called(): Context;
  /** Logs what Envoy itself says of the module. */
  info(text: string): void;
  /** False if there is no such context. */
  setEffectiveContext(id: number): boolean;
  /** Plugin whose configuration the buffer hostcalls read: only while its root is being created or configured. */
  readonly configuring: Plugin | undefined;
  /** Properties of contexts without a stream. */
  property(path: readonly ByteString[]): PropertyValue | undefined;
  /** Token of the next call of one of the types of `callout-type.ts`: types count by themselves, from 4 on. */
  nextToken(type: number): number;
  /** Makes the running callback's result count as "stop". */
  stopIteration(): void;
}

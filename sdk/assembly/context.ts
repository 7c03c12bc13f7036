import { beginCallback } from "./callback";
import { proxy_set_effective_context } from "./env";
import { FilterState } from "./filter-state";
import { GrpcCall, GrpcCallHandler, GrpcStream, GrpcStreamHandler, openGrpcStream, sendGrpcCall } from "./grpc";
import { HttpCall, HttpCallHandler, sendHttpCall } from "./http-call";
import { forgetLevel } from "./log";
import { Properties } from "./properties";
import { Status } from "./status";

/** The context that hostcalls act on: the one whose callback runs, until another is made effective. */
let effective: u32 = 0;

/** Where hostcalls go that are meant for a context that is over: a plugin has no request that they could change. */
let newestPlugin: u32 = 0;

export function setNewestPlugin(id: u32): void {
  newestPlugin = id;
}

/** Called at the start of each callback: the host has made its context effective. */
export function enter(id: u32): void {
  effective = id;
  beginCallback(id);
  forgetLevel();
}

/** What plugins and streams have in common. */
export abstract class Context {
  /** The number by which the host knows this context; set before any callback. */
  id: u32 = 0;
  /** The next one in the same bucket of the table of contexts. @internal */
  nextInBucket: Context | null = null;

  /**
   * The request or connection is over and all its properties are final; headers can be read, not written. Not in the upstream half.
   * A plugin has it where Envoy is told to use it as an access logger: once for each request or connection.
   */
  onLog(): void {}

  /** The last callback: the context is forgotten after it. */
  onDelete(): void {}

  /** Attributes of Envoy. Read them at once: after another context was used, they are that one's. */
  get properties(): Properties {
    this.makeEffective();
    return new Properties();
  }

  /** Values that live as long as the request, or, in a plugin, as the plugin. */
  get filterState(): FilterState {
    this.makeEffective();
    return new FilterState();
  }

  /**
   * Sends an HTTP request; `handler` hears of its response in a later callback. A stream that waits for it stops in the
   * meantime, and continues or answers in the handler.
   *
   * @returns BadArgument, and the handler hears nothing, where Envoy does not know the cluster or a header is missing
   */
  httpCall(call: HttpCall, handler: HttpCallHandler): Status {
    this.makeEffective();
    return sendHttpCall(this, call, handler);
  }

  /**
   * Sends a gRPC request; `handler` hears of its response in a later callback.
   *
   * @returns InternalFailure, and the handler hears nothing, where Envoy does not know the cluster
   */
  grpcCall(call: GrpcCall, handler: GrpcCallHandler): Status {
    this.makeEffective();
    return sendGrpcCall(this, call, handler);
  }

  /** Opens a gRPC stream; null if Envoy refuses it. `handler` hears of what comes, in later callbacks. */
  grpcStream(call: GrpcCall, handler: GrpcStreamHandler): GrpcStream | null {
    this.makeEffective();
    return openGrpcStream(this, call, handler);
  }

  /**
   * Directs hostcalls at this context, where a callback of another one runs: a stream that a tick ends. The members of a
   * context do this by themselves.
   *
   * @returns false if this one is over: it then has no request; what is read is null, and what is done has no effect
   */
  makeEffective(): bool {
    if (effective == this.id) return true;
    effective = this.id;
    if (proxy_set_effective_context(effective) == Status.Ok) return true;
    effective = newestPlugin;
    proxy_set_effective_context(effective);
    return false;
  }
}

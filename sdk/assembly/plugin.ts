import * as BufferType from "../abi/buffer-type";
import * as MapType from "../abi/map-type";
import { Config } from "./config";
import { Context } from "./context";
import { proxy_done, proxy_get_buffer_bytes, proxy_set_tick_period_milliseconds } from "./env";
import { HeaderMap } from "./header-map";
import { OUT_PTR, OUT_SIZE, valueBytes } from "./host-memory";
import { HttpContext } from "./http-context";
import { Queue } from "./queue";
import { Status } from "./status";
import { TcpContext } from "./tcp-context";

/**
 * One plugin: the code with one configuration. It lives as long as its configuration, once in each worker and once in
 * Envoy's main thread; several may live in one VM. What outlives a request belongs into its fields, never into variables
 * of a module, which all plugins of the VM would share.
 */
export abstract class Plugin extends Context {
  /** Whether this instance serves the upstream half: its root_id is `upstream`. Set before any callback. */
  isUpstream: bool = false;
  /** Whether this instance is a network filter: its streams are connections. Set before any callback. */
  isNetwork: bool = false;

  /** The VM has started; only its first plugin hears of it. False refuses the configuration. */
  onVmStart(): bool {
    return true;
  }

  /**
   * What Envoy's `vm_config.configuration` holds, as it came; a VM that plugins share has one for all of them. Empty where there
   * is none, or where it can't be read.
   */
  get vmConfiguration(): Uint8Array {
    const status = proxy_get_buffer_bytes(BufferType.VmConfiguration, 0, i32.MAX_VALUE, OUT_PTR, OUT_SIZE);
    return status == Status.Ok ? valueBytes() : new Uint8Array(0);
  }

  /**
   * A configuration has come; it is the first callback of every plugin. Whatever is found wrong with `config` is
   * logged, and the configuration refused: Envoy keeps the last good one.
   */
  onConfigure(config: Config): void {}

  /** Every so often, see `setTickPeriod`; in the main thread, too. */
  onTick(): void {}

  /** There is an item in a queue that this plugin was the last to register. Others may have taken it by now. */
  onQueueReady(queue: Queue): void {}

  /** The plugin is about to end. False defers the end until `done` is called. */
  onDone(): bool {
    return true;
  }

  /** A request on its way from downstream, once each. Null: let it pass. */
  createHttpContext(): HttpContext | null {
    return null;
  }

  /**
   * One attempt of a request on its way upstream: the same request again for each retry. Called where the plugin's
   * root_id is `upstream`. Null: let it pass.
   */
  createUpstreamContext(): HttpContext | null {
    return null;
  }

  /**
   * A TCP connection from downstream. Called where the plugin's root_id is `network`, or where the filter has no
   * `createHttpContext`. Null: let it pass.
   */
  createTcpContext(): TcpContext | null {
    return null;
  }

  /** Those of the request that is over, in `onLog`. None for a TCP connection. */
  get requestHeaders(): HeaderMap {
    this.makeEffective();
    return new HeaderMap(MapType.RequestHeaders);
  }

  /** Those of the response, in `onLog`; none where the caller left before. */
  get responseHeaders(): HeaderMap {
    this.makeEffective();
    return new HeaderMap(MapType.ResponseHeaders);
  }

  /** Those of the response, in `onLog`. */
  get responseTrailers(): HeaderMap {
    this.makeEffective();
    return new HeaderMap(MapType.ResponseTrailers);
  }

  /** Asks for `onTick` every so many milliseconds; 0 ends it. */
  setTickPeriod(periodMs: u32): void {
    this.makeEffective();
    proxy_set_tick_period_milliseconds(periodMs);
  }

  /** Lets the plugin end, after `onDone` was false. */
  done(): void {
    this.makeEffective();
    proxy_done();
  }
}

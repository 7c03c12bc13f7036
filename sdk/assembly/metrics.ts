import * as MetricType from "../abi/metric-type";
import { proxy_define_metric, proxy_get_metric, proxy_increment_metric, proxy_record_metric } from "./env";
import { OUT_LONG, OUT_WORD, THIRD } from "./host-memory";
import { noteMetric, shareMetrics } from "./known-metrics";
import { onConfigured } from "./registry";
import { Status } from "./status";

/**
 * A metric of the whole process: the same name is the same metric in every worker and plugin. It is defined when it is
 * first used, so it can be made anywhere, also in a field's initializer. Envoy's name for it is `wasmcustom.<name>`. What
 * it holds outlives a swap of the module, in a plugin that has `onConfigure` and has made a metric, or `Labelled`, by its end.
 */
export abstract class Metric {
  private handle: u32 = 0;

  /** @param name forgotten when the host has it: it may be long, and metrics many */
  constructor(
    private name: string,
    private type: i32,
  ) {
    onConfigured(shareMetrics);
  }

  /** The host's number for it; 0 (which is no metric's) if the host refuses it. */
  protected get id(): u32 {
    if (!this.handle) {
      const n = THIRD.text(this.name); // the first two hold what goes to shared data
      if (proxy_define_metric(this.type, n.ptr, n.size, OUT_WORD) != Status.Ok) return 0;
      this.handle = load<u32>(OUT_WORD);
      noteMetric(this.type, n.ptr, <u32>n.size);
      this.name = "";
    }
    return this.handle;
  }

  protected read(): u64 {
    return proxy_get_metric(this.id, OUT_LONG) == Status.Ok ? load<u64>(OUT_LONG) : 0;
  }
}

/** Counts what happened. */
@final
export class Counter extends Metric {
  constructor(name: string) {
    super(name, MetricType.Counter);
  }

  increment(by: u32 = 1): void {
    if (by) proxy_increment_metric(this.id, by);
  }

  get value(): u64 {
    return this.read();
  }
}

/** A value that goes up and down. */
@final
export class Gauge extends Metric {
  constructor(name: string) {
    super(name, MetricType.Gauge);
  }

  set(value: u64): void {
    proxy_record_metric(this.id, value);
  }

  /** Negative to go down; never below 0, where Envoy would wrap to 2^64. */
  add(by: i64): void {
    proxy_increment_metric(this.id, by);
  }

  get value(): u64 {
    return this.read();
  }
}

/** A distribution, of durations or sizes. */
@final
export class Histogram extends Metric {
  constructor(name: string) {
    super(name, MetricType.Histogram);
  }

  record(value: u64): void {
    proxy_record_metric(this.id, value);
  }
}

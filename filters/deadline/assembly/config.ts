import { Config } from "@sluice/sdk/assembly";

/** By what a call of the application is tied to the request that caused it. */
export enum Correlate {
  RequestId,
  Traceparent,
  Off,
}

/** The plugin's settings, times in nanoseconds; `config.schema.json` says the same to those who write them. */
export class DeadlineConfig {
  /** For a request that enters the mesh without one; 0: none. */
  readonly default: i64;
  readonly max: i64;
  /** Less left than this counts as passed. */
  readonly minimum: i64;
  /** The relative header. */
  readonly header: string;
  /** The absolute header; empty: none. */
  readonly absoluteHeader: string;
  readonly skew: i64;
  readonly correlate: Correlate;
  readonly tickMs: u32;

  constructor(config: Config) {
    this.default = <i64>config.duration("default").between("1ms", "24h").orNone();
    this.max = <i64>config.duration("max").between("1ms", "24h").or("1h");
    this.minimum = <i64>config.duration("minimum").between("1ms", "1h").or("1ms");
    this.header = config.headerName("header").or("x-request-timeout-ms");
    this.absoluteHeader = config.headerName("absoluteHeader").or("");
    this.skew = <i64>config.duration("skew").between("0ms", "1m").or("0ms");
    const correlate = config.oneOf("correlate", ["x-request-id", "traceparent", "off"]).or("x-request-id");
    this.correlate =
      correlate == "off" ? Correlate.Off : correlate == "traceparent" ? Correlate.Traceparent : Correlate.RequestId;
    this.tickMs = <u32>(config.duration("tick").between("10ms", "1s").or("50ms") / 1_000_000);
    if (this.default > this.max) config.reject("default", "it must not be longer than max");
    if (this.minimum > this.max) config.reject("minimum", "it must not be longer than max");
    if (config.has("skew") && !this.absoluteHeader.length) config.reject("skew", "it needs absoluteHeader");
  }
}

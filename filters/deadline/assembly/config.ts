import { Config, Duration, HeaderName } from "@sluice/sdk/assembly";

/** By what a call of the application is tied to the request that caused it. */
export enum Correlate {
  RequestId,
  Traceparent,
  Off,
}

@config
export class DeadlineConfig {
  /**
   * Time given to a request without a deadline where it enters the mesh: at a gateway, or inbound without mutual TLS; absent:
   * none
   */
  @range("1ms", "24h") readonly default: Duration = 0;
  /** No request may claim more. */
  @range("1ms", "24h") readonly max: Duration = "1h";
  /** Less left than this counts as passed. */
  @range("1ms", "1h") readonly minimum: Duration = "1ms";
  /** Header with the time left in milliseconds, read and written. */
  readonly header: HeaderName = "x-request-timeout-ms";
  /** Header with a moment in milliseconds since 1970, to be honoured where clocks are synchronised; absent: none. */
  readonly absoluteHeader: HeaderName = "";
  /** By how much later than absoluteHeader says a moment has passed for sure. */
  @range("0ms", "1m") readonly skew: Duration = "0ms";
  /** By what a sidecar ties a call of its application to the request that caused it. */
  @oneOf("x-request-id", "traceparent", "off") readonly correlate: Correlate = Correlate.RequestId;
  /** How soon a request that passed its deadline is ended. */
  @range("10ms", "1s") readonly tick: Duration = "50ms";

  check(config: Config): void {
    if (this.minimum > this.max) config.reject("minimum", "it must not be longer than max");
    if (this.default && (this.default < this.minimum || this.default > this.max)) {
      config.reject("default", "it must be from minimum to max");
    }
    this.checkHeader(config, "header", this.header);
    this.checkHeader(config, "absoluteHeader", this.absoluteHeader);
    if (this.header == this.absoluteHeader) config.reject("absoluteHeader", "it must not be header");
    if (config.has("skew") && !this.absoluteHeader.length) config.reject("skew", "it needs absoluteHeader");
  }

  /** A header with a meaning of its own would be lost: what is no time in milliseconds is taken out of the request. */
  private checkHeader(config: Config, field: string, name: string): void {
    if (name == "grpc-timeout" || name == "x-request-id" || name == "traceparent" || name == "host") {
      config.reject(field, "it has another meaning; take a name of your own");
    }
  }
}

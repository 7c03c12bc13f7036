@config
export class TelemetryConfig {
  /** Sets of label values that a worker keeps apart; in those beyond, the peer is `other`. */
  @range(1, 100_000) readonly seriesMax: i32 = 1000;
}

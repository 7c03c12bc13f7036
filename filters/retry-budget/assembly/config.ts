import { Duration, HeaderName } from "@sluice/sdk/assembly";

/** What a budget belongs to. */
export enum Per {
  Destination,
  Route,
  Proxy,
}

@config
export class BudgetConfig {
  /** Length of the sliding window. */
  @range("1s", "10m") readonly window: Duration = "10s";
  /** Retries admitted per 100 calls of the same window. */
  @range(0, 1000) readonly percent: u32 = 20;
  /** Retries always admitted in a window, so that a quiet service can retry at all. */
  @range(0, 1_000_000) readonly minRetries: u32 = 10;
  /** What has a budget of its own. */
  @oneOf("destination", "route", "proxy") readonly per: Per = Per.Destination;
  /** Request header by which the application marks its own retries; they are counted and limited as retries. */
  readonly retryHeader: HeaderName = "";
}

import { Config } from "@sluice/sdk/assembly";

/** What a budget belongs to. */
export enum Per {
  Destination,
  Route,
  Proxy,
}

/** The plugin's settings; `config.schema.json` says the same to those who write them. */
export class BudgetConfig {
  readonly windowNs: u64;
  /** Retries per 100 calls of the same window. */
  readonly percent: u32;
  /** Retries admitted in a window in any case. */
  readonly minRetries: u32;
  readonly per: Per;
  /** Request header by which the application marks its own retries; empty: none. */
  readonly retryHeader: string;

  constructor(config: Config) {
    this.windowNs = config.duration("window").between("1s", "10m").or("10s");
    this.percent = <u32>config.integer("percent").between(0, 1000).or(20);
    this.minRetries = <u32>config.integer("minRetries").between(0, 1_000_000).or(10);
    const per = config.oneOf("per", ["destination", "route", "proxy"]).or("destination");
    this.per = per == "route" ? Per.Route : per == "proxy" ? Per.Proxy : Per.Destination;
    this.retryHeader = config.headerName("retryHeader").or("");
  }
}

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
    this.retryHeader = config.string("retryHeader").or("");
    if (config.has("retryHeader") && !isHeaderName(this.retryHeader)) {
      config.reject("retryHeader", "it is no name of a header; letters, digits and - make one");
    }
  }
}

/** Letters, digits, `-` and `_`: fewer than RFC 9110 allows, but what Envoy and applications take everywhere. */
function isHeaderName(text: string): bool {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const isLetter = (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a;
    if (!isLetter && (code < 0x30 || code > 0x39) && code != 0x2d && code != 0x5f) return false;
  }
  return text.length > 0;
}

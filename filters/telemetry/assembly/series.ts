import { Counter, Histogram, labelled } from "@sluice/sdk/assembly";
import { forgetOutcome, forgetPeer, LABELS } from "./labels";

/** The metrics of one set of label values. */
@final
export class Series {
  readonly requests: Counter;
  readonly durations: Histogram;

  constructor(values: string[]) {
    this.requests = new Counter(labelled("istio_requests_total", LABELS, values));
    this.durations = new Histogram(labelled("istio_request_duration_milliseconds", LABELS, values));
  }
}

/** Sets of values, beyond the limit, of which the outcome is still told. */
const OVERFLOW_MAX = 256;

/**
 * The series of one worker, each looked up in the host once. Callers choose some of the values: past `max` sets the new
 * ones share series in which the peer, and past some more also the outcome, is `other`.
 */
@final
export class AllSeries {
  private known: Map<string, Series> = new Map<string, Series>();
  private overflow: Counter = new Counter("telemetry_overflow_total");

  constructor(private max: i32) {}

  /** @param values in the order of the labels; changed where there are too many sets of them */
  of(values: string[], isInbound: bool): Series {
    let key = values.join("\0");
    if (this.known.has(key)) return this.known.get(key);
    if (this.known.size < this.max) return this.add(key, values);
    this.overflow.increment();
    forgetPeer(values, isInbound);
    key = values.join("\0");
    if (this.known.has(key)) return this.known.get(key);
    if (this.known.size < this.max + OVERFLOW_MAX) return this.add(key, values);
    forgetOutcome(values);
    key = values.join("\0");
    return this.known.has(key) ? this.known.get(key) : this.add(key, values);
  }

  private add(key: string, values: string[]): Series {
    const series = new Series(values);
    this.known.set(key, series);
    return series;
  }
}

import { Counter, Histogram, Properties } from "@sluice/sdk/assembly";
import { Metric, Shape } from "./shapes";

/** The metrics of requests, for one set of label values. */
@final
export class RequestSeries {
  private requests: Counter;
  private durations: Histogram;
  private requestBytes: Histogram;
  private responseBytes: Histogram;

  constructor(shapes: Shape[], values: string[]) {
    this.requests = new Counter(shapes[Metric.Requests].of(values));
    this.durations = new Histogram(shapes[Metric.Durations].of(values));
    this.requestBytes = new Histogram(shapes[Metric.RequestBytes].of(values));
    this.responseBytes = new Histogram(shapes[Metric.ResponseBytes].of(values));
  }

  /** One request that is over. */
  count(properties: Properties): void {
    this.requests.increment();
    const durationNs = properties.i64("request.duration", -1);
    if (durationNs >= 0) this.durations.record(durationNs / 1_000_000);
    this.requestBytes.record(properties.u64("request.total_size"));
    this.responseBytes.record(properties.u64("response.total_size"));
  }
}

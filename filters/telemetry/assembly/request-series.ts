import { Counter, Histogram, Properties } from "@sluice/sdk/assembly";
import { counterOf, Metric, Shape } from "./shapes";

/** The metrics of requests, for one set of label values. */
@final
export class RequestSeries {
  private requests: Counter | null;
  private durations: Histogram | null;
  private requestBytes: Histogram | null;
  private responseBytes: Histogram | null;

  constructor(shapes: (Shape | null)[], values: string[]) {
    this.requests = counterOf(shapes[Metric.Requests], values);
    this.durations = histogramOf(shapes[Metric.Durations], values);
    this.requestBytes = histogramOf(shapes[Metric.RequestBytes], values);
    this.responseBytes = histogramOf(shapes[Metric.ResponseBytes], values);
  }

  /** One request that is over. */
  count(properties: Properties): void {
    if (this.requests != null) this.requests!.increment();
    if (this.durations != null) this.durations!.record(properties.u64("request.duration") / 1_000_000);
    if (this.requestBytes != null) this.requestBytes!.record(properties.u64("request.total_size"));
    if (this.responseBytes != null) this.responseBytes!.record(properties.u64("response.total_size"));
  }
}

function histogramOf(shape: Shape | null, values: string[]): Histogram | null {
  return shape == null ? null : new Histogram(shape.of(values));
}

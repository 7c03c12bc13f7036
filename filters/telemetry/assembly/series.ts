import { Counter, Histogram, Properties } from "@sluice/sdk/assembly";
import { isHistogram, Shape } from "./shapes";

/** Metrics that are kept together, for one set of label values. */
@final
export class Series {
  /** By `Metric`; null for those that are none, or not counted. */
  private counters: (Counter | null)[] = [];
  private histograms: (Histogram | null)[] = [];

  /** @param shapes by `Metric`; null for those that it does not have */
  constructor(shapes: (Shape | null)[], values: string[]) {
    for (let metric = 0; metric < shapes.length; metric++) {
      const shape = shapes[metric];
      this.counters.push(shape == null || isHistogram(metric) ? null : new Counter(shape.of(values)));
      this.histograms.push(shape == null || !isHistogram(metric) ? null : new Histogram(shape.of(values)));
    }
  }

  /**
   * Counts what makes `total` of what is counted of a stream so far.
   *
   * @returns what is counted of it now
   */
  countUpTo(metric: i32, total: u64, counted: u64): u64 {
    const counter = this.counters[metric];
    if (total <= counted) return counted;
    if (counter == null) return total;
    let more = total - counted;
    for (; more > u32.MAX_VALUE; more -= u32.MAX_VALUE) counter.increment(u32.MAX_VALUE); // no increment takes more
    counter.increment(<u32>more);
    return total;
  }

  count(metric: i32): void {
    this.countUpTo(metric, 1, 0);
  }

  /** Records what an attribute says, divided by `unit`. One that is not counted is not read. */
  record(metric: i32, properties: Properties, path: string, unit: u64 = 1): void {
    const histogram = this.histograms[metric];
    if (histogram != null) histogram.record(properties.u64(path) / unit);
  }
}

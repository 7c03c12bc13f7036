import { Counter, joinTexts } from "@sluice/sdk/assembly";
import { Known } from "./known";
import { forgetOutcome, forgetPeer, LABELS } from "./labels";
import { Series } from "./series";
import { Shape } from "./shapes";

/** Sets of values, beyond the limit, of which the outcome is still told. */
const OVERFLOW_MAX = 256;

/**
 * The series of some metrics of one worker, each looked up in the host once. Callers choose some of the values: past `max` sets
 * the new ones share series in which the peer, and past some more also the outcome, is `other`.
 */
@final
export class SeriesTable {
  /** There is nothing to count. */
  isEmpty: bool = true;
  /** Some of their labels have values of expressions. */
  hasExpressions: bool = false;
  private known: Known<Series> = new Known<Series>();
  private overflow: Counter = new Counter("telemetry_overflow_total");
  /** Places of the values that tell series apart. */
  private sources: i32[] = [];
  /** Those values of the request that is counted now: one list for all of them. */
  private own: string[] = [];
  private shapes: (Shape | null)[] = [];

  /** @param first of the metrics that it keeps; `last`: the last one */
  constructor(
    shapes: (Shape | null)[],
    first: i32,
    last: i32,
    private max: i32,
  ) {
    for (let i = 0; i < shapes.length; i++) {
      const shape = i >= first && i <= last ? shapes[i] : null;
      this.shapes.push(shape);
      if (shape == null) continue;
      this.isEmpty = false;
      const sources = shape.sources;
      for (let at = 0; at < sources.length; at++) {
        if (sources[at] >= LABELS.length) this.hasExpressions = true;
        if (!this.sources.includes(sources[at])) this.sources.push(sources[at]);
      }
    }
  }

  /** @param all values of all labels */
  of(all: string[], isInbound: bool): Series {
    let key = this.keyOf(all);
    let series = this.known.get(key);
    if (series != null) return series;
    if (this.known.size < this.max) return this.add(key, all);
    this.overflow.increment();
    const values = all.slice(0);
    forgetPeer(values, isInbound);
    key = this.keyOf(values);
    series = this.known.get(key);
    if (series != null) return series;
    if (this.known.size < this.max + OVERFLOW_MAX) return this.add(key, values);
    forgetOutcome(values);
    key = this.keyOf(values);
    series = this.known.get(key);
    return series == null ? this.add(key, values) : series;
  }

  private keyOf(values: string[]): string {
    const own = this.own;
    own.length = 0;
    for (let i = 0; i < this.sources.length; i++) own.push(values[this.sources[i]]);
    return joinTexts(own, "\0");
  }

  private add(key: string, values: string[]): Series {
    return this.known.add(key, new Series(this.shapes, values));
  }
}

import { Counter, joinTexts } from "@sluice/sdk/assembly";
import { forgetOutcome, forgetPeer } from "./labels";
import { Shape } from "./shapes";

/** Sets of values, beyond the limit, of which the outcome is still told. */
const OVERFLOW_MAX = 256;

/**
 * The metrics of one worker that are kept together, `T` for each set of label values, each looked up in the host once. Callers
 * choose some of the values: past `max` sets the new ones share series in which the peer, and past some more also the outcome,
 * is `other`.
 */
@final
export class SeriesTable<T> {
  /** There is nothing to count. */
  isEmpty: bool = true;
  private known: Map<string, T> = new Map<string, T>();
  private overflow: Counter = new Counter("telemetry_overflow_total");
  /** Places of the values that tell series apart. */
  private sources: i32[] = [];
  /** Those values of the request that is counted now: one list for all of them. */
  private own: string[] = [];

  /** @param first of the metrics that `T` has; `last`: the last one */
  constructor(
    private shapes: (Shape | null)[],
    first: i32,
    last: i32,
    private max: i32,
  ) {
    for (let i = first; i <= last; i++) {
      const shape = shapes[i];
      if (shape == null) continue;
      this.isEmpty = false;
      const sources = shape.sources;
      for (let at = 0; at < sources.length; at++) {
        if (!this.sources.includes(sources[at])) this.sources.push(sources[at]);
      }
    }
  }

  /** @param values of all labels; changed where there are too many sets of them */
  of(values: string[], isInbound: bool): T {
    let key = this.keyOf(values);
    if (this.known.has(key)) return this.known.get(key);
    if (this.known.size < this.max) return this.add(key, values);
    this.overflow.increment();
    forgetPeer(values, isInbound);
    key = this.keyOf(values);
    if (this.known.has(key)) return this.known.get(key);
    if (this.known.size < this.max + OVERFLOW_MAX) return this.add(key, values);
    forgetOutcome(values);
    key = this.keyOf(values);
    return this.known.has(key) ? this.known.get(key) : this.add(key, values);
  }

  private keyOf(values: string[]): string {
    const own = this.own;
    own.length = 0;
    for (let i = 0; i < this.sources.length; i++) own.push(values[this.sources[i]]);
    return joinTexts(own, "\0");
  }

  private add(key: string, values: string[]): T {
    const series = instantiate<T>(this.shapes, values);
    this.known.set(key, series);
    return series;
  }
}

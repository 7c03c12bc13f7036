import { Metric } from "./metrics";

/**
 * A name with labels in Istio's encoding, which Envoy's `stats_tags` take apart again:
 * `reporter=.=source;.;response_code=.=200;.;istio_requests_total`. The separators `;.;` and `=.=` in a value become
 * `_`, so that no value can forge a label.
 */
export function labelled(name: string, labels: string[], values: string[]): string {
  let text = "";
  for (let i = 0; i < labels.length; i++) {
    text += labels[i] + "=.=" + withoutSeparators(values[i]) + ";.;";
  }
  return text + name;
}

/** A `;.` at the end would make a separator with the one that follows. */
function withoutSeparators(value: string): string {
  const text = value.replaceAll(";.;", "_").replaceAll("=.=", "_");
  return text.endsWith(";.") ? text.slice(0, -2) + "_" : text;
}

/**
 * A metric for each set of label values, as `new Labelled<Counter>("calls", ["destination"])`. Each is looked up in the
 * host once and kept: bound the number of values.
 */
@final
export class Labelled<T extends Metric> {
  private metrics: Map<string, T> = new Map<string, T>();

  constructor(
    readonly name: string,
    readonly labels: string[],
  ) {}

  /** The metric for these values, in the order of the labels. */
  with(values: string[]): T {
    const key = values.join("\0");
    if (this.metrics.has(key)) return this.metrics.get(key);
    const metric = instantiate<T>(labelled(this.name, this.labels, values));
    this.metrics.set(key, metric);
    return metric;
  }

  /** Number of sets of values so far. */
  get size(): i32 {
    return this.metrics.size;
  }
}

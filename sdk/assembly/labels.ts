import { shareMetrics } from "./known-metrics";
import { Metric } from "./metrics";
import { onConfigured } from "./registry";

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

function withoutSeparators(value: string): string {
  let text = "";
  let from = 0;
  for (let at = 0; at < value.length; at++) {
    const size = separatorSize(value, at);
    if (!size) continue;
    text += value.substring(from, at) + "_";
    from = at + size;
    at = from - 1;
  }
  return from ? text + value.substring(from) : value;
}

/** Units of the separator that starts here; 0 for none. A `;.` at the end would make one with the `;.;` that follows. */
function separatorSize(value: string, at: i32): i32 {
  const code = value.charCodeAt(at);
  if ((code != 0x3b /* ; */ && code != 0x3d) /* = */ || value.charCodeAt(at + 1) != 0x2e /* . */) return 0;
  if (value.charCodeAt(at + 2) == code) return 3;
  return code == 0x3b && at + 2 == value.length ? 2 : 0;
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
  ) {
    onConfigured(shareMetrics);
  }

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

// Which labels each of Istio's metrics has. Knows no hostcalls.
import { labelled } from "@sluice/sdk/assembly";
import { MetricChange } from "./config";
import { FLAGS, LABELS, OUTCOME, PEERS } from "./labels";

/** Istio's metrics, as places in the list of shapes: those of requests, of gRPC messages, of connections. */
export enum Metric {
  Requests,
  Durations,
  RequestBytes,
  ResponseBytes,
  RequestMessages,
  ResponseMessages,
  TcpSent,
  TcpReceived,
  TcpOpened,
  TcpClosed,
}

const NAMES: string[] = [
  "requests_total",
  "request_duration_milliseconds",
  "request_bytes",
  "response_bytes",
  "request_messages_total",
  "response_messages_total",
  "tcp_sent_bytes_total",
  "tcp_received_bytes_total",
  "tcp_connections_opened_total",
  "tcp_connections_closed_total",
];

/** The labels of one metric, and where in the list of all values each finds its own. */
@final
export class Shape {
  readonly labels: string[] = [];
  readonly sources: i32[] = [];

  constructor(private name: string) {}

  /** The metric's name with these values. */
  of(values: string[]): string {
    const own: string[] = [];
    for (let i = 0; i < this.sources.length; i++) own.push(values[this.sources[i]]);
    return labelled(this.name, this.labels, own);
  }

  /** Gives a label its source. Their order is always the same: in another one they would be another metric of the same name. */
  set(label: string, source: i32): void {
    let at = this.labels.indexOf(label);
    if (at < 0) {
      at = this.labels.push("") - 1;
      this.sources.push(0);
      for (; at > 0 && isBefore(label, this.labels[at - 1]); at--) {
        this.labels[at] = this.labels[at - 1];
        this.sources[at] = this.sources[at - 1];
      }
      this.labels[at] = label;
    }
    this.sources[at] = source;
  }

  remove(label: string): void {
    const at = this.labels.indexOf(label);
    if (at < 0) return;
    this.labels.splice(at, 1);
    this.sources.splice(at, 1);
  }
}

/** Istio's labels stand in its order, then the others by name. */
function isBefore(a: string, b: string): bool {
  const placeA = LABELS.indexOf(a);
  const placeB = LABELS.indexOf(b);
  if (placeA < 0 && placeB < 0) return a < b;
  return placeB < 0 || (placeA >= 0 && placeA < placeB);
}

/** The shapes of some of Istio's metrics, as a configuration changes them. */
@final
export class Shapes {
  /** By `Metric`; null for those that are not counted. */
  readonly shapes: (Shape | null)[] = [];
  /** CEL whose results follow the values of Istio's labels. */
  readonly expressions: string[] = [];
  /** Labels that are left out, since the proxy's bootstrap has no tag for them. */
  readonly unknown: string[] = [];

  /**
   * @param first of the metrics that the plugin counts; `last`: the last one
   * @param known labels beside Istio's that this proxy's bootstrap has a tag for
   */
  constructor(
    changes: MetricChange[],
    first: i32,
    last: i32,
    private known: string[],
  ) {
    for (let metric = 0; metric < NAMES.length; metric++) {
      const isCounted = metric >= first && metric <= last && !isDropped(metric, changes);
      this.shapes.push(isCounted ? istioShape(metric) : null);
    }
    for (let i = 0; i < changes.length; i++) {
      for (let metric = first; metric <= last; metric++) {
        if (isOf(changes[i], metric)) this.change(metric, changes[i]);
      }
    }
  }

  private change(metric: i32, change: MetricChange): void {
    const shape = this.shapes[metric];
    if (shape == null) return;
    for (let i = 0; i < change.tags_to_remove.length; i++) shape.remove(change.tags_to_remove[i]);
    const labels = change.dimensions.keys();
    for (let i = 0; i < labels.length; i++) {
      const label = labels[i];
      const place = LABELS.indexOf(label);
      if (place >= 0 ? has(metric, place) : this.known.includes(label)) {
        shape.set(label, LABELS.length + this.place(change.dimensions.get(label)));
      } else if (place < 0 && !this.unknown.includes(label)) {
        this.unknown.push(label);
      }
    }
  }

  private place(expression: string): i32 {
    const at = this.expressions.indexOf(expression);
    return at < 0 ? this.expressions.push(expression) - 1 : at;
  }
}

function isOf(change: MetricChange, metric: i32): bool {
  return !change.name.length || change.name == NAMES[metric];
}

function isDropped(metric: i32, changes: MetricChange[]): bool {
  for (let i = 0; i < changes.length; i++) if (changes[i].drop && isOf(changes[i], metric)) return true;
  return false;
}

function istioShape(metric: i32): Shape {
  const shape = new Shape("istio_" + NAMES[metric]);
  for (let i = 0; i < LABELS.length; i++) if (has(metric, i)) shape.set(LABELS[i], i);
  return shape;
}

/** Messages are counted before anybody knows how it ends; a connection has no status. */
function has(metric: i32, label: i32): bool {
  if (label < PEERS || metric < Metric.RequestMessages) return true;
  return metric >= Metric.TcpSent && (label < OUTCOME || label >= FLAGS);
}

export function isHistogram(metric: i32): bool {
  return metric >= Metric.Durations && metric <= Metric.ResponseBytes;
}

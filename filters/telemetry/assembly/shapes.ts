// Which labels each of Istio's metrics has. Knows no hostcalls.
import { labelled } from "@sluice/sdk/assembly";
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

  add(label: string, source: i32): void {
    this.labels.push(label);
    this.sources.push(source);
  }

  /** The metric's name with these values. */
  of(values: string[]): string {
    const own: string[] = [];
    for (let i = 0; i < this.sources.length; i++) own.push(values[this.sources[i]]);
    return labelled(this.name, this.labels, own);
  }
}

/** All shapes, by `Metric`. */
export function istioShapes(): Shape[] {
  const shapes: Shape[] = [];
  for (let metric = 0; metric < NAMES.length; metric++) {
    const shape = new Shape("istio_" + NAMES[metric]);
    for (let i = 0; i < LABELS.length; i++) if (has(metric, i)) shape.add(LABELS[i], i);
    shapes.push(shape);
  }
  return shapes;
}

/** Messages are counted before anybody knows how it ends; a connection has no status. */
function has(metric: i32, label: i32): bool {
  if (label < PEERS || metric < Metric.RequestMessages) return true;
  return metric >= Metric.TcpSent && (label < OUTCOME || label >= FLAGS);
}

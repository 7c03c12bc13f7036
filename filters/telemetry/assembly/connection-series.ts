import { Counter } from "@sluice/sdk/assembly";
import { counterOf, Metric, Shape } from "./shapes";

/** The metrics of TCP connections, for one set of label values. */
@final
export class ConnectionSeries {
  private opened: Counter | null;
  private closed: Counter | null;
  private sent: Counter | null;
  private received: Counter | null;

  constructor(shapes: (Shape | null)[], values: string[]) {
    this.opened = counterOf(shapes[Metric.TcpOpened], values);
    this.closed = counterOf(shapes[Metric.TcpClosed], values);
    this.sent = counterOf(shapes[Metric.TcpSent], values);
    this.received = counterOf(shapes[Metric.TcpReceived], values);
  }

  countOpened(): void {
    add(this.opened, 1);
  }

  countClosed(): void {
    add(this.closed, 1);
  }

  /** Bytes since the last time. */
  countBytes(sent: u64, received: u64): void {
    add(this.sent, sent);
    add(this.received, received);
  }
}

/** A fast connection moves more between two reports than one increment takes. */
function add(counter: Counter | null, by: u64): void {
  if (counter == null) return;
  for (; by > u32.MAX_VALUE; by -= u32.MAX_VALUE) counter.increment(u32.MAX_VALUE);
  counter.increment(<u32>by);
}

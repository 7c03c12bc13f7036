import { Plugin } from "@sluice/sdk/assembly";

/** What is counted while it is open: a gRPC call, or a connection. */
export abstract class OpenStream {
  next: OpenStream | null = null;
  previous: OpenStream | null = null;

  /** @param more what expressions say of it at its start: later, in a callback of the plugin, they do not see it */
  constructor(protected more: string[]) {}

  /** Counts what has come since the last time, in a callback of the plugin. */
  abstract report(): void;
}

/** Those of a worker. It ticks while there are any. */
@final
export class OpenStreams {
  private first: OpenStream | null = null;
  private isTicking: bool = false;

  /** @param intervalMs from one report to the next */
  constructor(
    private plugin: Plugin,
    private intervalMs: u32,
  ) {}

  add(stream: OpenStream): void {
    const first = this.first;
    stream.next = first;
    if (first != null) first.previous = stream;
    this.first = stream;
    if (this.isTicking) return;
    this.plugin.setTickPeriod(this.intervalMs);
    this.isTicking = true;
  }

  remove(stream: OpenStream): void {
    const next = stream.next;
    const previous = stream.previous;
    if (next != null) next.previous = previous;
    if (previous == null) this.first = next;
    else previous.next = next;
  }

  report(): void {
    let one = this.first;
    while (one) {
      one.report();
      one = one.next;
    }
    if (this.first != null) return;
    this.plugin.setTickPeriod(0);
    this.isTicking = false;
  }
}

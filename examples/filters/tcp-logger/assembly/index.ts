// Logs a line for each TCP connection, and counts its bytes. See ../README.md.
import { Counter, clock, Histogram, log, Plugin, registerPlugin, TcpAction, TcpContext } from "@sluice/sdk/assembly";

class TcpLogger extends Plugin {
  readonly received: Counter = new Counter("tcp_logger_received_bytes_total");
  readonly sent: Counter = new Counter("tcp_logger_sent_bytes_total");
  readonly duration: Histogram = new Histogram("tcp_logger_connection_milliseconds");

  createTcpContext(): TcpContext {
    return new LoggedConnection(this);
  }
}

class LoggedConnection extends TcpContext {
  private startedNs: u64 = clock.monotonicNs();
  private received: u64 = 0;
  private sent: u64 = 0;

  constructor(private plugin: TcpLogger) {
    super();
  }

  /** Counted at once, not at the end: a connection may stay for days. */
  onDownstreamData(size: u32, endOfStream: bool): TcpAction {
    this.received += size;
    this.plugin.received.increment(size);
    return TcpAction.Continue;
  }

  onUpstreamData(size: u32, endOfStream: bool): TcpAction {
    this.sent += size;
    this.plugin.sent.increment(size);
    return TcpAction.Continue;
  }

  onLog(): void {
    const durationMs = (clock.monotonicNs() - this.startedNs) / 1_000_000;
    this.plugin.duration.record(durationMs);
    log.info(
      [
        "source=" + this.address("source.address"),
        "upstream=" + this.address("upstream.address"),
        "received=" + this.received.toString(),
        "sent=" + this.sent.toString(),
        "ms=" + durationMs.toString(),
      ].join(" "),
    );
  }

  private address(path: string): string {
    const address = this.properties.string(path);
    return address == null ? "-" : address;
  }
}

registerPlugin(() => new TcpLogger());

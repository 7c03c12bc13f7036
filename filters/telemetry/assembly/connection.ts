import { Plugin, Properties, TcpContext } from "@sluice/sdk/assembly";
import { ConnectionSeries } from "./connection-series";
import { describeConnection, describeMore } from "./describe";
import { isInbound } from "./exchange";
import { Proxy } from "./proxy";

/** How often open connections are counted, as Istio does it. */
const REPORT_MS = 5000;

/** One TCP connection. Its bytes are read off Envoy's own counters, so that none of its data comes by here. */
@final
export class Connection extends TcpContext {
  next: Connection | null = null;
  previous: Connection | null = null;
  private series: ConnectionSeries | null = null;
  /** Bytes that are counted. */
  private sent: u64 = 0;
  private received: u64 = 0;

  constructor(
    private proxy: Proxy,
    private open: OpenConnections,
  ) {
    super();
    open.add(this);
  }

  /** Counts what has come since the last time, once it is known where the connection leads. */
  report(): void {
    const properties = this.properties;
    if (this.series == null && !properties.bytes("upstream.address")) return;
    this.count(properties, 0);
  }

  /** The end: a connection that has failed is counted with its flags from here on. */
  onLog(): void {
    this.open.remove(this);
    const properties = this.properties;
    const flags = properties.u64("response.flags");
    this.count(properties, flags).countClosed();
  }

  private count(properties: Properties, flags: u64): ConnectionSeries {
    const isNew = this.series == null;
    if (isNew || flags) this.series = this.seriesOf(properties, flags);
    const series = this.series!;
    if (isNew) series.countOpened();
    const sent = max(properties.u64("response.total_size"), this.sent);
    const received = max(properties.u64("request.total_size"), this.received);
    series.countBytes(sent - this.sent, received - this.received);
    this.sent = sent;
    this.received = received;
    return series;
  }

  private seriesOf(properties: Properties, flags: u64): ConnectionSeries {
    const inbound = isInbound(this.proxy.node, properties);
    const values = this.proxy.values;
    values.length = 0;
    describeConnection(values, this.proxy, properties, inbound, flags);
    describeMore(values, this.proxy.dimensions);
    return this.proxy.connections.of(values, inbound);
  }
}

/** The open connections of a worker. It ticks while there are any. */
@final
export class OpenConnections {
  private first: Connection | null = null;
  private isTicking: bool = false;

  constructor(private plugin: Plugin) {}

  add(connection: Connection): void {
    const first = this.first;
    connection.next = first;
    if (first != null) first.previous = connection;
    this.first = connection;
    if (this.isTicking) return;
    this.plugin.setTickPeriod(REPORT_MS);
    this.isTicking = true;
  }

  remove(connection: Connection): void {
    const next = connection.next;
    const previous = connection.previous;
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

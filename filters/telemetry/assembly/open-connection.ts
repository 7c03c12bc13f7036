import { Properties, TcpContext } from "@sluice/sdk/assembly";
import { append, describeMore, describeOutcome, describePeers, leadsSomewhere, moreOf } from "./describe";
import { isInbound } from "./exchange";
import { OpenStream } from "./open-streams";
import { Proxy } from "./proxy";
import { Series } from "./series";
import { Metric } from "./shapes";

/** What a connection counts for. Its bytes are read off Envoy's own counters, so that none of its data comes by here. */
@final
export class OpenConnection extends OpenStream {
  private series: Series | null = null;
  /** Bytes that are counted. */
  private sent: u64 = 0;
  private received: u64 = 0;

  constructor(
    private context: TcpContext,
    private proxy: Proxy,
  ) {
    super(moreOf(proxy.connections, proxy.dimensions));
  }

  /** Once it is known where the connection leads. */
  report(): void {
    const properties = this.context.properties;
    if (this.series != null || leadsSomewhere(properties)) this.count(properties, 0, false);
  }

  /** The end: a connection that has failed is counted with its flags from here on. */
  end(): void {
    const properties = this.context.properties;
    const series = this.count(properties, properties.u64("response.flags"), true);
    series.count(Metric.TcpClosed);
  }

  private count(properties: Properties, flags: u64, isOver: bool): Series {
    const isNew = this.series == null;
    if (isNew || flags) this.series = this.seriesOf(properties, flags, isOver);
    const series = this.series!;
    if (isNew) series.count(Metric.TcpOpened);
    this.sent = series.countUpTo(Metric.TcpSent, properties.u64("response.total_size"), this.sent);
    this.received = series.countUpTo(Metric.TcpReceived, properties.u64("request.total_size"), this.received);
    return series;
  }

  private seriesOf(properties: Properties, flags: u64, isOver: bool): Series {
    const proxy = this.proxy;
    const inbound = isInbound(proxy.node, properties);
    // Stock Envoy hands over no metadata with a connection, so that a server knows its caller by the certificate only.
    const security = describePeers(proxy, properties, inbound, null);
    describeOutcome(proxy.values, "tcp", "0", "", flags, security);
    if (isOver && this.series == null) describeMore(proxy.values, proxy.dimensions);
    else append(proxy.values, this.more);
    return proxy.connections.of(proxy.values, inbound);
  }
}

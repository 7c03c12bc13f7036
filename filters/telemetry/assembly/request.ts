import { HeadersAction, HttpContext } from "@sluice/sdk/assembly";
import { describeInbound, describeMore, describeOutbound, describeOutcome } from "./describe";
import { heard, isInbound, strip, tell } from "./exchange";
import { PROTOCOL } from "./labels";
import { Proxy } from "./proxy";

enum Direction {
  NotRead,
  Inbound,
  Outbound,
}

/** The downstream half: one request, which is counted when it is over. */
export class Request extends HttpContext {
  private direction: Direction = Direction.NotRead;
  /** What the peer said of itself: inbound the caller, outbound who answered. */
  private peer: string | null = null;

  constructor(private proxy: Proxy) {
    super();
  }

  onRequestHeaders(endOfStream: bool): HeadersAction {
    if (this.isInbound) this.peer = heard(this.requestHeaders);
    return HeadersAction.Continue;
  }

  onResponseHeaders(endOfStream: bool): HeadersAction {
    const headers = this.responseHeaders;
    if (!this.isInbound) this.peer = heard(headers);
    else if (this.peer != null) {
      tell(headers, this.proxy.node);
      return HeadersAction.Continue;
    }
    strip(headers);
    return HeadersAction.Continue;
  }

  onLog(): void {
    this.countRequest();
    const accessLog = this.proxy.accessLog;
    if (accessLog != null) accessLog.write(this.filterState);
  }

  private countRequest(): void {
    const proxy = this.proxy;
    if (proxy.requests.isEmpty && proxy.messages.isEmpty) return;
    const isInbound = this.isInbound;
    const values = proxy.values;
    values.length = 0;
    const security = isInbound
      ? describeInbound(values, proxy, this.properties, this.peer)
      : describeOutbound(values, proxy, this.properties, this.peer, this);
    describeOutcome(values, this, security);
    describeMore(values, proxy.dimensions);
    if (!proxy.requests.isEmpty) proxy.requests.of(values, isInbound).count(this.properties);
    if (values[PROTOCOL] != "grpc" || proxy.messages.isEmpty) return;
    proxy.messages.of(values, isInbound).count(this.properties);
  }

  /** Read when it is needed: where a filter before us answered, the log is all that we see. */
  private get isInbound(): bool {
    if (this.direction == Direction.NotRead) {
      this.direction = isInbound(this.proxy.node, this.properties) ? Direction.Inbound : Direction.Outbound;
    }
    return this.direction == Direction.Inbound;
  }
}

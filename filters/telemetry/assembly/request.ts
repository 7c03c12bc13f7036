import { HeaderMap, HeadersAction, HttpContext } from "@sluice/sdk/assembly";
import { describeInbound, describeOutbound } from "./describe";
import { Proxy } from "./proxy";
import { Workload } from "./workload";

const ID = "x-envoy-peer-metadata-id";
const METADATA = "x-envoy-peer-metadata";

const INBOUND: i64 = 1; // xds.listener_direction

/** One request: tells the peer who we are, learns who it is, and counts the request when it is over. */
export class Request extends HttpContext {
  private direction: i64 = 0;
  private peer: Workload | null = null;
  /** Inbound: the caller has told us who it is, so that we tell it who we are. Outbound: the request stays in the mesh. */
  private isExchange: bool = false;

  constructor(private proxy: Proxy) {
    super();
  }

  onRequestHeaders(endOfStream: bool): HeadersAction {
    if (this.isInbound) {
      const metadata = take(this.requestHeaders);
      this.isExchange = metadata != null;
      if (metadata != null) this.peer = this.proxy.peers.ofHeader(metadata);
    } else {
      const cluster = this.proxy.clusters.of(this.properties);
      this.isExchange = cluster != null && !cluster.isExternal;
      this.tell(this.requestHeaders);
    }
    return HeadersAction.Continue;
  }

  onResponseHeaders(endOfStream: bool): HeadersAction {
    if (this.isInbound) {
      this.tell(this.responseHeaders);
    } else {
      const metadata = take(this.responseHeaders);
      if (metadata != null && this.isExchange) this.peer = this.proxy.peers.ofHeader(metadata);
    }
    return HeadersAction.Continue;
  }

  onLog(): void {
    const isInbound = this.isInbound;
    const values = this.proxy.values;
    values.length = 0;
    if (isInbound) describeInbound(values, this.proxy, this, this.peer);
    else describeOutbound(values, this.proxy, this, this.peer);
    const series = this.proxy.series.of(values, isInbound);
    series.requests.increment();
    const durationNs = this.properties.i64("request.duration", -1);
    if (durationNs >= 0) series.durations.record(durationNs / 1_000_000);
  }

  /** Read when it is needed: where a filter before us answered, the log is all that we see. */
  private get isInbound(): bool {
    if (this.proxy.node.isGateway) return false;
    if (!this.direction) this.direction = this.properties.i64("xds.listener_direction");
    return this.direction == INBOUND;
  }

  /** Puts our metadata, or nothing, in the place of what stands there. */
  private tell(headers: HeaderMap): void {
    if (this.isExchange) {
      headers.setBytes(ID, this.proxy.node.id);
      headers.setBytes(METADATA, this.proxy.node.metadata);
    } else {
      headers.remove(ID);
      headers.remove(METADATA);
    }
  }
}

/** Takes away what the peer says of itself, and returns it; null if it says nothing. */
function take(headers: HeaderMap): string | null {
  const metadata = headers.get(METADATA);
  if (metadata != null) headers.remove(METADATA);
  headers.remove(ID);
  return metadata;
}

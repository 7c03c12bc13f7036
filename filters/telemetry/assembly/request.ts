import { HeadersAction, HttpContext } from "@sluice/sdk/assembly";
import {
  append,
  describeMore,
  describeOutcome,
  describePeers,
  grpcStatus,
  isGrpcType,
  leadsSomewhere,
  moreOf,
} from "./describe";
import { heard, isInbound, strip, take, tell } from "./exchange";
import { OpenCall } from "./open-call";
import { Proxy } from "./proxy";
import { Series } from "./series";
import { Metric } from "./shapes";

/** To a question that is asked once. */
enum Answer {
  NotRead,
  No,
  Yes,
}

/** The downstream half: one request, which is counted when it is over; messages of gRPC also while it is open. */
export class Request extends HttpContext {
  private inbound: Answer = Answer.NotRead;
  private grpc: Answer = Answer.NotRead;
  /** What the peer said of itself: inbound the caller, outbound who answered. */
  private peer: string | null = null;
  private hasResponded: bool = false;
  private call: OpenCall | null = null;

  constructor(private proxy: Proxy) {
    super();
  }

  onRequestHeaders(endOfStream: bool): HeadersAction {
    if (this.isInbound) this.peer = heard(this.requestHeaders);
    const proxy = this.proxy;
    if (proxy.messages.isEmpty || !this.isGrpc) return HeadersAction.Continue;
    const call = new OpenCall(this, moreOf(proxy.messages, proxy.dimensions));
    this.call = call;
    proxy.open.add(call);
    return HeadersAction.Continue;
  }

  onResponseHeaders(endOfStream: bool): HeadersAction {
    this.hasResponded = true;
    const headers = this.responseHeaders;
    if (!this.isInbound) this.peer = take(headers);
    else if (this.peer != null) tell(headers, this.proxy.node);
    else strip(headers);
    return HeadersAction.Continue;
  }

  onLog(): void {
    this.countRequest();
    this.proxy.log(this.filterState);
  }

  /**
   * Where messages are counted while the request is open; null as long as that is not known: outbound before there is an answer,
   * and where the request leads to no service, since the host that it asks for can be read at its end again.
   */
  openSeries(more: string[]): Series | null {
    const proxy = this.proxy;
    const isInbound = this.isInbound;
    if (!isInbound && !this.hasResponded) return null;
    const properties = this.properties;
    if (!leadsSomewhere(properties)) return null;
    const cluster = proxy.clusters.of(properties);
    if (!isInbound && (cluster == null || cluster.service == null)) return null;
    describePeers(proxy, properties, isInbound, this.peer);
    describeOutcome(proxy.values, "grpc", "", "", 0, "");
    append(proxy.values, more);
    return proxy.messages.of(proxy.values, isInbound);
  }

  private countRequest(): void {
    const proxy = this.proxy;
    if (proxy.requests.isEmpty && proxy.messages.isEmpty) return;
    const isInbound = this.isInbound;
    const isGrpc = this.isGrpc;
    const properties = this.properties;
    const values = proxy.values;
    const security = describePeers(proxy, properties, isInbound, this.peer);
    const code = properties.i64("response.code").toString();
    const status = isGrpc ? grpcStatus(properties) : "";
    describeOutcome(values, isGrpc ? "grpc" : "http", code, status, properties.u64("response.flags"), security);
    describeMore(values, proxy.dimensions);
    if (!proxy.requests.isEmpty) {
      const series = proxy.requests.of(values, isInbound);
      series.count(Metric.Requests);
      series.record(Metric.Durations, properties, "request.duration", 1_000_000);
      series.record(Metric.RequestBytes, properties, "request.total_size");
      series.record(Metric.ResponseBytes, properties, "response.total_size");
    }
    const call = this.call;
    if (call == null) return;
    proxy.open.remove(call);
    if (call.series == null) call.series = proxy.messages.of(values, isInbound);
    call.count(properties);
  }

  /** Read when it is needed: where a filter before us answered, the log is all that we see. */
  private get isInbound(): bool {
    if (this.inbound == Answer.NotRead) {
      this.inbound = isInbound(this.proxy.node, this.properties) ? Answer.Yes : Answer.No;
    }
    return this.inbound == Answer.Yes;
  }

  private get isGrpc(): bool {
    if (this.grpc == Answer.NotRead) {
      this.grpc = isGrpcType(this.requestHeaders.get("content-type")) ? Answer.Yes : Answer.No;
    }
    return this.grpc == Answer.Yes;
  }
}

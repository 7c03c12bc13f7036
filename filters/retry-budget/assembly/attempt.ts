import { HeadersAction, HttpContext } from "@sluice/sdk/assembly";
import { Budget, Budgets } from "./budgets";
import { BudgetConfig, Per } from "./config";
import { DENIED, isReservation, MARK, REFUSED, readDecision, reservationIn, USED, writeDecision } from "./decision";
import { isRetriable, toNumber } from "./retry-on";

const INBOUND: i64 = 1; // xds.listener_direction

/** On a response: why there is no retry. On a request: its retry was admitted by a budget of this version. */
const HEADER = "x-retry-budget";
const STAMP = "v1";

/** The number of the attempt, which the router of the calling proxy writes. */
const ATTEMPT_COUNT = "x-envoy-attempt-count";

/** The upstream half: one attempt. It decides at a failed response whether there will be another one. */
export class Attempt extends HttpContext {
  private number: i64 = 1;
  private isInbound: bool = false;
  private found: Budget | null = null;

  constructor(
    private config: BudgetConfig,
    private budgets: Budgets,
  ) {
    super();
  }

  onRequestHeaders(endOfStream: bool): HeadersAction {
    this.isInbound = this.properties.i64("xds.listener_direction") == INBOUND;
    this.number = this.properties.i64("upstream.request_attempt_count", 1);
    return this.number > 1 ? this.startRetry() : this.startFirst();
  }

  onResponseHeaders(endOfStream: bool): HeadersAction {
    const headers = this.responseHeaders;
    const status = toNumber(headers.get(":status"));
    const grpcStatus = toNumber(headers.get("grpc-status"));
    if (status < 400 && grpcStatus <= 0) return HeadersAction.Continue;
    if (!this.wouldRetry(status, grpcStatus)) return HeadersAction.Continue;
    const budget = this.budget();
    if (budget.tryAdmit()) {
      writeDecision(this.filterState, reservationIn(budget));
    } else {
      headers.set(MARK, "true");
      headers.set(HEADER, "exhausted");
      writeDecision(this.filterState, DENIED);
    }
    return HeadersAction.Continue;
  }

  /** The request's first attempt: a call, unless somebody before us says that it is a retry. */
  private startFirst(): HeadersAction {
    const headers = this.requestHeaders;
    let isRetry = this.config.retryHeader.length > 0 && headers.has(this.config.retryHeader);
    const stamp = this.take(HEADER); // outbound it is not ours, and must not pass for ours at the server
    if (this.isInbound) {
      const count = this.take(ATTEMPT_COUNT);
      if (stamp == STAMP) return HeadersAction.Continue; // a retry, which the caller's budget has admitted
      isRetry = isRetry || toNumber(count) > 1;
    }
    const budget = this.budget();
    if (!isRetry) {
      budget.countCall();
      return HeadersAction.Continue;
    }
    if (!budget.tryAdmit()) return this.refuse();
    budget.retries.increment();
    if (!this.isInbound) headers.set(HEADER, STAMP);
    return HeadersAction.Continue;
  }

  /** A request header's value, which goes no further; null where it is not there. */
  private take(name: string): string | null {
    const value = this.requestHeaders.get(name);
    if (value != null) this.requestHeaders.remove(name);
    return value;
  }

  /** A later attempt, which uses what was reserved at the last response. After a reset there was none. */
  private startRetry(): HeadersAction {
    const budget = this.budget();
    if (!isReservation(readDecision(this.filterState)) && !budget.tryAdmit()) return this.refuse();
    writeDecision(this.filterState, USED);
    budget.retries.increment();
    if (!this.isInbound) this.requestHeaders.set(HEADER, STAMP);
    return HeadersAction.Continue;
  }

  /** Answers in the upstream's place. Our router doesn't try again; inbound the mark stays, at which the caller's stops, too. */
  private refuse(): HeadersAction {
    writeDecision(this.filterState, this.isInbound ? REFUSED : DENIED);
    const headers = [[HEADER, "exhausted"]];
    if (this.isInbound) headers.push([MARK, "true"]);
    this.sendLocalReply({
      status: 503,
      headers,
      body: "retry budget exhausted",
      grpcStatus: 14,
      details: "retry_budget_exhausted",
    });
    return HeadersAction.StopIteration;
  }

  /** Whether the route has an attempt left and a condition that this response meets. */
  private wouldRetry(status: i64, grpcStatus: i64): bool {
    const attempts = this.properties.f64("xds.route_metadata.filter_metadata['dev.sluice'].attempts", Infinity);
    if (<f64>this.number > attempts) return false;
    const retryOn = this.properties.string("xds.route_metadata.filter_metadata['dev.sluice'].retryOn");
    return isRetriable(retryOn, status, grpcStatus) && !this.responseHeaders.has(MARK);
  }

  private budget(): Budget {
    const found = this.found;
    if (found != null) return found;
    const budget = this.budgets.of(this.scope());
    this.found = budget;
    return budget;
  }

  private scope(): string {
    const properties = this.properties;
    if (this.config.per == Per.Proxy) return this.isInbound ? "inbound" : "outbound";
    if (this.config.per == Per.Destination) return textOf(properties.string("xds.cluster_name"));
    return textOf(properties.string("xds.virtual_host_name")) + "/" + textOf(properties.string("xds.route_name"));
  }
}

function textOf(text: string | null): string {
  return text == null ? "" : text;
}

import { clock, HeadersAction, HttpContext } from "@sluice/sdk/assembly";
import { CorrelationId } from "./correlation";
import { Claim } from "./headers";
import { DeadlinePlugin } from "./plugin";
import { replyExceeded } from "./reply";
import { Deadline, EXCEEDED, LAST, readOutcome, writeOutcome } from "./state";
import { formatMillis, MILLISECOND, NONE } from "./wire";

const INBOUND: i64 = 1; // xds.listener_direction

/** `UT` among the response flags: the router's timeout has ended the request. */
const UPSTREAM_TIMEOUT: u64 = 4;

/** Details of the reply where that was the timeout of the whole request, not of its last attempt. */
const WHOLE_TIMEOUT = "response_timeout";

/** The downstream half: a request from its arrival to its end. */
export class Request extends HttpContext {
  /** By the monotonic clock; 0: none. */
  deadline: i64 = 0;
  /** Places in the list of open requests. */
  isOpen: bool = false;
  previous: Request | null = null;
  following: Request | null = null;
  private isInbound: bool = false;
  private isResponding: bool = false;
  /** Whether the router's timeout is the deadline. */
  private limitsRouter: bool = false;
  /** Inbound: under which the deadline is known to the calls that the application makes. */
  private correlation: CorrelationId | null = null;

  constructor(private plugin: DeadlinePlugin) {
    super();
  }

  onRequestHeaders(endOfStream: bool): HeadersAction {
    const plugin = this.plugin;
    const claim = new Claim(this.requestHeaders, plugin.config, plugin.malformed);
    this.isInbound = this.properties.i64("xds.listener_direction") == INBOUND;
    this.correlation = plugin.isGateway ? null : CorrelationId.of(this.requestHeaders, plugin.config.correlate);
    const caused = this.deadlineOfCause();
    let left = claim.left == NONE && !caused ? this.defaultLeft() : claim.left;
    if (left == NONE && !caused) {
      this.register(0);
      return HeadersAction.Continue;
    }
    const now = <i64>clock.monotonicNs();
    if (caused) left = min(left, max<i64>(caused - now, 0));
    left = min(left, plugin.config.max);
    this.deadline = now + left;
    const minimum = this.minimum();
    if (left < minimum) {
      plugin.exceededOnArrival.increment();
      replyExceeded(this);
      return HeadersAction.StopIteration;
    }
    this.register(this.deadline);
    if (!this.isInbound) this.limitRouter(left);
    new Deadline(this.deadline, minimum, claim.forms).write(this.filterState);
    plugin.watch(this);
    return HeadersAction.Continue;
  }

  onResponseHeaders(endOfStream: bool): HeadersAction {
    this.isResponding = true;
    if (!this.isOpen) return HeadersAction.Continue;
    const headers = this.responseHeaders;
    if (this.properties.u64("response.flags") & UPSTREAM_TIMEOUT) {
      if (headers.get("grpc-status") == "14") headers.set("grpc-status", "4");
      if (!this.limitsRouter || this.properties.string("response.code_details") != WHOLE_TIMEOUT) {
        return HeadersAction.Continue;
      }
      headers.set("x-deadline", EXCEEDED);
      this.plugin.open.remove(this); // a tick would count it again where its caller does not read
      this.plugin.exceededWhileOpen.increment();
      writeOutcome(this.filterState, EXCEEDED);
    } else if (readOutcome(this.filterState) == LAST) {
      headers.remove("x-envoy-ratelimited");
    }
    return HeadersAction.Continue;
  }

  onLog(): void {
    this.plugin.open.remove(this);
    const correlation = this.correlation;
    // What the application still does after its answer is its own affair. After its deadline it is nobody's, and after a
    // reset neither: the caller's proxy, which has the deadline, too, may be ahead of this one by a moment.
    if (!this.isInbound || correlation == null || !this.deadline || !this.isResponding) return;
    if (<i64>clock.monotonicNs() < this.deadline && correlation.deadline() == this.deadline) correlation.setDeadline(0);
  }

  /** Ends the request, whose deadline has passed: called from a tick. */
  end(): void {
    this.plugin.open.remove(this);
    this.plugin.exceededWhileOpen.increment();
    if (!this.isResponding) return replyExceeded(this);
    writeOutcome(this.filterState, EXCEEDED);
    this.reset();
  }

  /** Outbound: the deadline of the request that caused this one; 0: none is known. */
  private deadlineOfCause(): i64 {
    const correlation = this.correlation;
    return this.isInbound || correlation == null ? 0 : correlation.deadline();
  }

  /**
   * What a request without a deadline is given where it enters the mesh: at a gateway its route's own or else the default, to
   * somebody who showed no certificate the default; NONE: nothing.
   */
  private defaultLeft(): i64 {
    const given = this.plugin.config.default;
    if (this.plugin.isGateway) {
      const routeMs = this.ofRoute("defaultMs", -1);
      if (routeMs >= 0) return routeMs >= 1 ? <i64>routeMs * MILLISECOND : NONE;
    } else if (!given || !this.isInbound || this.properties.bool("connection.mtls")) {
      return NONE;
    }
    return given ? given : NONE;
  }

  /** Inbound: the newest request that the application sees has its place in the ring, with its deadline or without one. */
  private register(deadline: i64): void {
    const correlation = this.correlation;
    if (!this.isInbound || correlation == null) return;
    if (deadline || correlation.deadline()) correlation.setDeadline(deadline);
  }

  /** Less left than this counts as passed: the route's own, which the controller checks, else the configured one. */
  private minimum(): i64 {
    const routeMs = this.ofRoute("minimumMs");
    return routeMs >= 1 ? <i64>routeMs * MILLISECOND : this.plugin.config.minimum;
  }

  /** The router's timeout becomes the time left where that is less; it could also raise it. */
  private limitRouter(left: i64): void {
    const routeMs = this.ofRoute("timeoutMs");
    if (routeMs > 0 && routeMs <= <f64>(left / MILLISECOND)) return;
    this.limitsRouter = true;
    this.requestHeaders.set("x-envoy-upstream-rq-timeout-ms", formatMillis(left));
  }

  /** What the controller tells of the route. */
  private ofRoute(field: string, missing: f64 = 0): f64 {
    return this.properties.f64("xds.route_metadata.filter_metadata['dev.sluice']." + field, missing);
  }
}

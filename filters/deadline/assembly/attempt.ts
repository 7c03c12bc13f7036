import { clock, HeaderMap, HeadersAction, HttpContext } from "@sluice/sdk/assembly";
import { formOf, tell } from "./headers";
import { DeadlinePlugin } from "./plugin";
import { replyExceeded } from "./reply";
import { Deadline, LAST, writeOutcome } from "./state";
import { MALFORMED, NONE, parseMillis } from "./wire";

/** The router retries no response with this header. */
const MARK = "x-envoy-ratelimited";

/** The time that the router gives this attempt; it is there where the route or the attempt has a timeout. */
const EXPECTED = "x-envoy-expected-rq-timeout-ms";

/** The upstream half: one attempt, which is told what is left when it starts. */
export class Attempt extends HttpContext {
  private deadline: Deadline | null = null;

  constructor(private plugin: DeadlinePlugin) {
    super();
  }

  onRequestHeaders(endOfStream: bool): HeadersAction {
    const deadline = Deadline.read(this.filterState);
    const headers = this.requestHeaders;
    const text = headers.get(EXPECTED);
    const expected = text == null ? MALFORMED : parseMillis(text);
    if (deadline == null && expected == MALFORMED) return HeadersAction.Continue;
    let left = NONE;
    if (deadline != null) {
      left = deadline.at - <i64>clock.monotonicNs();
      if (left < deadline.minimum) {
        this.plugin.exceededBeforeAttempt.increment();
        replyExceeded(this);
        return HeadersAction.StopIteration;
      }
      this.deadline = deadline;
    }
    if (expected != MALFORMED) left = min(left, expected);
    tell(headers, deadline == null ? formOf(headers) : deadline.forms, left, this.plugin.config.header);
    return HeadersAction.Continue;
  }

  /** A failed attempt after which there is no time for another one is the last: the caller gets its response. */
  onResponseHeaders(endOfStream: bool): HeadersAction {
    const deadline = this.deadline;
    if (deadline == null || deadline.at - <i64>clock.monotonicNs() >= deadline.minimum) return HeadersAction.Continue;
    const headers = this.responseHeaders;
    if (!isFailure(headers) || headers.has(MARK)) return HeadersAction.Continue;
    headers.set(MARK, "true");
    writeOutcome(this.filterState, LAST);
    return HeadersAction.Continue;
  }
}

/** Whether the router could try again after this response: what it retries is no success. */
function isFailure(headers: HeaderMap): bool {
  const status = headers.get(":status");
  if (status != null && status >= "400") return true;
  const grpcStatus = headers.get("grpc-status");
  return grpcStatus != null && grpcStatus != "0";
}

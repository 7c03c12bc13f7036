// The ring of open inbound requests in shared data, which the workers and both listeners of a sidecar have in common.
import { getSharedData, HeaderMap, log, setSharedData } from "@sluice/sdk/assembly";
import { Correlate } from "./config";
import { deadlineOf, HEAD, ID_MAX, LAYOUT, placeOf, TRACE_ID_SIZE, traceIdIn, writeRecord } from "./ring";

/** What ties requests together: the bytes of a request id, or of a trace id. */
@final
export class CorrelationId {
  private key: string;

  private constructor(private bytes: Uint8Array) {
    this.key = keyOf(placeOf(bytes.dataStart, bytes.byteLength).toString());
  }

  /** The request's id; null where it has none, or one that is not kept. */
  static of(headers: HeaderMap, by: Correlate): CorrelationId | null {
    if (by == Correlate.Off) return null;
    const bytes = headers.getBytes(by == Correlate.Traceparent ? "traceparent" : "x-request-id");
    if (bytes == null) return null;
    if (by == Correlate.RequestId) return bytes.length && bytes.length <= ID_MAX ? new CorrelationId(bytes) : null;
    const at = traceIdIn(bytes.dataStart, bytes.byteLength);
    return at < 0 ? null : new CorrelationId(bytes.subarray(at, at + TRACE_ID_SIZE));
  }

  /** The deadline of the newest inbound request with this id, by the monotonic clock; 0: none is known. */
  deadline(): i64 {
    const shared = getSharedData(this.key);
    if (shared == null || shared.bytes.length < HEAD) return 0;
    const record = shared.bytes;
    return deadlineOf(record.dataStart, record.byteLength, this.bytes.dataStart, this.bytes.byteLength);
  }

  /** Makes it the deadline of this id, in the place of whatever is there. 0: it has none any more. */
  setDeadline(deadline: i64): void {
    const record = new Uint8Array(HEAD + this.bytes.length);
    writeRecord(record.dataStart, this.bytes.dataStart, this.bytes.byteLength, deadline);
    setSharedData(this.key, record);
  }
}

/** Says it, once, where this layout of the ring is new to the proxy. */
export function announceLayout(): void {
  const key = keyOf("layout");
  if (getSharedData(key) != null) return;
  setSharedData(key, new Uint8Array(1));
  log.info("no correlation of layout " + LAYOUT.toString() + " yet: it starts empty");
}

function keyOf(what: string): string {
  return "deadline/" + LAYOUT.toString() + "/" + what;
}

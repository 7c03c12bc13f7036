// Deadlines in request headers: read where a request arrives, written where it goes on.
import { Counter, clock, HeaderMap } from "@sluice/sdk/assembly";
import { DeadlineConfig } from "./config";
import { formatGrpcTimeout, formatMillis, leftUntil, MALFORMED, NONE, parseGrpcTimeout, parseMillis } from "./wire";

const GRPC_TIMEOUT = "grpc-timeout";

/** Headers in which the next hop is told; both may be. */
export enum Form {
  Relative = 1,
  Grpc = 2,
}

/** What the headers of a request say. */
@final
export class Claim {
  /** Time left in nanoseconds; NONE: no header says any. */
  left: i64 = NONE;
  private form: i32 = 0;

  /** Reads all of them; the tightest counts. What is malformed is taken out of the request and counted. */
  constructor(
    private headers: HeaderMap,
    config: DeadlineConfig,
    private malformed: Counter,
  ) {
    const grpc = headers.get(GRPC_TIMEOUT);
    if (grpc != null && this.take(GRPC_TIMEOUT, parseGrpcTimeout(grpc))) this.form |= Form.Grpc;
    const relative = headers.get(config.header);
    if (relative != null && this.take(config.header, parseMillis(relative))) this.form |= Form.Relative;
    if (!config.absoluteHeader.length) return this;
    const absolute = headers.get(config.absoluteHeader);
    if (absolute == null) return this;
    this.take(config.absoluteHeader, leftUntil(absolute, <i64>clock.realtimeNs(), config.skew));
  }

  /** The headers to write: those that are there, else the one that the request's protocol knows. */
  get forms(): i32 {
    return this.form ? this.form : formOf(this.headers);
  }

  /** Takes a claim into account; false, and its header is gone, where it is none. */
  private take(name: string, left: i64): bool {
    if (left == MALFORMED) {
      this.headers.remove(name);
      this.malformed.increment();
      return false;
    }
    this.left = min(this.left, left);
    return true;
  }
}

/** The header that the protocol of a request without any of them knows. */
export function formOf(headers: HeaderMap): i32 {
  const type = headers.get("content-type");
  return type != null && type.startsWith("application/grpc") ? Form.Grpc : Form.Relative;
}

/** Writes the time left, in the place of all that is there: the attempts of a request have their headers in common. */
export function tell(headers: HeaderMap, form: i32, left: i64, header: string): void {
  if (form & Form.Grpc) headers.set(GRPC_TIMEOUT, formatGrpcTimeout(left));
  if (form & Form.Relative) headers.set(header, formatMillis(left));
}

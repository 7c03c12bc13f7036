import { proxy_send_local_response } from "./env";
import { FIRST, SECOND, THIRD } from "./host-memory";
import { encodePairs } from "./pairs";
import { Status } from "./status";

/** An answer that does not come from upstream, written as an object: `{ status: 429, body: "slow down" }`. */
export class LocalReply {
  /** HTTP status. A gRPC request is answered with 200, and with `grpcStatus`. */
  status: u32 = 500;
  /** Names and values, such as `[["retry-after", "1"]]`. */
  headers: string[][] = [];
  body: string = "";
  /** gRPC status; -1: what Envoy derives from `status`. */
  grpcStatus: i32 = -1;
  /** Reason in Envoy's access log (`%RESPONSE_CODE_DETAILS%`); spaces become `_`. */
  details: string = "";
}

/** Sends it as the effective stream's answer. */
export function send(reply: LocalReply): Status {
  const details = FIRST.text(reply.details);
  const body = SECOND.text(reply.body);
  const headers = encodePairs(reply.headers, THIRD);
  return proxy_send_local_response(
    reply.status,
    details.ptr,
    details.size,
    body.ptr,
    body.size,
    headers.ptr,
    headers.size,
    reply.grpcStatus,
  );
}

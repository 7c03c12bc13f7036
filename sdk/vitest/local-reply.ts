import type { Reply } from "../host/index.ts";
import { listHeaders } from "./header.ts";
import { isText, shown, type Verdict, verdict } from "./verdict.ts";

/** What a test says of a local reply; what is not said may be anything. */
export interface LocalReplyWanted {
  /** HTTP status: 200 where the request was gRPC. */
  readonly status?: number;
  /** Number in the header grpc-status. */
  readonly grpcStatus?: number;
  /** Response code details: what the filter gave. */
  readonly details?: string | RegExp;
  readonly body?: string | RegExp;
}

/** @see Matchers.toHaveLocalReply */
export function toHaveLocalReply(received: Reply | { readonly reply: Reply }, wanted: LocalReplyWanted = {}): Verdict {
  const reply = "reply" in received ? received.reply : received;
  const { status, grpcStatus, details, body } = wanted;
  const isLocal = reply.status !== 0 && reply.details !== "via_upstream"; // "": a filter that gave none
  const pass =
    isLocal &&
    (status === undefined || reply.status === status) &&
    (grpcStatus === undefined || reply.headers.get("grpc-status") === String(grpcStatus)) &&
    (details === undefined || isText(reply.details, details)) &&
    (body === undefined || isText(reply.body, body));
  const said = Object.entries(wanted).map(
    ([what, value]) => ` ${what} ${typeof value === "number" ? value : shown(value)}`,
  );
  return verdict(pass, `a local reply${said.length === 0 ? "" : ` with${said.join(",")}`}`, () => describe(reply));
}

function describe(reply: Reply): string {
  if (reply.status === 0) return `there is no reply${reply.isCut ? ": the stream was cut" : " yet"}`;
  const from = reply.details === "via_upstream" ? "the upstream's reply" : "the local reply";
  const facts = `${from} has status ${reply.status}, details ${shown(reply.details)}, body ${shown(reply.body)}`;
  return `${facts}\n${listHeaders(reply.headers)}`;
}

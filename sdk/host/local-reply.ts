// Local replies: what Envoy makes of an answer that no upstream gave.
// @see Envoy source/common/http/utility.cc prepareLocalReply
import { type ByteString, toByteString } from "./bytes.ts";
import { HeaderMap } from "./header-map.ts";
import type { Pair } from "./pairs.ts";

/** An answer that a filter or Envoy itself gives. */
export interface LocalReply {
  readonly status: number;
  readonly body: ByteString;
  readonly headers: readonly Pair[];
  /** For gRPC requests; undefined to derive it from the status. */
  readonly grpcStatus: number | undefined;
  /** Response code details. */
  readonly details: ByteString;
}

/** An answer that Envoy itself gives. */
export function envoyReply(status: number, body: string, details: string): LocalReply {
  return { status, body: toByteString(body), headers: [], grpcStatus: undefined, details: toByteString(details) };
}

/** What Envoy answers where a filter has more of a body buffered than may be. */
export const tooLarge = {
  request: envoyReply(413, "Payload Too Large", "request_payload_too_large"),
  response: envoyReply(500, "Internal Server Error", "response_payload_too_large"),
} as const;

/** Headers and body as they enter the filters' response path. A gRPC request gets HTTP 200 with grpc-status. */
export function localResponse(reply: LocalReply, isGrpc: boolean): { headers: HeaderMap; body: ByteString } {
  const headers = new HeaderMap("response", { ":status": String(isGrpc ? 200 : reply.status) });
  for (const [name, value] of reply.headers) headers.add(name, value);
  if (isGrpc) {
    headers.replace("content-type", "application/grpc");
    const status = reply.grpcStatus ?? grpcStatusOfHttp(reply.status);
    if (!headers.has("grpc-status")) headers.add("grpc-status", String(status));
    if (reply.body !== "") headers.replace("grpc-message", percentEncoded(reply.body));
    headers.remove("content-length");
    return { headers, body: "" };
  }
  headers.remove("content-length");
  if (reply.body === "") headers.remove("content-type");
  else {
    headers.add("content-length", String(reply.body.length));
    if (!headers.has("content-type")) headers.add("content-type", "text/plain");
  }
  return { headers, body: reply.body };
}

/** True if a request's content-type says gRPC. */
export function isGrpcRequest(headers: HeaderMap): boolean {
  const type = headers.first("content-type") ?? "";
  return type === "application/grpc" || /^application\/grpc[+;]/.test(type);
}

/** The gRPC status that stands for an HTTP status without one. @see gRPC, "HTTP to gRPC Status Code Mapping" */
export function grpcStatusOfHttp(status: number): number {
  return { 400: 13, 401: 16, 403: 7, 404: 12, 429: 14, 502: 14, 503: 14, 504: 14 }[status] ?? 2;
}

/** @see gRPC over HTTP/2, "Percent-Encoded" */
function percentEncoded(text: ByteString): ByteString {
  return text.replace(/[^ -$&-~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
}

// Local replies: in which phase they are sent, what becomes of them, and what the filters see.
import type { Script } from "../script.ts";

const grpc = { method: "POST", path: "/shop.Catalog/Items", headers: [["content-type", "application/grpc"]] } as const;

/** Handlers that only show that they were called. */
const shown = {
  response_headers: "get_header_map_pairs(2)\nget_property('response.code')\nget_property('response.code_details')",
  log: "get_property('response.code')\nget_property('response.code_details')\nget_property('response.flags')",
  done: "log(2, 'done')",
} as const;

const reply = "send_local_response(429, 'too many', 'slow down', {'x-why': 'budget', 'X-Why': 'again'}, -1)";

export const localReplies: readonly Script[] = [
  {
    title: "a local reply to a request passes the filter's own response callback",
    on: { ...shown, request_headers: reply },
  },
  {
    title: "a local reply is sent after the callback, whose result does not count",
    on: { ...shown, request_headers: `${reply}\nget_header_map_value(0, ':path')\nreturn 0` },
  },
  { title: "a local reply with return StopIteration", on: { ...shown, request_headers: `${reply}\nreturn 1` } },
  {
    title: "request headers stay after a local reply until the end",
    on: {
      request_headers: reply,
      response_headers: "get_header_map_value(0, ':path')\nget_property('request.path')",
      log: "get_header_map_value(0, ':path')",
      done: "get_header_map_value(0, ':path')",
    },
  },
  {
    title: "a local reply without body, details and headers",
    on: { ...shown, request_headers: "send_local_response(204, '', '', '', -1)" },
  },
  {
    title: "a local reply's content-type and content-length",
    on: {
      ...shown,
      request_headers:
        "send_local_response(200, 'd', '{}', {'content-type': 'application/json', 'content-length': '77'}, -1)",
    },
  },
  {
    title: "blanks in details become underscores",
    on: { ...shown, request_headers: "send_local_response(403, 'a b\\x09c\\x0ad', '', '', -1)" },
  },
  {
    title: "a malformed block of headers counts as none",
    on: { ...shown, request_headers: "send_local_response(403, 'd', 'b', 'xyz', -1)" },
  },
  {
    title: "more than 1,024 headers count as none",
    on: { ...shown, request_headers: "send_local_response(403, 'd', 'b', {'x-a': 'b'} * 1025, -1)" },
  },
  {
    title: "a gRPC request gets 200 with grpc-status and grpc-message",
    requests: [grpc],
    on: { ...shown, request_headers: "send_local_response(429, 'd', 'slow down, \\xc3\\xa9 100%', {'x-a': 'b'}, 8)" },
  },
  {
    title: "the gRPC status and the code of a local reply to a gRPC request, until the end",
    requests: [grpc],
    on: {
      request_headers: "send_local_response(504, 'too late', 'gone now', '', 4)",
      response_headers: "get_property('response.code')\nget_property('response.grpc_status')",
      log: "get_property('response.code')\nget_property('response.grpc_status')",
      done: "get_property('response.grpc_status')",
    },
  },
  ...[-1, 0, 16, 17, 99].map((status) => ({
    title: `gRPC status ${status} of a local reply to a gRPC request`,
    requests: [grpc],
    on: { ...shown, request_headers: `send_local_response(503, 'd', 'b', '', ${status})` },
  })),
  ...[400, 401, 403, 404, 429, 502, 503, 504, 500, 200].map((status) => ({
    title: `HTTP status ${status} of a local reply to a gRPC request becomes a gRPC status`,
    requests: [grpc],
    on: {
      response_headers: "get_header_map_pairs(2)",
      request_headers: `send_local_response(${status}, 'd', '', '', -1)`,
    },
  })),
  {
    title: "a local reply to an HTTP request with a gRPC status",
    on: { ...shown, request_headers: "send_local_response(503, 'd', 'b', '', 8)" },
  },
  {
    title: "a local reply in the place of a response",
    answers: [{ status: 200, headers: [["x-from", "upstream"]] }],
    on: { ...shown, response_headers: `get_header_map_value(2, ':status')\n${reply}` },
  },
  {
    title: "a local reply in the place of a local reply",
    on: {
      request_headers: "send_local_response(401, 'first', 'one', '', -1)",
      response_headers: "send_local_response(402, 'second', 'two', '', -1)",
      log: shown.log,
    },
  },
  {
    title: "two local replies in one callback: the first counts",
    on: {
      ...shown,
      request_headers:
        "send_local_response(401, 'first', 'one', '', -1)\nsend_local_response(402, 'second', 'two', '', -1)",
    },
  },
  {
    title: "a local reply of the upstream chain ends the retries",
    never: ["upstream.response_headers"],
    route: { retryOn: "5xx", attempts: 3 },
    on: shown,
    upstream: {
      request_headers: "send_local_response(503, 'no budget', 'gone', '', -1)",
      response_headers: "log(2, 'A')",
      done: "log(2, 'D')",
    },
  },
  {
    title: "a local reply of the upstream chain in the place of a response",
    route: { retryOn: "5xx", attempts: 3 },
    answers: [{ status: 503 }],
    on: shown,
    upstream: { response_headers: "send_local_response(418, 'tea', 'pot', '', -1)", done: "log(2, 'D')" },
  },
  { title: "a local reply in on_log crashes Envoy", on: { log: reply } },
  { title: "a local reply in on_done crashes Envoy", on: { done: reply } },
  { title: "a local reply in on_done of the upstream chain", on: shown, upstream: { done: reply } },
  { title: "a local reply in on_delete", on: { delete: reply } },
  {
    title: "a local reply where there is no stream is Ok and does nothing",
    on: {
      configure: "send_local_response(429, 'x', 'y', '', -1)",
      request_headers: "get_header_map_value(0, ':path')",
    },
  },
  {
    title: "statuses that are none",
    requests: [{}],
    on: { response_headers: "get_header_map_pairs(2)", request_headers: "send_local_response(600, 'd', 'b', '', -1)" },
  },
  {
    title: "addresses outside the memory in a local reply",
    on: {
      request_headers: `
        send_local_response(429, @nowhere, 'b', '', -1)
        send_local_response(429, 'd', @nowhere, '', -1)
        send_local_response(429, 'd', 'b', @nowhere, -1)`,
      response_headers: "get_header_map_value(2, ':status')",
    },
  },
  {
    title: "a HEAD request gets a local reply without its body",
    requests: [{ method: "HEAD" }],
    on: { ...shown, request_headers: reply },
  },
];

// Callers that speak HTTP/1.1: what their framing becomes for filters.
import type { Script } from "../script.ts";

const seen = {
  request_headers: "get_header_map_pairs(0)\nget_property('request.protocol')\nget_property('request.size')",
  request_body: "get_buffer_bytes(0, 0, 100)",
  request_trailers: "get_header_map_pairs(1)",
} as const;
const { request_headers } = seen;
const { request_trailers: _, ...withoutTrailers } = seen;

const scripts: readonly Script[] = [
  { title: "HTTP/1.1: a request without a body", on: { request_headers } },
  {
    title: "HTTP/1.1: a request with content-length",
    requests: [{ method: "POST", headers: [["content-length", "6"]], body: ["abcdef"] }],
    on: withoutTrailers,
  },
  {
    title: "HTTP/1.1: a chunked request",
    requests: [{ method: "POST", headers: [["transfer-encoding", "chunked"]], body: ["abcdef"] }],
    on: withoutTrailers,
  },
  {
    title: "HTTP/1.1: a response's own framing",
    answers: [
      { status: 200, headers: [["content-length", "3"]], body: ["abc"] },
      { status: 200, body: ["abc"] },
      { status: 200 },
      { status: 204 },
      { status: 304 },
    ],
    requests: [{}, {}, {}, {}, {}],
    on: { response_headers: "get_header_map_pairs(2)" },
  },
  {
    title: "HTTP/1.1: trailers of a response don't reach the caller",
    answers: [{ status: 200, body: ["abc"], trailers: [["x-t", "1"]] }],
    on: { response_trailers: "get_header_map_pairs(3)" },
  },
  {
    title: "HTTP/1.1: a filter changes a body and takes content-length out",
    answers: [{ status: 200, headers: [["content-length", "3"]], body: ["abc"] }],
    on: {
      response_headers: "remove_header_map_value(2, 'content-length')",
      response_body: "set_buffer_bytes(1, 0, 99, 'longer than it was')",
    },
  },
  {
    title: "HTTP/1.1: local replies",
    requests: [{}, { method: "HEAD" }],
    on: { request_headers: "send_local_response(429, 'd', 'slow down', {'x-a': 'b'}, -1)" },
  },
  {
    title: "HTTP/1.1: the caller asks for the connection to be closed",
    requests: [{ headers: [["connection", "close"]] }],
    on: { request_headers: "get_header_map_pairs(0)", response_headers: "get_header_map_pairs(2)" },
  },
];

export const http1: readonly Script[] = scripts.map((script) => ({ ...script, protocol: "HTTP/1.1" }));

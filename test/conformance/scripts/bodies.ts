// Bodies and trailers: sizes, actions, reading and writing.
import type { Script } from "../script.ts";

const post = { method: "POST", body: ["hello", " world"] } as const;
const answers = [{ status: 200, body: ["good", "bye"] }] as const;
const read = "get_buffer_bytes(0, 0, 100)\nget_buffer_status(0)";
const readResponse = "get_buffer_bytes(1, 0, 100)\nget_buffer_status(1)";

const resume = "set_tick_period_milliseconds(0)\nset_effective_context($stream)\ncontinue_stream(0)";

/** A script that writes into the request's body when it is there as a whole. */
function writes(title: string, step: string): Script {
  return {
    title: `set_buffer_bytes: ${title}`,
    requests: [{ method: "POST", body: ["hello"] }],
    on: { request_body: `${step}\n${read}` },
  };
}

const bodies: readonly Script[] = [
  {
    title: "bodies that no filter looks at",
    requests: [post],
    answers,
    on: { log: "get_property('request.size')\nget_property('response.size')" },
  },
  ...[0, 1, 2, 3, 4].map((action) => ({
    title: `action ${action} on each chunk but the last`,
    requests: [post],
    answers,
    on: {
      request_body: `${read}\nhold ${action}`,
      response_body: `${readResponse}\nhold ${action}`,
    },
  })),
  {
    title: "the headers' end of stream with a body, and without",
    requests: [{}, post],
    answers,
    on: { request_headers: "log(2, 'R')", response_headers: "log(2, 'A')" },
  },
  {
    title: "a part of a body",
    requests: [{ method: "POST", body: ["hello"] }],
    on: {
      request_body:
        "get_buffer_bytes(0, 1, 3)\nget_buffer_bytes(0, 4, 9)\nget_buffer_bytes(0, 5, 9)\nget_buffer_bytes(0, 6, 9)\nget_buffer_bytes(0, 0, 0)\nget_buffer_bytes(0, -1, 9)\nget_buffer_bytes(0, 1, -1)",
    },
  },
  {
    title: "the other direction's body",
    requests: [post],
    answers,
    on: { request_body: readResponse, response_body: read },
  },
  {
    title: "headers while a body passes, and after they were held",
    requests: [post],
    answers,
    on: {
      request_headers: "set_tick_period_milliseconds(300)\nreturn 1",
      tick: resume,
      request_body: "get_header_map_value(0, ':path')\nreplace_header_map_value(0, 'x-late', '1')",
      response_body: "get_header_map_value(2, ':status')\nget_header_map_value(0, ':path')",
    },
  },
  {
    title: "headers that are held with the body buffered",
    requests: [post],
    on: {
      request_headers: "set_tick_period_milliseconds(300)\nreturn 3",
      tick: resume,
      request_body: `${read}\nget_header_map_value(0, ':path')\nreplace_header_map_value(0, 'x-late', '1')`,
    },
  },
  writes("in the place of all", "set_buffer_bytes(0, 0, 5, 'NEW')"),
  writes("in the place of all, with a size above", "set_buffer_bytes(0, 0, 999, 'NEW')"),
  writes("in the place of the beginning", "set_buffer_bytes(0, 0, 1, 'NEW')"),
  writes("before it", "set_buffer_bytes(0, 0, 0, 'NEW')"),
  writes("behind it", "set_buffer_bytes(0, 5, 0, 'NEW')"),
  writes("far behind it", "set_buffer_bytes(0, 99, 0, 'NEW')"),
  writes("in the middle", "set_buffer_bytes(0, 2, 1, 'NEW')"),
  writes("nothing in the place of all", "set_buffer_bytes(0, 0, 5, '')"),
  writes("the other direction", "set_buffer_bytes(1, 0, 0, 'NEW')"),
  writes("an address outside the memory", "set_buffer_bytes(0, 0, 0, @nowhere)"),
  {
    title: "set_buffer_bytes of a response",
    answers,
    on: { response_body: `set_buffer_bytes(1, 0, 0, '<')\n${readResponse}` },
  },
  {
    title: "a local reply to a body",
    requests: [post],
    on: {
      request_body: "send_local_response(413, 'big', 'too big', '', -1)",
      response_headers: "get_header_map_value(2, ':status')",
      response_body: readResponse,
    },
  },
  {
    title: "a local reply's own body passes the filter",
    on: {
      request_headers: "send_local_response(429, 'd', 'slow down', '', -1)",
      response_body: `${readResponse}\nset_buffer_bytes(1, 0, 99, 'mine')`,
    },
  },
  {
    title: "StopIteration of headers holds the headers only, where the plugin is allowed that",
    plugin: { allowOnHeadersStopIteration: true },
    requests: [post],
    answers,
    on: {
      request_headers: "return 1",
      request_body: `${read}\nget_header_map_value(0, ':path')`,
      response_headers: "return 1",
      response_body: `${readResponse}\nget_header_map_value(2, ':status')`,
    },
  },
  {
    title: "StopIteration of headers holds the body, too, where it is not",
    requests: [post],
    on: {
      request_headers: "set_tick_period_milliseconds(300)\nreturn 1",
      request_body: `${read}\nget_header_map_value(0, ':path')`,
      tick: "set_effective_context($stream)\ncontinue_stream(0)\nset_tick_period_milliseconds(0)",
    },
  },
  {
    title: "a response that a filter makes shorter than its content-length",
    answers: [{ status: 200, headers: [["content-length", "8"]], body: ["response"] }],
    on: { response_body: "set_buffer_bytes(1, 0, 99, 'mine')\nset_buffer_bytes(1, 0, 99, '')" },
  },
  {
    title: "a response's content-length of no body: HEAD and 304",
    requests: [{ method: "HEAD" }, {}],
    answers: [
      { status: 200, headers: [["content-length", "8"]] },
      { status: 304, headers: [["content-length", "8"]] },
    ],
    on: { response_headers: "get_header_map_value(2, 'content-length')" },
  },
  {
    title: "a local reply in the place of a response's body",
    answers,
    on: { response_body: "send_local_response(502, 'd', 'b', '', -1)", log: "get_property('response.code_details')" },
  },
  {
    title: "both chains see the bodies",
    requests: [post],
    answers,
    on: { request_body: read, response_body: readResponse },
    upstream: { request_body: read, response_body: readResponse },
  },
  { title: "a trap in a body callback", requests: [post, {}], on: { request_body: "trap" } },
  {
    title: "a request with a body is tried again",
    requests: [post],
    route: { retryOn: "5xx", attempts: 1 },
    answers: [
      { status: 503, body: ["no"] },
      { status: 200, body: ["yes"] },
    ],
    on: { log: "get_property('response.size')" },
    upstream: { request_body: read },
  },
];

const trailers = [
  ["x-t", "1"],
  ["x-t", "2"],
  ["X-U", ""],
].map(([name = "", value = ""]) => [name.toLowerCase(), value] as const);
const withTrailers = { method: "POST", body: ["hello"], trailers } as const;
const answersWithTrailers = [{ status: 200, body: ["bye"], trailers }] as const;
const reading = (map: number) =>
  `get_header_map_pairs(${map})\nget_header_map_value(${map}, 'X-T')\nget_header_map_value(${map}, 'none')\nget_header_map_size(${map})`;

const ofTrailers: readonly Script[] = [
  {
    title: "trailers that no filter looks at",
    requests: [withTrailers],
    answers: answersWithTrailers,
    on: { log: "get_header_map_pairs(1)\nget_header_map_pairs(3)" },
  },
  {
    title: "trailers are read",
    requests: [withTrailers],
    answers: answersWithTrailers,
    on: { request_trailers: reading(1), response_trailers: reading(3) },
  },
  {
    title: "trailers are written",
    requests: [withTrailers],
    answers: answersWithTrailers,
    on: {
      request_trailers:
        "add_header_map_value(1, 'X-T', '3')\nreplace_header_map_value(1, 'x-u', 'u')\nremove_header_map_value(1, 'none')",
      response_trailers: "set_header_map_pairs(3, {'x-new': '1'})",
    },
  },
  {
    title: "trailers in the other callbacks",
    requests: [withTrailers],
    answers: answersWithTrailers,
    on: {
      request_headers: reading(1),
      request_body: reading(1),
      response_headers: reading(3),
      response_body: reading(3),
      log: `${reading(1)}\n${reading(3)}`,
    },
  },
  {
    title: "trailers are not made where there are none",
    never: ["request_trailers", "response_trailers"],
    requests: [{ method: "POST", body: ["hello"] }],
    answers,
    on: {
      request_body: "add_header_map_value(1, 'x-t', '1')",
      response_body: "add_header_map_value(3, 'x-t', '1')",
      request_trailers: "log(2, 'T')",
      response_trailers: "log(2, 'T')",
    },
  },
  {
    title: "the end of stream with trailers",
    requests: [withTrailers],
    answers: answersWithTrailers,
    on: {
      request_headers: "log(2, 'R')",
      request_body: "log(2, 'B')",
      request_trailers: "log(2, 'T')",
      response_headers: "log(2, 'A')",
      response_body: "log(2, 'B')",
      response_trailers: "log(2, 'T')",
    },
  },
  {
    title: "trailers that are held and continued",
    requests: [withTrailers],
    answers: answersWithTrailers,
    on: {
      request_trailers: "set_tick_period_milliseconds(20)\nreturn 1",
      tick: "set_tick_period_milliseconds(0)\nset_effective_context($stream)\ncontinue_stream(0)",
    },
  },
  {
    title: "gRPC status in trailers",
    requests: [{ ...withTrailers, headers: [["content-type", "application/grpc"]] }],
    answers: [
      { status: 200, headers: [["content-type", "application/grpc"]], body: ["bye"], trailers: [["grpc-status", "5"]] },
    ],
    on: {
      response_trailers: "get_property('response.grpc_status')\nget_property('response.trailers.grpc-status')",
      log: "get_property('response.grpc_status')",
    },
  },
];

export { bodies, ofTrailers as trailers };

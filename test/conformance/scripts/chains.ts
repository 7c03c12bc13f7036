// Several filters in one chain: who sees what of what the other does.
import type { Script } from "../script.ts";

const mark = "log(2, 'here')";
const all = ["request_headers", "request_body", "response_headers", "response_body", "log", "done", "delete"] as const;
const marks = Object.fromEntries(all.map((callback) => [callback, mark]));
const ends = { request_headers: mark, response_headers: mark, log: mark, done: mark };
const post = { method: "POST", body: ["abc", "def"] } as const;
const answer = { status: 200, body: ["uvw", "xyz"] } as const;
const headers = "get_header_map_value(0, 'x-a')\nget_header_map_value(0, ':path')";
const reply = "send_local_response(429, 'mine', 'no', {'x-l': '1'}, -1)";

/** Behind the first in the downstream chain. */
const second = (on: Script["on"] = {}) => [{ rootId: "second", on }];

export const chains: readonly Script[] = [
  {
    title: "two filters: requests pass in order, responses in reverse, logs in order",
    requests: [post],
    answers: [answer],
    on: marks,
    others: second(marks),
  },
  {
    title: "three filters and two in the upstream chain",
    requests: [post],
    answers: [answer],
    on: { ...marks, context_create: mark },
    others: [
      { rootId: "second", on: { ...marks, context_create: mark } },
      { rootId: "third", on: { ...marks, context_create: mark } },
      { rootId: "up", place: "upstream", on: { ...marks, log: "", context_create: mark } },
    ],
    upstream: { ...marks, log: "", context_create: mark },
    never: ["up.log", "upstream.log"],
  },
  {
    title: "headers that one filter writes the next one sees",
    answers: [{ status: 200, headers: [["x-r", "1"]] }],
    on: {
      request_headers: "add_header_map_value(0, 'x-a', '1')\nreplace_header_map_value(0, ':path', '/new')",
      response_headers: "get_header_map_value(2, 'x-r')\nget_header_map_value(2, 'x-b')",
    },
    others: second({
      request_headers: headers,
      response_headers:
        "get_header_map_value(2, 'x-b')\nadd_header_map_value(2, 'x-b', '2')\nremove_header_map_value(2, 'x-r')",
    }),
  },
  {
    title: "filter state that one filter leaves the next one reads",
    on: { request_headers: "set_property('k', 'v')", log: "get_property('k')" },
    others: second({
      request_headers: "get_property('k')\nset_property('k', 'w')",
      response_headers: "get_property('k')",
    }),
  },
  {
    title: "a local reply of the first is not seen by the second",
    never: ["second.request_headers", "second.response_headers", "second.response_body"],
    on: { ...marks, request_headers: reply, request_body: "" },
    others: second({ ...marks, request_body: "" }),
  },
  {
    title: "a local reply of the second passes both",
    on: { ...marks, request_body: "" },
    others: second({ ...marks, request_headers: reply, request_body: "" }),
  },
  {
    title: "a local reply of the first to a response: the second has seen the response",
    answers: [answer],
    never: ["second.response_body", "response_body"],
    on: { ...marks, request_body: "", response_headers: reply },
    others: second({ ...marks, request_body: "" }),
  },
  {
    title: "a local reply of the second to a response: the first sees neither",
    answers: [answer],
    never: ["response_headers", "response_body", "second.response_body"],
    on: { ...marks, request_body: "" },
    others: second({ ...marks, request_body: "", response_headers: reply }),
  },
  {
    title: "a local reply of the first to a body of which the second has seen the headers",
    requests: [post],
    never: ["second.request_body"],
    on: { ...marks, request_body: reply },
    others: second(marks),
  },
  {
    title: "the first holds the request: the second sees it when that goes on",
    on: {
      request_headers: "set_tick_period_milliseconds(10)\nreturn 1",
      tick: "set_tick_period_milliseconds(0)\nset_effective_context($stream)\ncontinue_stream(0)",
    },
    others: second({ request_headers: headers }).map((one) => ({ ...one, vm: "own code" as const })),
  },
  {
    title: "the second holds the request, and the first has let it go",
    on: { request_headers: mark },
    others: [
      {
        rootId: "second",
        vm: "own code",
        on: {
          request_headers: "set_tick_period_milliseconds(10)\nreturn 1",
          tick: "set_tick_period_milliseconds(0)\nset_effective_context(2)\nget_header_map_value(0, ':path')\ncontinue_stream(0)",
        },
      },
    ],
  },
  {
    title: "the first buffers the request's body and the second does not",
    requests: [post],
    on: { request_body: "get_buffer_status(0)\nhold 1" },
    others: second({ request_body: "get_buffer_bytes(0, 0, 9)" }),
  },
  {
    title: "the second buffers the request's body and the first does not",
    requests: [post],
    on: { request_body: "get_buffer_bytes(0, 0, 9)" },
    others: second({ request_body: "get_buffer_bytes(0, 0, 9)\nhold 1" }),
  },
  {
    title: "both buffer the request's body, and both change it",
    requests: [post],
    on: { request_body: "get_buffer_bytes(0, 0, 9)\nset_buffer_bytes(0, 0, 0, '1')\nhold 1" },
    others: second({ request_body: "get_buffer_bytes(0, 0, 9)\nset_buffer_bytes(0, 0, 0, '2')\nhold 1" }),
  },
  {
    title: "both buffer the response's body, and both change it",
    answers: [answer],
    on: { response_body: "get_buffer_bytes(1, 0, 9)\nset_buffer_bytes(1, 0, 0, '1')\nhold 1" },
    others: second({ response_body: "get_buffer_bytes(1, 0, 9)\nset_buffer_bytes(1, 0, 0, '2')\nhold 1" }),
  },
  {
    title: "the second goes on while the first buffers: what the first holds goes along",
    requests: [post],
    plugin: { allowOnHeadersStopIteration: true },
    on: {
      request_body: `
        get_buffer_bytes(0, 0, 9)
        if get_shared_data('first chunk'): set_effective_context(4)
        if get_shared_data('first chunk'): continue_stream(0)
        set_shared_data('first chunk', 'x', 0)
        hold 1`,
    },
    others: second({ request_headers: "return 1", request_body: "get_buffer_bytes(0, 0, 9)" }),
  },
  {
    title: "the first streams, the second drops what it sees",
    requests: [post],
    on: { request_body: "set_buffer_bytes(0, 99, 0, '!')" },
    others: second({ request_body: "get_buffer_bytes(0, 0, 9)\nhold 3" }),
  },
  {
    title: "trailers that the first adds the second sees",
    requests: [post],
    on: { request_body: "add_header_map_value(1, 'x-t', '1')" },
    others: second({ request_body: mark, request_trailers: "get_header_map_pairs(1)" }),
  },
  {
    title: "trailers that a filter holds the next one sees when it goes on",
    requests: [{ ...post, trailers: [["x-t", "1"]] }],
    on: {
      request_trailers: "set_tick_period_milliseconds(10)\nreturn 1",
      tick: "set_tick_period_milliseconds(0)\nset_effective_context($stream)\ncontinue_stream(0)",
    },
    others: [
      { rootId: "second", vm: "own code", on: { request_body: mark, request_trailers: "get_header_map_pairs(1)" } },
    ],
  },
  {
    title: "the first clears the route cache: the second still reads the old route",
    on: { request_headers: "call_foreign_function('clear_route_cache', '')\nget_property('xds.route_name')" },
    others: second({ request_headers: "get_property('xds.route_name')\nget_property('xds.cluster_name')" }),
  },
  {
    title: "a filter that closes the stream: the next one does not see it",
    never: ["second.request_headers"],
    on: { request_headers: "close_stream(0)\nreturn 1", log: mark, done: mark },
    others: second({ request_headers: mark, log: mark, done: mark }),
  },
  {
    title: "two filters and a caller that leaves",
    requests: [{ leaves: true }],
    answers: ["nothing"],
    on: { log: mark, done: mark, delete: mark },
    others: second({ log: mark, done: mark, delete: mark }),
  },
  {
    title: "two filters and no route",
    route: null,
    on: ends,
    others: second(ends),
  },
  {
    title: "a route that switches all plugins off",
    route: { isPluginOff: true },
    never: ["request_headers", "second.request_headers"],
    on: { request_headers: mark },
    others: second({ request_headers: mark }),
  },
  {
    title: "a filter and an access logger of one plugin on one request",
    answers: [answer],
    on: { request_headers: "set_property('k', 'v')", log: mark, done: mark, delete: mark },
    logger: { log: "get_property('k')\nget_property('response.code')", context_create: mark },
  },
  {
    title: "two access loggers of which one traps in a VM of its own",
    requests: [{}, {}],
    others: [
      { rootId: "a", place: "access log", vm: "own id", on: { log: "trap" } },
      { rootId: "b", place: "access log", on: { log: "get_property('response.code')" } },
    ],
  },
  {
    title: "two upstream filters: attempts pass both",
    route: { retryOn: "5xx" },
    answers: [{ status: 503 }, { status: 200 }],
    upstream: { request_headers: mark, response_headers: mark, done: mark },
    others: [{ rootId: "up", place: "upstream", on: { request_headers: mark, response_headers: mark, done: mark } }],
  },
  {
    title: "a local reply of an upstream filter: the one behind it does not see the request",
    never: ["upstream.request_headers", "upstream.response_headers", "up.response_headers"],
    upstream: { request_headers: mark, response_headers: mark },
    others: [{ rootId: "up", place: "upstream", on: { request_headers: reply, response_headers: mark } }],
    on: { response_headers: mark },
  },
];

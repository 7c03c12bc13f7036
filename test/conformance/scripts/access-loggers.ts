// A plugin among the access logs: its root is told of each request that is over.
import type { Script } from "../script.ts";

const answers = [
  { status: 203, headers: [["x-r", "1"]], body: ["abc"], trailers: [["x-t", "2"]] },
] as const satisfies Script["answers"];

export const accessLoggers: readonly Script[] = [
  {
    title: "an access logger sees the headers, which are final",
    requests: [{ path: "/a?b", headers: [["x-a", "1"]] }],
    answers,
    logger: {
      log: `
        get_header_map_pairs(0)
        get_header_map_value(0, 'x-a')
        get_header_map_value(0, 'x-none')
        get_header_map_pairs(1)
        get_header_map_pairs(2)
        get_header_map_pairs(3)
        get_header_map_size(0)
        get_buffer_bytes(0, 0, 9)
        get_buffer_bytes(1, 0, 9)
        get_buffer_bytes(7, 0, 9)`,
    },
  },
  {
    title: "an access logger's attributes",
    requests: [{ method: "POST", path: "/a?b", body: ["abc"] }],
    answers,
    logger: {
      log: `
        get_property('request.path')
        get_property('request.method')
        get_property('request.size')
        duration = get_property('request.duration')
        get_property('response.code')
        get_property('response.code_details')
        get_property('response.flags')
        get_property('response.size')
        get_property('response.headers.x-r')
        get_property('upstream.request_attempt_count')
        get_property('xds.cluster_name')
        get_property('xds.route_name')
        get_property('xds.listener_direction')
        get_property('xds.listener_metadata.filter_metadata.dev~.sluice.owner')
        get_property('xds.node.id')
        get_property('plugin_root_id')
        get_property('connection_id')
        get_property('connection.mtls')`,
    },
  },
  {
    title: "an access logger changes nothing",
    logger: {
      log: `
        add_header_map_value(0, 'x', 'y')
        add_header_map_value(2, 'x', 'y')
        replace_header_map_value(2, 'x', 'y')
        remove_header_map_value(0, 'x')
        set_property('k', 'v')
        get_property('k')
        send_local_response(429, 'd', 'b', '', -1)
        continue_stream(0)
        continue_stream(1)
        set_buffer_bytes(0, 0, 0, 'x')`,
    },
  },
  {
    title: "an access logger reads what filters left in the filter state",
    upstream: { request_headers: "set_property('k', 'v')" },
    logger: { log: "get_property('k')\nget_property('filter_state.wasm~.k')" },
  },
  {
    title: "an access logger starts, is configured, and keeps its own context",
    requests: [{}, {}],
    logger: {
      context_create: "log(2, 'C')",
      vm_start: "log(2, 'V')",
      configure: "log(2, 'F')",
      log: "set_effective_context(1)\nget_header_map_value(0, ':path')\nset_shared_data('k', 'v', 0)",
      done: "log(2, 'D')",
    },
    never: ["logger.done"],
  },
  {
    title: "an access logger of a request that the caller left",
    requests: [{ leaves: true }],
    answers: ["nothing"],
    logger: { log: "get_header_map_pairs(2)\nget_property('response.flags')\nget_property('response.code')" },
  },
  {
    title: "an access logger of a request that finds no route",
    route: null,
    logger: { log: "get_header_map_pairs(2)\nget_property('response.flags')\nget_property('response.code_details')" },
  },
  {
    title: "an access logger for requests with a header, which a filter may add",
    requests: [{}, { headers: [["x-new", "1"]] }, { headers: [["x-mark", ""]] }],
    on: { request_headers: "if get_header_map_value(0, 'x-mark'): add_header_map_value(0, 'x-new', '1')" },
    others: [{ rootId: "some", place: "access log", when: ["x-new", "1"], on: { log: "get_header_map_pairs(0)" } }],
  },
  {
    title: "an access logger that traps",
    requests: [{}, {}],
    logger: { log: "trap" },
  },
  {
    title: "an access logger that refuses its configuration",
    logger: { configure: "return 0", log: "log(2, 'L')" },
    never: ["logger.log"],
  },
  {
    title: "an access logger ticks and calls",
    logger: {
      log: "set_tick_period_milliseconds(10)",
      tick: "set_tick_period_milliseconds(0)\nhttp_call('open', {':method': 'GET', ':path': '/', ':authority': 'a'}, '', '', 0)",
      http_call_response: "get_header_map_value(6, ':status')\nget_header_map_value(0, ':path')",
    },
    until: "http_call_response> get_header_map_value(0",
  },
];

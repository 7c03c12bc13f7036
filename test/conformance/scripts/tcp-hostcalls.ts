// The other hostcalls, from a network filter.
import { bothEnd, end, type Move } from "../connections.ts";
import type { Script } from "../script.ts";
import { everyCallback, inTick, tickLater } from "./tcp-callbacks.ts";

const moves: readonly Move[] = [["client", "hello"], ["server", "world"], ...bothEnd];
const get = "{':method': 'GET', ':path': '/', ':authority': 'a'}";
/** Logged in a tick. */
const seen = "tick> set_property('k', 'v') = 0";

export const tcpHostcalls: readonly Script[] = [
  ...["new_connection", "downstream_data", "upstream_data"].map((callback) => ({
    title: `TCP: send_local_response in ${callback}`,
    on: { ...everyCallback, [callback]: "send_local_response(429, 'd', 'b', '', -1)" },
    connections: [moves],
  })),
  ...["upstream_connection_close", "downstream_connection_close", "log"].map((callback) => ({
    title: `TCP: send_local_response in ${callback}`,
    on: {
      ...everyCallback,
      [callback]: "if get_property('source.address'): send_local_response(429, 'd', 'b', '', -1)",
    },
    connections: [moves],
  })),
  {
    title: "TCP: there are no headers",
    on: {
      downstream_data: [0, 1, 2, 3, 4, 5, 6, 7, 8]
        .map(
          (map) => `
            get_header_map_value(${map}, 'a')
            get_header_map_pairs(${map})
            get_header_map_size(${map})
            add_header_map_value(${map}, 'a', 'b')
            replace_header_map_value(${map}, 'a', 'b')
            remove_header_map_value(${map}, 'a')
            set_header_map_pairs(${map}, {'a': 'b'})`,
        )
        .join("\n"),
    },
    connections: [moves],
  },
  {
    title: "TCP: properties that are set stay as long as the connection",
    on: {
      new_connection: "set_property('k', 'v')\nget_property('k')",
      downstream_data:
        "get_property('k')\nget_property('filter_state.wasm~.k')\nset_property('k', 'w')\nget_property('k')",
      log: "get_property('k')\nset_property('k', 'x')\nget_property('k')",
    },
    connections: [moves, moves],
  },
  {
    title: "TCP: metrics",
    on: {
      new_connection:
        "c = define_metric(0, 'connections')\nincrement_metric($c, 1)\nget_metric($c)\nh = define_metric(2, 'sizes')\nrecord_metric($h, 5)",
      downstream_data: "increment_metric($c, 0)",
      log: "g = define_metric(1, 'last')\nrecord_metric($g, 7)\nget_metric($g)",
    },
    connections: [moves, moves],
  },
  {
    title: "TCP: the effective context",
    on: {
      downstream_data: `
        set_effective_context(1)
        get_buffer_bytes(2, 0, 9)
        get_property('source.address')
        continue_stream(2)
        close_stream(2)
        set_effective_context($self)
        get_buffer_bytes(2, 0, 9)
        set_effective_context(99)
        get_buffer_bytes(2, 0, 9)`,
    },
    connections: [moves],
  },
  {
    title: "TCP: an HTTP call, which lets a held connection go on",
    answers: [{ status: 200, headers: [["x-a", "b"]], body: ["abc"] }],
    on: {
      ...everyCallback,
      new_connection: `http_call('open', ${get}, '', '', 0)\nreturn 1`,
      http_call_response: `
        get_header_map_value(6, 'x-a')
        get_buffer_bytes(4, 0, 9)
        get_property('source.address')
        set_effective_context($stream)
        get_header_map_value(6, 'x-a')
        get_buffer_bytes(4, 0, 9)
        source = get_property('source.address')
        continue_stream(2)`,
    },
    connections: [[["client", "hello", "downstream_data(2, 5"], ["server", "world"], ...bothEnd]],
  },
  {
    title: "TCP: an HTTP call, which lets bytes go on",
    on: {
      ...everyCallback,
      downstream_data: `http_call('open', ${get}, '', '', 0)\nhold 1`,
      http_call_response: `
        set_effective_context($stream)
        get_buffer_bytes(2, 0, 9)
        set_buffer_bytes(2, 0, 0, '> ')
        continue_stream(2)`,
    },
    connections: [
      [
        ["client", "hello", "continue_stream(2) = 0"],
        ["server", "world"],
        ["client", end, "continue_stream(2) = 0"],
        ["server", end],
      ],
    ],
  },
  {
    title: "TCP: an HTTP call that fails, and closes the connection",
    on: {
      ...everyCallback,
      downstream_data: `http_call('closed', ${get}, '', '', 0)\nreturn 1`,
      http_call_response: `get_header_map_value(6, ':status')\nset_effective_context($stream)\nclose_stream(2)`,
    },
    connections: [[["client", "hello"]]],
  },
  {
    title: "TCP: an HTTP call outlives its connection",
    on: {
      log: `http_call('open', ${get}, '', '', 0)`,
      http_call_response: "get_header_map_value(6, ':status')\nset_effective_context($stream)",
    },
    connections: [bothEnd],
    until: "http_call_response> set_effective_context",
  },
  {
    title: "TCP: a gRPC call",
    answers: [
      {
        status: 200,
        headers: [["content-type", "application/grpc"]],
        body: ["\0\0\0\0\x01a"],
        trailers: [["grpc-status", "0"]],
      },
    ],
    on: {
      ...everyCallback,
      new_connection: "grpc_call('open', 's', 'm', '', 'x', 1000)\nreturn 1",
      grpc_receive: "get_buffer_bytes(5, 0, 9)\nset_effective_context($stream)\ncontinue_stream(2)",
      grpc_close: "",
    },
    connections: [moves],
  },
  {
    title: "TCP: shared data and queues",
    on: {
      new_connection: "set_shared_data('k', 'v', 0)\nq = register_shared_queue('q')\nenqueue_shared_queue($q, 'a')",
      queue_ready: "cas = get_shared_data('k')\ndequeue_shared_queue($q)",
    },
    connections: [moves],
    until: "queue_ready> dequeue",
  },
  {
    title: "TCP: foreign functions",
    on: {
      downstream_data: `
        call_foreign_function('clear_route_cache', '')
        call_foreign_function('set_envoy_filter_state', '')
        call_foreign_function('expr_create', 'source.port > 0 && connection.mtls == false')
        call_foreign_function('expr_evaluate', '\\x01\\x00\\x00\\x00')
        call_foreign_function('none', '')`,
    },
    connections: [moves],
  },
  {
    title: "TCP: proxy_done, get_status and the rest",
    on: {
      downstream_data: "done()\nget_status()\nget_log_level()",
      done: "return 0",
      delete: "",
    },
    connections: [moves],
  },
  {
    title: "TCP: a connection is seen from a tick",
    on: {
      downstream_data: tickLater,
      tick: inTick("source = get_property('source.address')\nget_buffer_bytes(2, 0, 9)\nset_property('k', 'v')"),
      log: "get_property('k')",
    },
    connections: [
      [
        ["client", "hello", seen],
        ["client", end, seen],
        ["server", end],
      ],
    ],
  },
];

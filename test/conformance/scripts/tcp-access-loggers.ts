// A plugin among the access logs of tcp_proxy: its root is told of each connection that is over.
import { bothEnd, end, type Move } from "../connections.ts";
import type { Script } from "../script.ts";

const moves: readonly Move[] = [["client", "hello"], ["server", "welcome"], ...bothEnd];

const attributes = [
  "request.path request.size request.total_size request.protocol response.code response.code_details response.flags",
  "response.size response.total_size response.grpc_status upstream.address upstream.request_attempt_count",
  "upstream.transport_failure_reason upstream.num_endpoints xds.cluster_name xds.route_name xds.listener_direction",
  "xds.cluster_metadata.filter_metadata.dev~.sluice.owner xds.listener_metadata.filter_metadata.dev~.sluice.owner",
  "xds.upstream_host_metadata.filter_metadata.dev~.sluice.owner xds.node.id xds.filter_chain_name plugin_root_id",
  "connection_id connection.mtls connection.requested_server_name connection.termination_details source.address",
  "source.port destination.address",
]
  .flatMap((line) => line.split(" "))
  .map((path) => `get_property('${path}')`)
  .join("\n");

const ends: Readonly<Record<string, readonly Move[]>> = {
  "is over": moves,
  "the caller reset": [
    ["client", "hello"],
    ["client", { resetsAfter: { server: "hello" } }],
  ],
  "the upstream reset": [
    ["client", "hello"],
    ["server", { resetsAfter: { server: "hello" } }],
  ],
  "only the upstream spoke in": [
    ["server", "welcome"],
    ["server", end],
    ["client", end],
  ],
};

export const tcpAccessLoggers: readonly Script[] = [
  ...Object.entries(ends).map(([what, connection]) => ({
    title: `TCP: an access logger of a connection that ${what}`,
    logger: {
      log: `${attributes}\nx = get_property('connection.id')\nx = get_property('request.duration')\nx = get_property('request.time')`,
    },
    connections: [connection],
  })),
  ...(["closed", "none"] as const).map((cluster) => ({
    title: `TCP: an access logger of a connection whose cluster is ${cluster}`,
    cluster,
    logger: { log: attributes },
    connections: [[]],
  })),
  {
    title: "TCP: an access logger finds no headers and no bytes",
    logger: {
      log: [0, 1, 2, 3]
        .map((n) => `get_header_map_pairs(${n})\nget_header_map_value(${n}, 'a')\nget_buffer_bytes(${n}, 0, 9)`)
        .join("\n"),
    },
    connections: [moves],
  },
  {
    title: "TCP: an access logger changes nothing",
    logger: {
      log: `
        add_header_map_value(0, 'x', 'y')
        set_property('k', 'v')
        get_property('k')
        send_local_response(429, 'd', 'b', '', -1)
        continue_stream(2)
        continue_stream(3)
        close_stream(2)
        close_stream(3)
        set_buffer_bytes(2, 0, 0, 'x')
        set_buffer_bytes(3, 0, 0, 'x')`,
    },
    connections: [moves],
  },
  {
    title: "TCP: an access logger starts, is configured, and keeps its own context",
    logger: {
      context_create: "",
      vm_start: "",
      configure: "",
      new_connection: "",
      log: "set_effective_context(1)\nget_property('xds.cluster_name')",
      downstream_connection_close: "",
    },
    connections: [moves, moves],
  },
  { title: "TCP: an access logger that traps", logger: { log: "trap" }, connections: [moves, moves] },
  {
    title: "TCP: an access logger ticks and calls",
    logger: {
      log: "set_tick_period_milliseconds(10)",
      tick: "set_tick_period_milliseconds(0)\nhttp_call('open', {':method': 'GET', ':path': '/', ':authority': 'a'}, '', '', 0)",
      http_call_response: "get_header_map_value(6, ':status')\nget_property('source.address')",
    },
    connections: [moves],
    until: "http_call_response> get_property",
  },
];

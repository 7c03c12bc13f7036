// The attributes that a network filter sees, callback by callback.
import { bothEnd } from "../connections.ts";
import type { Script } from "../script.ts";

const paths = [
  "connection.id connection_id connection.mtls connection.requested_server_name connection.tls_version",
  "connection.subject_peer_certificate connection.subject_local_certificate connection.uri_san_peer_certificate",
  "connection.termination_details connection.transport_failure_reason connection.none connection",
  "source.address source.port source.none source destination.address destination.port",
  "upstream.address upstream.port upstream.request_attempt_count upstream.num_endpoints upstream.transport_failure_reason",
  "upstream.subject_peer_certificate upstream.tls_version upstream.locality upstream.local_address",
  "upstream.cx_pool_ready_duration upstream",
  "xds.cluster_name xds.cluster_metadata.filter_metadata.dev~.sluice.owner xds.route_name",
  "xds.route_metadata xds.virtual_host_name xds.virtual_host_metadata xds.filter_chain_name xds.listener_direction",
  "xds.listener_metadata.filter_metadata.dev~.sluice.owner xds.upstream_host_metadata.filter_metadata.dev~.sluice.owner",
  "xds.node.id",
  "request.path request.size request.total_size request.protocol request.headers request.id request",
  "response.code response.code_details response.flags response.size response.total_size response.headers",
  "response.grpc_status response.backend_latency response.trailers response",
  "plugin_name plugin_root_id plugin_vm_id metadata filter_state metadata.filter_metadata none none.none",
].flatMap((line) => line.split(" "));

/** Differ from run to run. */
const varying = [
  "connection.id",
  "connection_id",
  "request.time",
  "request.duration",
  "upstream.local_address",
  "upstream.cx_pool_ready_duration",
];

const steps = paths.map((path) => `${varying.includes(path) ? "x = " : ""}get_property('${path}')`).join("\n");
const times = "x = get_property('request.time')\nget_property('request.duration')";

/** Of a connection's callbacks, not of the root's. */
const callbacks = ["new_connection", "downstream_data", "upstream_data", "downstream_connection_close", "log"];

export const tcpProperties: readonly Script[] = [
  ...callbacks.map((callback) => ({
    title: `TCP: attributes in ${callback}`,
    on: { [callback]: steps },
    connections: [[["client", "hello"], ["server", "welcome"], ...bothEnd]] as const,
  })),
  {
    title: "TCP: sizes of bytes that are held and changed",
    on: {
      downstream_data: `get_property('request.size')\nset_buffer_bytes(2, 0, 0, '> ')\nget_property('request.size')\nhold 1`,
      upstream_data: `get_property('response.size')\nset_buffer_bytes(3, 0, 0, '> ')\nget_property('response.size')\nhold 1`,
      log: "get_property('request.size')\nget_property('response.size')",
    },
    connections: [[["client", "a"], ["server", "cd"], ["client", "b"], ["server", "ef"], ...bothEnd]],
  },
  {
    title: "TCP: attributes of times",
    on: { downstream_data: times },
    connections: [[["client", "hello"], ...bothEnd]],
  },
  ...(["closed", "none"] as const).map((cluster) => ({
    title: `TCP: attributes when the cluster is ${cluster}`,
    cluster,
    on: { downstream_connection_close: steps, log: steps },
    connections: [[]],
  })),
  ...(["client", "server"] as const).map((by) => ({
    title: `TCP: attributes when the ${by} resets`,
    on: { log: steps },
    connections: [
      [
        ["client", "hello"],
        [by, { resetsAfter: { server: "hello" } }],
      ],
    ] as const,
  })),
];

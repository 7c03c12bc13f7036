// What filters of both chains say of a request that the router has.
/** The plugin of the downstream chain. */
export const down = {
  request_headers: "get_property('upstream.request_attempt_count')",
  response_headers:
    "get_header_map_value(2, ':status')\nget_property('response.code_details')\nget_property('response.flags')",
  log: "get_property('response.code')\nget_property('response.code_details')\nget_property('response.flags')\nget_property('upstream.request_attempt_count')",
  done: "log(2, 'D')",
  delete: "log(2, 'X')",
} as const;

/** That of the upstream chain. */
export const up = {
  request_headers: "get_property('upstream.request_attempt_count')\nget_property('response.code_details')",
  response_headers: "get_header_map_value(2, ':status')\nget_property('response.code_details')",
  done: "get_property('response.flags')",
  delete: "log(2, 'uX')",
} as const;

export const both = { on: down, upstream: up } as const;

/** Of the upstream chain, where the router tries nobody. */
export const noAttempt = ["upstream.request_headers", "upstream.response_headers", "upstream.done", "upstream.delete"];

/** Reads what there is to know of route, cluster and answer. */
export const attributes = [
  "xds.route_name",
  "xds.route_metadata.filter_metadata.dev~.sluice.owner",
  "xds.virtual_host_name",
  "xds.cluster_name",
  "xds.cluster_metadata.filter_metadata.dev~.sluice.owner",
  "upstream.num_endpoints",
  "upstream.request_attempt_count",
  "upstream.address",
  "upstream.transport_failure_reason",
  "response.code",
  "response.code_details",
  "response.flags",
  "response.grpc_status",
  "response.backend_latency",
]
  .map((path) => `get_property('${path}')`)
  .join("\n");

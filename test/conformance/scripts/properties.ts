// Properties: which there are in which phase, and how they are encoded. What differs from run to run is read under a name.
import type { Script } from "../script.ts";
import { inPhases, inUpstreamPhases, readEverywhere } from "./phases.ts";

const request = {
  path: "/a/b?c=1&d",
  headers: [
    ["x-two", "1"],
    ["x-two", "2"],
    ["x-empty", ""],
    ["user-agent", "curl"],
    ["referer", "http://here/"],
    ["x-request-id", "id-1"],
  ],
} as const;

const answers = [
  {
    status: 404,
    headers: [
      ["x-b", "1"],
      ["x-b", "2"],
    ],
  },
] as const;

/** A script that reads properties in all phases of both chains. */
function row(title: string, paths: readonly string[], more: Partial<Script> = {}): Script {
  return { title, requests: [request], answers, ...readEverywhere(...paths), ...more };
}

/** The same with properties whose values no two runs share. */
function varying(title: string, paths: readonly string[], more: Partial<Script> = {}): Script {
  const steps = paths.map((path) => `varies = get_property('${path}')`).join("\n");
  return { title, requests: [request], answers, on: inPhases(steps), upstream: inUpstreamPhases(steps), ...more };
}

const retried = { route: { retryOn: "5xx", attempts: 1 }, answers: [{ status: 503 }, { status: 200 }] } as const;

const ofRequest: readonly Script[] = [
  row("request.path and its parts", ["request.path", "request.url_path", "request.query"]),
  row("request.host, method, scheme, protocol", [
    "request.host",
    "request.method",
    "request.scheme",
    "request.protocol",
  ]),
  row("request.id, useragent, referer", ["request.id", "request.useragent", "request.referer"]),
  row("request.id, useragent, referer where there are none", ["request.useragent", "request.referer"], {
    requests: [{}],
  }),
  row("request.headers of one name", [
    "request.headers.x-two",
    "request.headers.X-Two",
    "request.headers.x-empty",
    "request.headers.x-none",
    "request.headers.:path",
    "request.headers.host",
  ]),
  row("request.query of a path without one, and with an empty one", ["request.query", "request.url_path"], {
    requests: [{ path: "/a" }, { path: "/a?" }, { path: "/?x?y" }],
  }),
  row("request.size and total_size without a body", ["request.size", "request.total_size"], {
    requests: [{ headers: [["x-request-id", "id-1"]] }],
  }),
  varying("request.time", ["request.time"]),
  varying("request.duration", ["request.duration"]),
  varying("a whole group of properties", ["request", "response", "connection", "upstream", "source", "xds"]),
  varying("request.headers as a whole map, in no order", ["request.headers"]),
  row("properties of a request that no one knows", ["request.none", "request.path.x", "none", "none.x", ""]),
  row("a path that ends with a separator", ["request.path."]),
  {
    title: "request properties follow what filters write",
    on: {
      request_headers: `
        get_property('request.path')
        replace_header_map_value(0, ':path', '/new?y=2')
        replace_header_map_value(0, ':authority', 'new.test')
        replace_header_map_value(0, 'x-new', '1')
        get_property('request.path')
        get_property('request.host')
        get_property('request.headers.x-new')`,
      log: "get_property('request.path')\nget_property('request.headers.x-new')",
    },
  },
  {
    title: "properties while a plugin starts and is configured",
    on: {
      vm_start: "get_property('plugin_name')\nget_property('xds.node.id')",
      configure: [
        "plugin_name",
        "plugin_root_id",
        "xds.node.id",
        "xds.node.cluster",
        "xds.node.metadata.NAMESPACE",
        "xds.node.metadata.LABELS.app",
        "xds.node.locality",
        "xds.node.locality.region",
        "request.path",
        "request.time",
        "response.code",
        "connection.id",
        "source.address",
        "upstream.address",
        "xds.route_name",
        "xds.cluster_name",
        "xds.listener_direction",
        "xds.listener_metadata.filter_metadata.dev~.sluice.owner",
        "xds.filter_chain_name",
        "filter_state",
        "metadata",
        "none",
      ]
        .map((path) => `get_property('${path}')`)
        .join("\n"),
    },
  },
];

const ofResponse: readonly Script[] = [
  row("response.code and code_details", ["response.code", "response.code_details"]),
  row("response.flags", ["response.flags"]),
  row("response.grpc_status of a plain response", ["response.grpc_status"]),
  row("response.grpc_status of each HTTP status", ["response.grpc_status"], {
    requests: [400, 401, 403, 404, 429, 502, 503, 504, 200, 500, 302].map(() => ({})),
    answers: [400, 401, 403, 404, 429, 502, 503, 504, 200, 500, 302].map((status) => ({ status })),
    on: { response_headers: "get_property('response.grpc_status')" },
    upstream: {},
  }),
  row("response.grpc_status in headers", ["response.grpc_status"], {
    answers: [
      {
        status: 200,
        headers: [
          ["content-type", "application/grpc"],
          ["grpc-status", "5"],
        ],
      },
    ],
  }),
  row("response.grpc_status that is no number", ["response.grpc_status"], {
    answers: [
      {
        status: 200,
        headers: [
          ["content-type", "application/grpc"],
          ["grpc-status", "x"],
        ],
      },
    ],
  }),
  row("response.headers of one name", ["response.headers.x-b", "response.headers.X-B", "response.headers.none"]),
  row("response.size and total_size without a body", ["response.size"]),
  varying("response.total_size", ["response.total_size"]),
  varying("response.backend_latency", ["response.backend_latency"]),
  varying("response.backend_latency where there was no answer", ["response.backend_latency"], {
    cluster: "closed",
    never: ["upstream.response_headers"],
  }),
  row("response.trailers", ["response.trailers.x"]),
  row(
    "response properties of a retried request",
    ["response.code", "response.code_details", "response.flags"],
    retried,
  ),
];

/** Envoy's connection may be there before the request, and the host's never is: the upstream filter's request is left out. */
function ofConnectionToUpstream(path: string): Script {
  const { on, upstream = {} } = varying(path, [path]);
  return { title: path, answers, ...(on && { on }), upstream: { ...upstream, request_headers: "log(2, 'here')" } };
}

const ofConnection: readonly Script[] = [
  varying("connection.id", ["connection.id", "connection_id"]),
  row("connection without TLS", [
    "connection.mtls",
    "connection.requested_server_name",
    "connection.tls_version",
    "connection.subject_local_certificate",
    "connection.subject_peer_certificate",
    "connection.uri_san_local_certificate",
    "connection.uri_san_peer_certificate",
  ]),
  row("certificates that the host does not know of, without TLS", [
    "connection.dns_san_local_certificate",
    "connection.dns_san_peer_certificate",
    "connection.sha256_peer_certificate_digest",
  ]),
  row("connection.termination_details", ["connection.termination_details", "connection.transport_failure_reason"]),
  row("source and destination", ["source.address", "source.port", "destination.address", "destination.port"]),
];

const ofUpstream: readonly Script[] = [
  row("upstream.address and port", ["upstream.address", "upstream.port"]),
  row("upstream.request_attempt_count", ["upstream.request_attempt_count"]),
  row("upstream.request_attempt_count of a retried request", ["upstream.request_attempt_count"], retried),
  row("upstream.num_endpoints", ["upstream.num_endpoints"]),
  row("upstream.num_endpoints of a cluster without any", ["upstream.num_endpoints"], { cluster: "none", upstream: {} }),
  row("upstream.transport_failure_reason", ["upstream.transport_failure_reason"]),
  row("upstream.transport_failure_reason where nobody listens", ["upstream.transport_failure_reason"], {
    cluster: "closed",
    on: inPhases("get_property('upstream.transport_failure_reason')"),
    upstream: { request_headers: "get_property('upstream.transport_failure_reason')" },
  }),
  ofConnectionToUpstream("upstream.local_address"),
  ofConnectionToUpstream("upstream.cx_pool_ready_duration"),
  row("upstream.locality", ["upstream.locality", "upstream.locality.region", "upstream.locality.sub_zone"]),
  row("upstream's TLS without TLS", [
    "upstream.tls_version",
    "upstream.uri_san_local_certificate",
    "upstream.uri_san_peer_certificate",
    "upstream.subject_local_certificate",
    "upstream.sha256_peer_certificate_digest",
  ]),
  row(
    "upstream's properties without a route",
    ["upstream.address", "upstream.request_attempt_count", "upstream.num_endpoints"],
    {
      route: null,
      upstream: {},
    },
  ),
];

const owners = ["listener", "route", "virtual_host", "cluster", "upstream_host"];

const ofXds: readonly Script[] = [
  row("xds.node", [
    "xds.node.id",
    "xds.node.cluster",
    "xds.node.locality.region",
    "xds.node.locality.zone",
    "xds.node.locality.sub_zone",
    "xds.node.metadata.NAMESPACE",
    "xds.node.metadata.LABELS.app",
    "xds.node.metadata.none",
    "xds.node.none",
  ]),
  row("xds.listener_direction and filter_chain_name", ["xds.listener_direction", "xds.filter_chain_name"]),
  row("xds.listener_direction of an inbound listener", ["xds.listener_direction"], { direction: "inbound" }),
  row("xds.route_name, virtual_host_name, cluster_name", [
    "xds.route_name",
    "xds.virtual_host_name",
    "xds.cluster_name",
  ]),
  row(
    "xds names and metadata without a route",
    [
      "xds.route_name",
      "xds.virtual_host_name",
      "xds.cluster_name",
      "xds.route_metadata.filter_metadata.dev~.sluice.owner",
      "xds.virtual_host_metadata.filter_metadata.dev~.sluice.owner",
      "xds.cluster_metadata.filter_metadata.dev~.sluice.owner",
      "xds.upstream_host_metadata.filter_metadata.dev~.sluice.owner",
      "xds.listener_metadata.filter_metadata.dev~.sluice.owner",
    ],
    { route: null, upstream: {} },
  ),
  ...owners.map((owner) =>
    row(`xds.${owner}_metadata: text, number, list, boolean and what is not there`, [
      `xds.${owner}_metadata.filter_metadata.dev~.sluice.owner`,
      `xds.${owner}_metadata.filter_metadata.dev~.sluice.number`,
      `xds.${owner}_metadata.filter_metadata.dev~.sluice.list`,
      `xds.${owner}_metadata.filter_metadata.dev~.sluice.list.1`,
      `xds.${owner}_metadata.filter_metadata.dev~.sluice.flag`,
      `xds.${owner}_metadata.filter_metadata.dev~.sluice.none`,
      `xds.${owner}_metadata.filter_metadata.none.owner`,
    ]),
  ),
  row("the plugin's own properties", ["plugin_name", "plugin_root_id", "plugin_vm_id"], {
    plugin: { rootId: "mine" },
  }),
  row("the old names are NotFound", [
    "node.id",
    "node.metadata.NAMESPACE",
    "route_name",
    "cluster_name",
    "listener_direction",
    "listener_metadata",
    "route_metadata",
    "cluster_metadata",
    "upstream_host_metadata",
    "filter_chain_name",
    "upstream.cluster",
    "upstream.host_metadata",
  ]),
  row("dynamic metadata that nobody has set", ["metadata", "metadata.filter_metadata", "metadata.filter_metadata.x"]),
];

const state: readonly Script[] = [
  {
    title: "filter state is read by its key and under filter_state with Envoy's prefix",
    on: {
      request_headers: `
        get_property('sluice~.a')
        set_property('sluice.a', '1')
        get_property('sluice~.a')
        get_property('filter_state.wasm~.sluice~.a')
        get_property('filter_state.sluice~.a')
        get_property('wasm~.sluice~.a')
        get_property('filter_state')
        set_property('sluice.a', '2')
        get_property('sluice~.a')
        set_property('sluice.empty', '')
        get_property('sluice~.empty')
        set_property('bytes', '\\xff\\x00')
        get_property('bytes')`,
    },
  },
  {
    title: "filter state is one store for both chains, all attempts and the log",
    ...retried,
    on: {
      request_headers: "set_property('down', 'R')",
      response_headers: "get_property('down')\nget_property('up')\nset_property('down', 'A')",
      log: "get_property('down')\nget_property('up')\nset_property('logged', '1')\nget_property('logged')",
      done: "get_property('down')\nget_property('logged')",
    },
    upstream: {
      request_headers: "get_property('down')\nget_property('up')\nset_property('up', 'uR')",
      response_headers: "get_property('up')\nset_property('up', 'uA')",
      done: "get_property('up')\nset_property('up', 'uD')",
    },
  },
  {
    title: "filter state of one request is not another's",
    requests: [{}, {}],
    on: { request_headers: "get_property('k')\nset_property('k', '1')" },
  },
  {
    title: "set_property where there is no stream",
    on: { configure: "set_property('k', 'v')\nget_property('k')" },
  },
  {
    title: "set_property of a name that is an attribute",
    on: {
      request_headers: `
        set_property('request', 'x')
        get_property('request.path')
        set_property('plugin_name', 'x')
        get_property('plugin_name')
        set_property('', 'x')
        get_property('')`,
    },
  },
  {
    title: "property paths and values outside the memory",
    on: {
      request_headers: `
        get_property(@nowhere)
        set_property(@nowhere, 'x')
        set_property('k', @nowhere)
        get_property('k')`,
    },
  },
];

export const properties: readonly Script[] = [
  ...ofRequest,
  ...ofResponse,
  ...ofConnection,
  ...ofUpstream,
  ...ofXds,
  ...state,
];

// Envoy's attributes, as filters read them by proxy_get_property: of which type each is, and in which callbacks it exists.
// Measured on Envoy 1.40 (test/envoy/attributes.test.ts). `npm run api` makes the getters of sdk/assembly of it.
// @see https://www.envoyproxy.io/docs/envoy/v1.40.0/intro/arch_overview/advanced/attributes

/** int, uint, timestamp (since 1970) and duration are 8 bytes, the last two in nanoseconds; bool is one; bytes are a protobuf message. */
export type AttributeType = "string" | "int" | "uint" | "bool" | "timestamp" | "duration" | "bytes";

/**
 * Callbacks: C `onConfigure`; R and A `onRequestHeaders` and `onResponseHeaders` of the downstream half, r and a those of the
 * upstream half; L `onLog`.
 */
export type Phase = "C" | "R" | "r" | "a" | "A" | "L";

export interface Attribute {
  readonly path: string;
  readonly type: AttributeType;
  /** Where it exists, a letter each of `Phase`. */
  readonly phases: string;
  readonly help: string;
  /** It exists only where the connection has TLS. */
  readonly tls?: true;
}

const all = "RraAL";

const rows: readonly (readonly [path: string, type: AttributeType, phases: string, help: string])[] = [
  ["plugin_name", "string", `C${all}`, "`name` of the plugin's configuration."],
  ["plugin_root_id", "string", `C${all}`, "`root_id` of the plugin's configuration; `upstream` in the upstream half."],
  ["plugin_vm_id", "string", `C${all}`, "`vm_id` of the VM's configuration."],
  ["request.path", "string", "RrL", "With the query."],
  ["request.url_path", "string", "RrL", "Without the query."],
  ["request.query", "string", "RrL", "Without the question mark."],
  ["request.host", "string", "RrL", "`:authority`."],
  ["request.scheme", "string", "RrL", "`http` or `https`."],
  ["request.method", "string", "RrL", "Such as `GET`."],
  ["request.id", "string", "RrL", "`x-request-id`."],
  ["request.useragent", "string", "RrL", "`user-agent`."],
  ["request.referer", "string", "RrL", "`referer`."],
  ["request.time", "timestamp", all, "When its first byte came."],
  ["request.protocol", "string", all, "Such as `HTTP/1.1` or `HTTP/2`."],
  ["request.size", "int", all, "What content-length says, else the bytes of its body so far."],
  ["request.total_size", "int", all, "Bytes of headers and body so far; final in `onLog`."],
  ["request.duration", "duration", "L", "From its first byte to the response's last."],
  ["response.code", "int", "AL", "HTTP status. In the upstream half read `:status`."],
  ["response.code_details", "string", "aAL", "Who answered, and why: `via_upstream`, or the details of a local reply."],
  ["response.flags", "int", all, "Envoy's response flags, a bit each; 0 until there is one."],
  ["response.grpc_status", "int", "AL", "gRPC status; for what is not gRPC derived from the HTTP status."],
  ["response.size", "int", all, "Bytes of its body so far; final in `onLog`."],
  ["response.total_size", "int", all, "Bytes of headers and body so far; final in `onLog`."],
  ["response.backend_latency", "duration", "L", "From the request's last byte to the upstream to its first one back."],
  ["connection.id", "uint", all, "Envoy's number of the connection from downstream."],
  ["connection.mtls", "bool", all, "Whether the caller has shown a certificate."],
  ["connection.requested_server_name", "string", all, "SNI; empty without TLS."],
  ["connection.termination_details", "string", "", "Why Envoy ended the connection."],
  ["source.address", "string", all, "The caller's, `ip:port`."],
  ["source.port", "int", all, "The caller's."],
  ["destination.address", "string", all, "What the caller called, `ip:port`."],
  ["destination.port", "int", all, "What the caller called."],
  ["upstream.address", "string", "raAL", "`ip:port` of the last endpoint that was tried."],
  ["upstream.port", "int", "raAL", "Of the last endpoint that was tried."],
  ["upstream.local_address", "string", "aAL", "Envoy's own end of the connection, `ip:port`."],
  ["upstream.transport_failure_reason", "string", "raAL", "Why no connection came about; empty where one did."],
  ["upstream.request_attempt_count", "int", all, "Of tries; 0 before the first."],
  ["upstream.cx_pool_ready_duration", "duration", "aAL", "How long the request waited for a connection."],
  ["upstream.num_endpoints", "int", all, "Of the cluster."],
  ["upstream.locality", "bytes", "raAL", "envoy.config.core.v3.Locality of the endpoint."],
  ["xds.cluster_name", "string", all, "The route's cluster; none without a route."],
  ["xds.route_name", "string", all, "None without a route."],
  ["xds.virtual_host_name", "string", all, "None without a route."],
  ["xds.filter_chain_name", "string", all, "Of the listener."],
  ["xds.listener_direction", "int", all, "1: inbound; 2: outbound; 0: not said."],
];

const certificates: readonly (readonly [path: string, help: string])[] = [
  ["tls_version", "Such as `TLSv1.3`."],
  ["subject_local_certificate", "Subject of Envoy's certificate."],
  ["subject_peer_certificate", "Subject of the peer's certificate."],
  ["dns_san_local_certificate", "First DNS name of Envoy's certificate."],
  ["dns_san_peer_certificate", "First DNS name of the peer's certificate."],
  ["uri_san_local_certificate", "First URI of Envoy's certificate, as a SPIFFE ID."],
  ["uri_san_peer_certificate", "First URI of the peer's certificate, as a SPIFFE ID."],
  ["sha256_peer_certificate_digest", "Of the peer's certificate, in hex digits."],
];

export const attributes: readonly Attribute[] = [
  ...rows.map(([path, type, phases, help]) => ({ path, type, phases, help })),
  ...["connection", "upstream"].flatMap((group) =>
    certificates.map(([name, help]): Attribute => {
      return { path: `${group}.${name}`, type: "string", phases: group === "upstream" ? "aAL" : all, help, tls: true };
    }),
  ),
];

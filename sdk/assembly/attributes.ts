// Made by `npm run api` of sdk/abi/attributes.ts: change that.
import { Properties } from "./properties";

/** Envoy's attributes of the group `plugin`; each is one call of the host. */
@final
@unmanaged
export class PluginAttributes {
  /** There is nothing to allocate: the host knows whose they are. */
  constructor() {
    return changetype<PluginAttributes>(1);
  }

  /**
   * `plugin_name`. `name` of the plugin's configuration.
   * Everywhere there is a plugin, else null.
   */
  get name(): string | null {
    return new Properties().string("plugin_name");
  }

  /**
   * `plugin_root_id`. `root_id` of the plugin's configuration; `upstream` in the upstream half.
   * Everywhere there is a plugin, else null.
   */
  get rootId(): string | null {
    return new Properties().string("plugin_root_id");
  }

  /**
   * `plugin_vm_id`. `vm_id` of the VM's configuration.
   * Everywhere there is a plugin, else null.
   */
  get vmId(): string | null {
    return new Properties().string("plugin_vm_id");
  }
}

/** Envoy's attributes of the group `request`; each is one call of the host. */
@final
@unmanaged
export class RequestAttributes {
  /** There is nothing to allocate: the host knows whose they are. */
  constructor() {
    return changetype<RequestAttributes>(1);
  }

  /**
   * `request.path`. With the query.
   * In `onRequestHeaders`, `onRequestHeaders` of the upstream half, `onLog`, else null.
   */
  get path(): string | null {
    return new Properties().string("request.path");
  }

  /**
   * `request.url_path`. Without the query.
   * In `onRequestHeaders`, `onRequestHeaders` of the upstream half, `onLog`, else null.
   */
  get urlPath(): string | null {
    return new Properties().string("request.url_path");
  }

  /**
   * `request.query`. Without the question mark.
   * In `onRequestHeaders`, `onRequestHeaders` of the upstream half, `onLog`, else null.
   */
  get query(): string | null {
    return new Properties().string("request.query");
  }

  /**
   * `request.host`. `:authority`.
   * In `onRequestHeaders`, `onRequestHeaders` of the upstream half, `onLog`, else null.
   */
  get host(): string | null {
    return new Properties().string("request.host");
  }

  /**
   * `request.scheme`. `http` or `https`.
   * In `onRequestHeaders`, `onRequestHeaders` of the upstream half, `onLog`, else null.
   */
  get scheme(): string | null {
    return new Properties().string("request.scheme");
  }

  /**
   * `request.method`. Such as `GET`.
   * In `onRequestHeaders`, `onRequestHeaders` of the upstream half, `onLog`, else null.
   */
  get method(): string | null {
    return new Properties().string("request.method");
  }

  /**
   * `request.id`. `x-request-id`.
   * In `onRequestHeaders`, `onRequestHeaders` of the upstream half, `onLog`, else null.
   */
  get id(): string | null {
    return new Properties().string("request.id");
  }

  /**
   * `request.useragent`. `user-agent`.
   * In `onRequestHeaders`, `onRequestHeaders` of the upstream half, `onLog`, else null.
   */
  get useragent(): string | null {
    return new Properties().string("request.useragent");
  }

  /**
   * `request.referer`. `referer`.
   * In `onRequestHeaders`, `onRequestHeaders` of the upstream half, `onLog`, else null.
   */
  get referer(): string | null {
    return new Properties().string("request.referer");
  }

  /**
   * `request.time`. When its first byte came. Nanoseconds since 1970.
   * In every callback of a stream, else 0.
   */
  get time(): i64 {
    return new Properties().i64("request.time");
  }

  /**
   * `request.protocol`. Such as `HTTP/1.1` or `HTTP/2`.
   * In every callback of a stream, else null.
   */
  get protocol(): string | null {
    return new Properties().string("request.protocol");
  }

  /**
   * `request.size`. What content-length says, else the bytes of its body so far.
   * In every callback of a stream, else 0.
   */
  get size(): i64 {
    return new Properties().i64("request.size");
  }

  /**
   * `request.total_size`. Bytes of headers and body so far; final in `onLog`.
   * In every callback of a stream, else 0.
   */
  get totalSize(): i64 {
    return new Properties().i64("request.total_size");
  }

  /**
   * `request.duration`. From its first byte to the response's last. Nanoseconds.
   * In `onLog`, else 0.
   */
  get duration(): i64 {
    return new Properties().i64("request.duration");
  }
}

/** Envoy's attributes of the group `response`; each is one call of the host. */
@final
@unmanaged
export class ResponseAttributes {
  /** There is nothing to allocate: the host knows whose they are. */
  constructor() {
    return changetype<ResponseAttributes>(1);
  }

  /**
   * `response.code`. HTTP status. In the upstream half read `:status`.
   * In `onResponseHeaders`, `onLog`, else 0.
   */
  get code(): i64 {
    return new Properties().i64("response.code");
  }

  /**
   * `response.code_details`. Who answered, and why: `via_upstream`, or the details of a local reply.
   * In `onResponseHeaders` of the upstream half, `onResponseHeaders`, `onLog`, else null.
   */
  get codeDetails(): string | null {
    return new Properties().string("response.code_details");
  }

  /**
   * `response.flags`. Envoy's response flags, a bit each; 0 until there is one.
   * In every callback of a stream, else 0.
   */
  get flags(): i64 {
    return new Properties().i64("response.flags");
  }

  /**
   * `response.grpc_status`. gRPC status; for what is not gRPC derived from the HTTP status.
   * In `onResponseHeaders`, `onLog`, else 0.
   */
  get grpcStatus(): i64 {
    return new Properties().i64("response.grpc_status");
  }

  /**
   * `response.size`. Bytes of its body so far; final in `onLog`.
   * In every callback of a stream, else 0.
   */
  get size(): i64 {
    return new Properties().i64("response.size");
  }

  /**
   * `response.total_size`. Bytes of headers and body so far; final in `onLog`.
   * In every callback of a stream, else 0.
   */
  get totalSize(): i64 {
    return new Properties().i64("response.total_size");
  }

  /**
   * `response.backend_latency`. From the request's last byte to the upstream to its first one back. Nanoseconds.
   * In `onLog`, else 0.
   */
  get backendLatency(): i64 {
    return new Properties().i64("response.backend_latency");
  }
}

/** Envoy's attributes of the group `connection`; each is one call of the host. */
@final
@unmanaged
export class ConnectionAttributes {
  /** There is nothing to allocate: the host knows whose they are. */
  constructor() {
    return changetype<ConnectionAttributes>(1);
  }

  /**
   * `connection.id`. Envoy's number of the connection from downstream.
   * In every callback of a stream, else 0.
   */
  get id(): u64 {
    return new Properties().u64("connection.id");
  }

  /**
   * `connection.mtls`. Whether the caller has shown a certificate.
   * In every callback of a stream, else false.
   */
  get mtls(): bool {
    return new Properties().bool("connection.mtls");
  }

  /**
   * `connection.requested_server_name`. SNI; empty without TLS.
   * In every callback of a stream, else null.
   */
  get requestedServerName(): string | null {
    return new Properties().string("connection.requested_server_name");
  }

  /**
   * `connection.termination_details`. Why Envoy ended the connection.
   * Where Envoy says so, else null.
   */
  get terminationDetails(): string | null {
    return new Properties().string("connection.termination_details");
  }

  /**
   * `connection.tls_version`. Such as `TLSv1.3`.
   * In every callback of a stream, with TLS, else null.
   */
  get tlsVersion(): string | null {
    return new Properties().string("connection.tls_version");
  }

  /**
   * `connection.subject_local_certificate`. Subject of Envoy's certificate.
   * In every callback of a stream, with TLS, else null.
   */
  get subjectLocalCertificate(): string | null {
    return new Properties().string("connection.subject_local_certificate");
  }

  /**
   * `connection.subject_peer_certificate`. Subject of the peer's certificate.
   * In every callback of a stream, with TLS, else null.
   */
  get subjectPeerCertificate(): string | null {
    return new Properties().string("connection.subject_peer_certificate");
  }

  /**
   * `connection.dns_san_local_certificate`. First DNS name of Envoy's certificate.
   * In every callback of a stream, with TLS, else null.
   */
  get dnsSanLocalCertificate(): string | null {
    return new Properties().string("connection.dns_san_local_certificate");
  }

  /**
   * `connection.dns_san_peer_certificate`. First DNS name of the peer's certificate.
   * In every callback of a stream, with TLS, else null.
   */
  get dnsSanPeerCertificate(): string | null {
    return new Properties().string("connection.dns_san_peer_certificate");
  }

  /**
   * `connection.uri_san_local_certificate`. First URI of Envoy's certificate, as a SPIFFE ID.
   * In every callback of a stream, with TLS, else null.
   */
  get uriSanLocalCertificate(): string | null {
    return new Properties().string("connection.uri_san_local_certificate");
  }

  /**
   * `connection.uri_san_peer_certificate`. First URI of the peer's certificate, as a SPIFFE ID.
   * In every callback of a stream, with TLS, else null.
   */
  get uriSanPeerCertificate(): string | null {
    return new Properties().string("connection.uri_san_peer_certificate");
  }

  /**
   * `connection.sha256_peer_certificate_digest`. Of the peer's certificate, in hex digits.
   * In every callback of a stream, with TLS, else null.
   */
  get sha256PeerCertificateDigest(): string | null {
    return new Properties().string("connection.sha256_peer_certificate_digest");
  }
}

/** Envoy's attributes of the group `source`; each is one call of the host. */
@final
@unmanaged
export class SourceAttributes {
  /** There is nothing to allocate: the host knows whose they are. */
  constructor() {
    return changetype<SourceAttributes>(1);
  }

  /**
   * `source.address`. The caller's, `ip:port`.
   * In every callback of a stream, else null.
   */
  get address(): string | null {
    return new Properties().string("source.address");
  }

  /**
   * `source.port`. The caller's.
   * In every callback of a stream, else 0.
   */
  get port(): i64 {
    return new Properties().i64("source.port");
  }
}

/** Envoy's attributes of the group `destination`; each is one call of the host. */
@final
@unmanaged
export class DestinationAttributes {
  /** There is nothing to allocate: the host knows whose they are. */
  constructor() {
    return changetype<DestinationAttributes>(1);
  }

  /**
   * `destination.address`. What the caller called, `ip:port`.
   * In every callback of a stream, else null.
   */
  get address(): string | null {
    return new Properties().string("destination.address");
  }

  /**
   * `destination.port`. What the caller called.
   * In every callback of a stream, else 0.
   */
  get port(): i64 {
    return new Properties().i64("destination.port");
  }
}

/** Envoy's attributes of the group `upstream`; each is one call of the host. */
@final
@unmanaged
export class UpstreamAttributes {
  /** There is nothing to allocate: the host knows whose they are. */
  constructor() {
    return changetype<UpstreamAttributes>(1);
  }

  /**
   * `upstream.address`. `ip:port` of the last endpoint that was tried.
   * In `onRequestHeaders` of the upstream half, `onResponseHeaders` of the upstream half, `onResponseHeaders`, `onLog`, else null.
   */
  get address(): string | null {
    return new Properties().string("upstream.address");
  }

  /**
   * `upstream.port`. Of the last endpoint that was tried.
   * In `onRequestHeaders` of the upstream half, `onResponseHeaders` of the upstream half, `onResponseHeaders`, `onLog`, else 0.
   */
  get port(): i64 {
    return new Properties().i64("upstream.port");
  }

  /**
   * `upstream.local_address`. Envoy's own end of the connection, `ip:port`.
   * In `onResponseHeaders` of the upstream half, `onResponseHeaders`, `onLog`, else null.
   */
  get localAddress(): string | null {
    return new Properties().string("upstream.local_address");
  }

  /**
   * `upstream.transport_failure_reason`. Why no connection came about; empty where one did.
   * In `onRequestHeaders` of the upstream half, `onResponseHeaders` of the upstream half, `onResponseHeaders`, `onLog`, else null.
   */
  get transportFailureReason(): string | null {
    return new Properties().string("upstream.transport_failure_reason");
  }

  /**
   * `upstream.request_attempt_count`. Of tries; 0 before the first.
   * In every callback of a stream, else 0.
   */
  get requestAttemptCount(): i64 {
    return new Properties().i64("upstream.request_attempt_count");
  }

  /**
   * `upstream.cx_pool_ready_duration`. How long the request waited for a connection. Nanoseconds.
   * In `onResponseHeaders` of the upstream half, `onResponseHeaders`, `onLog`, else 0.
   */
  get cxPoolReadyDuration(): i64 {
    return new Properties().i64("upstream.cx_pool_ready_duration");
  }

  /**
   * `upstream.num_endpoints`. Of the cluster.
   * In every callback of a stream, else 0.
   */
  get numEndpoints(): i64 {
    return new Properties().i64("upstream.num_endpoints");
  }

  /**
   * `upstream.locality`. envoy.config.core.v3.Locality of the endpoint.
   * In `onRequestHeaders` of the upstream half, `onResponseHeaders` of the upstream half, `onResponseHeaders`, `onLog`, else null.
   */
  get locality(): Uint8Array | null {
    return new Properties().bytes("upstream.locality");
  }

  /**
   * `upstream.tls_version`. Such as `TLSv1.3`.
   * In `onResponseHeaders` of the upstream half, `onResponseHeaders`, `onLog`, with TLS, else null.
   */
  get tlsVersion(): string | null {
    return new Properties().string("upstream.tls_version");
  }

  /**
   * `upstream.subject_local_certificate`. Subject of Envoy's certificate.
   * In `onResponseHeaders` of the upstream half, `onResponseHeaders`, `onLog`, with TLS, else null.
   */
  get subjectLocalCertificate(): string | null {
    return new Properties().string("upstream.subject_local_certificate");
  }

  /**
   * `upstream.subject_peer_certificate`. Subject of the peer's certificate.
   * In `onResponseHeaders` of the upstream half, `onResponseHeaders`, `onLog`, with TLS, else null.
   */
  get subjectPeerCertificate(): string | null {
    return new Properties().string("upstream.subject_peer_certificate");
  }

  /**
   * `upstream.dns_san_local_certificate`. First DNS name of Envoy's certificate.
   * In `onResponseHeaders` of the upstream half, `onResponseHeaders`, `onLog`, with TLS, else null.
   */
  get dnsSanLocalCertificate(): string | null {
    return new Properties().string("upstream.dns_san_local_certificate");
  }

  /**
   * `upstream.dns_san_peer_certificate`. First DNS name of the peer's certificate.
   * In `onResponseHeaders` of the upstream half, `onResponseHeaders`, `onLog`, with TLS, else null.
   */
  get dnsSanPeerCertificate(): string | null {
    return new Properties().string("upstream.dns_san_peer_certificate");
  }

  /**
   * `upstream.uri_san_local_certificate`. First URI of Envoy's certificate, as a SPIFFE ID.
   * In `onResponseHeaders` of the upstream half, `onResponseHeaders`, `onLog`, with TLS, else null.
   */
  get uriSanLocalCertificate(): string | null {
    return new Properties().string("upstream.uri_san_local_certificate");
  }

  /**
   * `upstream.uri_san_peer_certificate`. First URI of the peer's certificate, as a SPIFFE ID.
   * In `onResponseHeaders` of the upstream half, `onResponseHeaders`, `onLog`, with TLS, else null.
   */
  get uriSanPeerCertificate(): string | null {
    return new Properties().string("upstream.uri_san_peer_certificate");
  }

  /**
   * `upstream.sha256_peer_certificate_digest`. Of the peer's certificate, in hex digits.
   * In `onResponseHeaders` of the upstream half, `onResponseHeaders`, `onLog`, with TLS, else null.
   */
  get sha256PeerCertificateDigest(): string | null {
    return new Properties().string("upstream.sha256_peer_certificate_digest");
  }
}

/** Envoy's attributes of the group `xds`; each is one call of the host. */
@final
@unmanaged
export class XdsAttributes {
  /** There is nothing to allocate: the host knows whose they are. */
  constructor() {
    return changetype<XdsAttributes>(1);
  }

  /**
   * `xds.cluster_name`. The route's cluster; none without a route.
   * In every callback of a stream, else null.
   */
  get clusterName(): string | null {
    return new Properties().string("xds.cluster_name");
  }

  /**
   * `xds.route_name`. None without a route.
   * In every callback of a stream, else null.
   */
  get routeName(): string | null {
    return new Properties().string("xds.route_name");
  }

  /**
   * `xds.virtual_host_name`. None without a route.
   * In every callback of a stream, else null.
   */
  get virtualHostName(): string | null {
    return new Properties().string("xds.virtual_host_name");
  }

  /**
   * `xds.filter_chain_name`. Of the listener.
   * In every callback of a stream, else null.
   */
  get filterChainName(): string | null {
    return new Properties().string("xds.filter_chain_name");
  }

  /**
   * `xds.listener_direction`. 1: inbound; 2: outbound; 0: not said.
   * In every callback of a stream, else 0.
   */
  get listenerDirection(): i64 {
    return new Properties().i64("xds.listener_direction");
  }
}

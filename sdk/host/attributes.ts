// The properties of one request, each where Envoy 1.40 has it.
// @see Envoy docs "Attributes"; which phase has which is measured
import { type ByteString, toByteString, toText } from "./bytes.ts";
import { NotEmulated } from "./errors.ts";
import type { HeaderMap } from "./header-map.ts";
import { grpcStatusOfHttp } from "./local-reply.ts";
import { Message, type PropertyObject, type PropertyValue, walk } from "./property-value.ts";
import { encodeFields } from "./protobuf.ts";
import type { LocalityInit, Metadata, TlsInit } from "./request.ts";
import { chosenCluster, type StreamInfo } from "./stream-info.ts";

/** What one filter sees: the record of the request or connection, and the maps that its phase has. */
export interface AttributeScope {
  readonly info: StreamInfo;
  readonly requestHeaders: HeaderMap | undefined;
  readonly responseHeaders: HeaderMap | undefined;
  readonly responseTrailers: HeaderMap | undefined;
}

type Group = Readonly<Record<string, (scope: AttributeScope) => PropertyValue | undefined>>;

const request: Group = {
  path: fromRequest(":path"),
  url_path: ({ requestHeaders }) => requestHeaders?.get(":path")?.replace(/\?.*/s, ""),
  query: ({ requestHeaders }) => requestHeaders?.get(":path")?.replace(/^[^?]*\??/s, ""),
  host: fromRequest(":authority"),
  scheme: fromRequest(":scheme"),
  method: fromRequest(":method"),
  id: fromRequest("x-request-id"),
  useragent: fromRequest("user-agent"),
  referer: fromRequest("referer"),
  headers: ({ requestHeaders }) => headersOf(requestHeaders),
  time: ({ info }) => info.startedRealtimeNs,
  protocol: ({ info }) => (info.tcp ? undefined : (info.connection.protocol ?? "HTTP/1.1")),
  size: ({ info, requestHeaders }) => {
    const length = requestHeaders?.get("content-length") ?? "";
    return /^\d+$/.test(length) ? BigInt(length) : BigInt(info.requestBodyBytes);
  },
  total_size: ({ info, requestHeaders }) => BigInt(info.requestBodyBytes + (requestHeaders?.sizeBytes ?? 0)),
  duration: ({ info }) => info.durationNs,
};

const response: Group = {
  code: ({ info }) => asInt(info.responseCode),
  code_details: ({ info }) => (info.details === undefined ? undefined : toText(info.details)),
  flags: ({ info }) => BigInt(info.flags),
  grpc_status: ({ info, responseHeaders, responseTrailers }) => {
    const own = responseTrailers?.get("grpc-status") ?? responseHeaders?.get("grpc-status");
    if (own !== undefined) return /^\d+$/.test(own) ? BigInt(own) : -1n;
    return info.responseCode === undefined ? undefined : BigInt(grpcStatusOfHttp(info.responseCode));
  },
  headers: ({ responseHeaders }) => headersOf(responseHeaders),
  trailers: ({ responseTrailers }) => headersOf(responseTrailers),
  size: ({ info }) => BigInt(info.responseBodyBytes),
  total_size: ({ info, responseHeaders, responseTrailers }) =>
    BigInt(info.responseBodyBytes + (responseHeaders?.sizeBytes ?? 0) + (responseTrailers?.sizeBytes ?? 0)),
  backend_latency: ({ info }) => info.backendLatencyNs,
};

const connection: Group = {
  id: ({ info }) => info.connectionId,
  mtls: ({ info }) => info.connection.tls?.uriSanPeer !== undefined || info.connection.tls?.subjectPeer !== undefined,
  requested_server_name: ({ info }) => info.connection.tls?.serverName ?? "",
  tls_version: fromTls((tls) => tls.version ?? "TLSv1.3"),
  subject_peer_certificate: fromTls((tls) => tls.subjectPeer ?? ""),
  subject_local_certificate: fromTls((tls) => tls.subjectLocal ?? ""),
  uri_san_peer_certificate: fromTls((tls) => tls.uriSanPeer ?? ""),
  uri_san_local_certificate: fromTls((tls) => tls.uriSanLocal ?? ""),
};

const upstream: Group = {
  request_attempt_count: ({ info }) => BigInt(info.attempts),
  num_endpoints: ({ info }) => {
    const cluster = chosenCluster(info);
    return cluster && BigInt((cluster.endpoints ?? [undefined]).length);
  },
  address: ({ info }) => info.endpoint?.address,
  port: ({ info }) => portOf(info.endpoint?.address),
  local_address: ({ info }) => (info.isConnected ? (info.endpoint?.localAddress ?? "127.0.0.1:50000") : undefined),
  // The host's connections take no time. tcp_proxy has it of a known cluster without a connection, too [measured, Envoy 1.40]
  cx_pool_ready_duration: ({ info }) => (info.isConnected || (info.tcp && chosenCluster(info)) ? 0n : undefined),
  locality: ({ info }) => info.endpoint && localityMessage(info.endpoint.locality),
  transport_failure_reason: ({ info }) => info.transportFailure,
};

const xds: Group = {
  route_name: ({ info }) => info.route && (info.route.name ?? "default"),
  route_metadata: ({ info }) => info.route && metadataOf(info.route.metadata),
  virtual_host_name: ({ info }) => info.route && (info.route.virtualHost ?? "default"),
  virtual_host_metadata: ({ info }) => info.route && metadataOf(info.route.virtualHostMetadata),
  cluster_name: ({ info }) => {
    const cluster = chosenCluster(info);
    return cluster && (cluster.name ?? "cluster");
  },
  cluster_metadata: ({ info }) => {
    const cluster = chosenCluster(info);
    return cluster && metadataOf(cluster.metadata);
  },
  upstream_host_metadata: ({ info }) => info.endpoint && metadataOf(info.endpoint.metadata),
};

/** Attributes by the first part of their path. */
export const groups: Readonly<Record<string, Group>> = {
  request,
  response,
  connection,
  upstream,
  xds,
  source: addressGroup(({ info }) => info.connection.source ?? "127.0.0.1:40000"),
  destination: addressGroup(({ info }) => info.connection.destination ?? "127.0.0.1:80"),
};

/** Of a connection with TLS the host does not know them: asking for one must not look like "there is none". */
const certificates = ["sha256_peer_certificate_digest", "dns_san_local_certificate", "dns_san_peer_certificate"];

/**
 * A property of a request.
 *
 * @returns undefined if Envoy has none of that path now
 * @throws {NotEmulated} if Envoy may have one and the host does not know it
 */
export function attribute(path: readonly ByteString[], scope: AttributeScope): PropertyValue | undefined {
  const [first = "", second, ...rest] = path;
  if (first === "connection_id") return scope.info.connectionId;
  if (first === "metadata") return walk(metadataOf(undefined), path.slice(1)); // dynamic metadata: nobody sets any
  const group = own(groups, first);
  if (group === undefined) return undefined;
  const name = path.join(".");
  if (second === undefined) return undefined;
  if (first === "connection" && scope.info.connection.tls !== undefined && certificates.includes(second))
    throw new NotEmulated(`proxy_get_property(${name})`, `set it with properties: { ${JSON.stringify(name)}: … }`);
  const value = own(group, second)?.(scope);
  return walk(value, second === "headers" || second === "trailers" ? rest.map((name) => headerKey(name, first)) : rest);
}

/** The `envoy.config.core.v3.Metadata` message of this metadata. */
export function metadataOf(metadata: Metadata | undefined): Message {
  return new Message({ filter_metadata: metadata ?? {} });
}

/** The `envoy.config.core.v3.Locality` message. */
export function localityMessage({ region = "", zone = "", sub_zone = "" }: LocalityInit = {}): Message {
  const fields = { region, zone, sub_zone };
  return new Message(
    fields,
    encodeFields({ 1: toByteString(region), 2: toByteString(zone), 3: toByteString(sub_zone) }),
  );
}

/** Of a map that the phase does not have it is empty. */
function headersOf(map: HeaderMap | undefined): PropertyObject {
  if (map === undefined) return {};
  const names = new Set(map.pairs.map(([name]) => name));
  return Object.fromEntries([...names].map((name) => [name, Buffer.from(map.all(name).join(","), "latin1")]));
}

/** A header's name as the map has it. */
function headerKey(name: ByteString, group: ByteString): ByteString {
  const key = name.toLowerCase();
  return key === "host" && group === "request" ? ":authority" : key;
}

function fromRequest(name: string): (scope: AttributeScope) => PropertyValue | undefined {
  return ({ requestHeaders }) => requestHeaders?.bytes(name);
}

function fromTls(read: (tls: TlsInit) => string): (scope: AttributeScope) => PropertyValue | undefined {
  return ({ info }) => {
    const { tls } = info.connection;
    return tls === undefined ? undefined : read(tls);
  };
}

function addressGroup(address: (scope: AttributeScope) => string): Group {
  return { address, port: (scope) => portOf(address(scope)) };
}

function portOf(address: string | undefined): bigint | undefined {
  return address === undefined ? undefined : BigInt(address.replace(/.*:/, ""));
}

function asInt(value: number | undefined): bigint | undefined {
  return value === undefined ? undefined : BigInt(value);
}

function own<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

// The values of the labels, in their order, as Istio's own filter finds them.
// @see Envoy contrib/istio/filters/http/istio_stats/source/istio_stats.cc
import { HttpContext, Properties } from "@sluice/sdk/assembly";
import { Cluster, Service } from "./clusters";
import { Expressions } from "./expressions";
import { Proxy } from "./proxy";
import { flagNames } from "./response-flags";
import { bounded, orUnknown, UNKNOWN, Workload } from "./workload";

/**
 * Who the peers are, at the server: the peer is the source.
 *
 * @param said what it said of itself
 * @returns the value of `connection_security_policy`
 */
export function describeInbound(values: string[], proxy: Proxy, properties: Properties, said: string | null): string {
  const own = proxy.node.workload;
  const peer = proxy.peers.ofHeader(said);
  const source = peer == null ? proxy.unknownPeer : peer;
  const principal = text(properties, "connection.uri_san_peer_certificate");
  const ownPrincipal = text(properties, "connection.uri_san_local_certificate");
  values.push("destination");
  describeSource(values, source, namespaceOf(source, principal), principal);
  const service = inboundService(proxy.clusters.of(properties), own, properties);
  describeDestination(values, own, own.namespace, ownPrincipal, service);
  return principal.length && ownPrincipal.length ? "mutual_tls" : "none";
}

/** The same at the client: the peer is the destination. @param request absent: there is none, but a connection */
export function describeOutbound(
  values: string[],
  proxy: Proxy,
  properties: Properties,
  said: string | null,
  request: HttpContext | null,
): string {
  const own = proxy.node.workload;
  const cluster = proxy.clusters.of(properties);
  const destination = destinationOf(cluster, proxy, properties, said);
  const principal = text(properties, "upstream.uri_san_peer_certificate");
  const namespace = namespaceOf(destination, principal);
  values.push("source");
  describeSource(values, own, own.namespace, text(properties, "upstream.uri_san_local_certificate"));
  const service = outboundService(cluster, namespace, properties, request, !proxy.node.isGateway);
  describeDestination(values, destination, namespace, principal, service);
  return UNKNOWN; // only the server can know
}

/** What became of the request. @param security how its connection is secured */
export function describeOutcome(values: string[], stream: HttpContext, security: string): void {
  const properties = stream.properties;
  const isGrpc = isGrpcType(stream.requestHeaders.get("content-type"));
  values.push(isGrpc ? "grpc" : "http");
  values.push(properties.i64("response.code").toString());
  const status = isGrpc ? properties.i64("response.grpc_status", i64.MIN_VALUE) : i64.MIN_VALUE;
  values.push(status == i64.MIN_VALUE ? "" : status.toString());
  values.push(flagNames(properties.u64("response.flags")));
  values.push(security);
}

/** A TCP connection. Stock Envoy hands over no metadata with it, so that the server knows its caller by the certificate only. */
export function describeConnection(
  values: string[],
  proxy: Proxy,
  properties: Properties,
  isInbound: bool,
  flags: u64,
): void {
  const security = isInbound
    ? describeInbound(values, proxy, properties, null)
    : describeOutbound(values, proxy, properties, null, null);
  values.push("tcp");
  values.push("0");
  values.push("");
  values.push(flagNames(flags));
  values.push(security);
}

function describeSource(values: string[], source: Workload, namespace: string, principal: string): void {
  values.push(source.name);
  values.push(source.canonicalService);
  values.push(source.canonicalRevision);
  values.push(namespace);
  values.push(orUnknown(principal));
  values.push(source.app);
  values.push(source.version);
  values.push(source.cluster);
}

function describeDestination(
  values: string[],
  destination: Workload,
  namespace: string,
  principal: string,
  service: Service,
): void {
  values.push(destination.name);
  values.push(namespace);
  values.push(orUnknown(principal));
  values.push(destination.app);
  values.push(destination.version);
  values.push(service.host);
  values.push(destination.canonicalService);
  values.push(destination.canonicalRevision);
  values.push(service.name);
  values.push(service.namespace);
  values.push(destination.cluster);
}

/** What expressions say: a label's value, where one has none Istio's word for that. */
export function describeMore(values: string[], dimensions: Expressions): void {
  const first = values.length;
  dimensions.read(values);
  for (let i = first; i < values.length; i++) values[i] = values[i].length ? bounded(values[i].substring(1)) : UNKNOWN;
}

/** The cluster's metadata name the services; without one it is what Istio calls the workload. */
function inboundService(cluster: Cluster | null, own: Workload, properties: Properties): Service {
  if (cluster != null && cluster.service != null) {
    return new Service(cluster.service!.host, cluster.service!.name, own.namespace);
  }
  const name = specialName(properties);
  return new Service(own.canonicalService, name.length ? name : own.canonicalService, own.namespace);
}

/** Of a request that leads to no service, the host it asks for is all that is known; a gateway is asked for anything. */
function outboundService(
  cluster: Cluster | null,
  namespace: string,
  properties: Properties,
  request: HttpContext | null,
  byHost: bool,
): Service {
  if (cluster != null && cluster.service != null) {
    const service = cluster.service!;
    return service.namespace.length ? service : new Service(service.host, service.name, namespace);
  }
  const asked: string | null = byHost && request != null ? request.requestHeaders.get(":authority") : null;
  const host = asked == null ? UNKNOWN : orUnknown(bounded(asked));
  const name = specialName(properties);
  return new Service(host, name.length ? name : host, namespace);
}

/** Istio's name for where requests go that lead to no service; empty for any other. */
function specialName(properties: Properties): string {
  const route = text(properties, "xds.route_name");
  if (route == "block_all") return "BlackHoleCluster";
  if (route == "allow_any") return "PassthroughCluster";
  const cluster = text(properties, "xds.cluster_name");
  const isSpecial =
    cluster == "BlackHoleCluster" || cluster == "PassthroughCluster" || cluster == "InboundPassthroughCluster";
  return isSpecial ? cluster : "";
}

/** What the destination said of itself, if it is of the mesh; else what the control plane says of its endpoint. */
function destinationOf(cluster: Cluster | null, proxy: Proxy, properties: Properties, said: string | null): Workload {
  if (said != null && cluster != null && !cluster.isExternal) {
    const peer = proxy.peers.ofHeader(said);
    if (peer != null) return peer;
  }
  const metadata = properties.string("xds.upstream_host_metadata.filter_metadata.istio.workload");
  const endpoint = proxy.peers.ofEndpoint(metadata);
  return endpoint == null ? proxy.unknownPeer : endpoint;
}

/** What a certificate says, `spiffe://domain/ns/NAMESPACE/sa/account`, counts before what the peer says of itself. */
function namespaceOf(peer: Workload, principal: string): string {
  const at = principal.indexOf("/ns/");
  if (at < 0) return orUnknown(peer.namespace);
  const from = at + 4;
  const end = principal.indexOf("/", from);
  const namespace = end < 0 ? principal.slice(from) : principal.slice(from, end);
  return orUnknown(namespace.length ? namespace : peer.namespace);
}

/** @see gRPC over HTTP/2, "Content-Type"; the same test as Envoy's */
function isGrpcType(type: string | null): bool {
  return type != null && (type == "application/grpc" || type.startsWith("application/grpc+"));
}

function text(properties: Properties, path: string): string {
  const value = properties.string(path);
  return value == null ? "" : value;
}

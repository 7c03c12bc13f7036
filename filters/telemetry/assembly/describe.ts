// The values of the labels, in their order, as Istio's own filter finds them.
// @see Envoy contrib/istio/filters/http/istio_stats/source/istio_stats.cc
import { Properties } from "@sluice/sdk/assembly";
import { Cluster, Service } from "./clusters";
import { Expressions } from "./expressions";
import { Proxy } from "./proxy";
import { flagNames } from "./response-flags";
import { SeriesTable } from "./series-table";
import { bounded, orUnknown, UNKNOWN, Workload } from "./workload";

/**
 * Begins the list of values anew: who the peers are.
 *
 * @param said what the peer said of itself: inbound the source, outbound the destination
 * @returns the value of `connection_security_policy`
 */
export function describePeers(proxy: Proxy, properties: Properties, isInbound: bool, said: string | null): string {
  proxy.values.length = 0;
  return isInbound ? describeInbound(proxy, properties, said) : describeOutbound(proxy, properties, said);
}

function describeInbound(proxy: Proxy, properties: Properties, said: string | null): string {
  const values = proxy.values;
  const own = proxy.node.workload;
  const peer = proxy.peers.ofHeader(said);
  const source = peer == null ? proxy.unknownPeer : peer;
  const principal = bounded(text(properties, "connection.uri_san_peer_certificate"));
  const ownPrincipal = bounded(text(properties, "connection.uri_san_local_certificate"));
  values.push("destination");
  describeSource(values, source, namespaceOf(source, principal), principal);
  const service = inboundService(proxy.clusters.of(properties), own, properties);
  describeDestination(values, own, own.namespace, ownPrincipal, service, own.namespace);
  return principal.length && ownPrincipal.length ? "mutual_tls" : "none";
}

function describeOutbound(proxy: Proxy, properties: Properties, said: string | null): string {
  const values = proxy.values;
  const own = proxy.node.workload;
  const cluster = proxy.clusters.of(properties);
  const destination = destinationOf(cluster, proxy, properties, said);
  const principal = bounded(text(properties, "upstream.uri_san_peer_certificate"));
  const namespace = namespaceOf(destination, principal);
  values.push("source");
  describeSource(values, own, own.namespace, bounded(text(properties, "upstream.uri_san_local_certificate")));
  const service = outboundService(cluster, properties, !proxy.node.isGateway);
  const serviceNamespace = service.namespace.length ? service.namespace : namespace;
  describeDestination(values, destination, namespace, principal, service, serviceNamespace);
  return UNKNOWN; // only the server can know
}

/** What became of it. @param security how its connection is secured */
export function describeOutcome(
  values: string[],
  protocol: string,
  code: string,
  grpcStatus: string,
  flags: u64,
  security: string,
): void {
  values.push(protocol);
  values.push(code);
  values.push(grpcStatus);
  values.push(flagNames(flags));
  values.push(security);
}

/** Empty where there is none. */
export function grpcStatus(properties: Properties): string {
  const status = properties.i64("response.grpc_status", i64.MIN_VALUE);
  return status == i64.MIN_VALUE ? "" : status.toString();
}

/** Whether it is known by now to which endpoint a connection, or a request, goes. */
export function leadsSomewhere(properties: Properties): bool {
  return properties.bytes("upstream.address") != null;
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
  serviceNamespace: string,
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
  values.push(serviceNamespace);
  values.push(destination.cluster);
}

/** Appends what expressions say of the stream whose callback runs: a label's value, where one has none Istio's word for that. */
export function describeMore(values: string[], dimensions: Expressions): void {
  const first = values.length;
  dimensions.read(values, false);
  for (let i = first; i < values.length; i++) values[i] = values[i].length ? bounded(values[i].substring(1)) : UNKNOWN;
}

/** The same, for a stream that is counted before its end: to be kept until then. Empty where no label of these metrics is of that. */
export function moreOf(table: SeriesTable, dimensions: Expressions): string[] {
  const more: string[] = [];
  if (table.hasExpressions) describeMore(more, dimensions);
  return more;
}

export function append(values: string[], more: string[]): void {
  for (let i = 0; i < more.length; i++) values.push(more[i]);
}

/** The cluster's metadata name the services; without one it is what Istio calls the workload. */
function inboundService(cluster: Cluster | null, own: Workload, properties: Properties): Service {
  if (cluster != null && cluster.service != null) return cluster.service!;
  const name = specialName(properties);
  return new Service(own.canonicalService, name.length ? name : own.canonicalService, "");
}

/** Of a request that leads to no service, the host it asks for is all that is known; a gateway is asked for anything. */
function outboundService(cluster: Cluster | null, properties: Properties, byHost: bool): Service {
  if (cluster != null && cluster.service != null) return cluster.service!;
  const host = byHost ? orUnknown(bounded(text(properties, "request.host"))) : UNKNOWN;
  const name = specialName(properties);
  return new Service(host, name.length ? name : host, "");
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
export function isGrpcType(type: string | null): bool {
  return type != null && (type == "application/grpc" || type.startsWith("application/grpc+"));
}

function text(properties: Properties, path: string): string {
  const value = properties.string(path);
  return value == null ? "" : value;
}

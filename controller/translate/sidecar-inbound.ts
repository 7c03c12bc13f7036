// What a sidecar has for callers of its own application: ports that it opens itself (a Sidecar's captureMode NONE), and
// the listener that takes what is redirected to it.
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { Cluster_DiscoveryType } from "../gen/envoy/config/cluster/v3/cluster_pb.js";
import type { AddressSchema } from "../gen/envoy/config/core/v3/address_pb.js";
import { memo } from "../model/memo.ts";
import type { Mesh } from "../model/mesh.ts";
import { routeNames } from "../model/names.ts";
import { refOf } from "../model/object.ts";
import type { Proxy } from "../model/proxy.ts";
import type { Resource } from "../model/resource.ts";
import { servicesServedBy, sidecarFor } from "../model/select.ts";
import { destinationRuleFor } from "../model/select-rules.ts";
import { isHttp } from "../model/service.ts";
import { type Cluster, original, shortName } from "./clusters.ts";
import { metadata, socketAddress } from "./common.ts";
import { encode, type Init } from "./encode.ts";
import { inboundChains } from "./inbound-chains.ts";
import { type InboundPort, inboundPorts, modesOf } from "./inbound-ports.ts";
import { listener, tlsInspector } from "./listener.ts";
import { routeConfig } from "./route-config.ts";
import { inboundRoute } from "./routes.ts";
import { type RouteTracing, routeTracing } from "./tracing.ts";
import { circuitBreakers, connectTimeoutMs, policyFor, protocolOptions } from "./traffic-policy.ts";
import { applicationBind, inspectMs, virtualInbound } from "./virtual-inbound.ts";

const made = memo<object, readonly Resource[]>();

/**
 * Listeners; of each port a cluster and, where it speaks HTTP, routes. Made once for all pods of a workload, which serve
 * the same and take the same mutual TLS; where a Sidecar says addresses, for each.
 */
export function inboundResources(mesh: Mesh, proxy: Proxy): readonly Resource[] {
  const sidecar = sidecarFor(mesh, proxy);
  const served = servicesServedBy(mesh, proxy);
  const rules = served.flatMap(({ service }) => destinationRuleFor(mesh, proxy, service)?.from ?? []);
  const { mode, byPort } = modesOf(mesh, proxy);
  const ports = served.map(({ endpoint }) => [...endpoint.ports]);
  const ip = sidecar?.spec.ingress && proxy.ip;
  const tracing = routeTracing(mesh, proxy, "inbound");
  const key = JSON.stringify([proxy.namespace, proxy.interception, ip, mode, [...byPort], ports, tracing]);
  const from = [mesh.settings, sidecar, ...served.map(({ service }) => service), ...rules];
  return made(served[0]?.service ?? mesh.settings, key, () => resources(mesh, proxy, tracing), from);
}

function resources(mesh: Mesh, proxy: Proxy, tracing: RouteTracing | undefined): readonly Resource[] {
  const ports = inboundPorts(mesh, proxy);
  const captured = ports.filter(({ bind }) => bind === undefined);
  return [
    ...ports.flatMap((port) => portResources(mesh, proxy, { ...port, tracing })),
    ...(proxy.interception === "NONE" ? [] : virtualInbound(mesh, proxy, captured)),
  ];
}

type TracedPort = InboundPort & { readonly tracing: RouteTracing | undefined };

function portResources(mesh: Mesh, proxy: Proxy, port: TracedPort): readonly Resource[] {
  return [
    ...(port.bind === undefined ? [] : [boundListener(mesh, port, port.bind)]),
    cluster(mesh, proxy, port),
    ...(isHttp(port.protocol) ? [routes(port)] : []),
  ];
}

function boundListener({ settings }: Mesh, { number: port, protocol, mode }: InboundPort, address: string): Resource {
  const http = isHttp(protocol) ? { http: { statPrefix: `inbound_${address}_${port}` } } : {};
  return listener({
    address,
    port,
    direction: "inbound",
    chains: inboundChains({ target: routeNames.inbound(port), mode, settings, ...http }),
    ...(mode !== "DISABLE" ? { inspectors: [tlsInspector], inspectMs } : {}),
  });
}

function routes({ number, protocol, owners, tracing }: TracedPort): Resource {
  const name = routeNames.inbound(number);
  const route = inboundRoute(name, { isGrpc: protocol === "GRPC" });
  const host = { name: `inbound|http|${number}`, domains: ["*"], routes: [route] };
  return routeConfig({ name, hosts: [host], owners, ignoresPort: false, tracing });
}

/**
 * The application. Its limits are those that the service's DestinationRule sets for callers, as in Istio: else a server
 * would hold back, by Envoy's defaults, what its clients may send.
 */
function cluster(mesh: Mesh, proxy: Proxy, port: InboundPort): Resource {
  const name = routeNames.inbound(port.number);
  const served = servedAt(mesh, proxy, port.number);
  const rule = served[0] && destinationRuleFor(mesh, proxy, served[0].service);
  const pool = rule && served[0] && policyFor(served[0].port, rule.spec.trafficPolicy).connectionPool;
  const services = served.map(({ service }) => ({
    host: service.host,
    name: shortName(service),
    namespace: service.ref.namespace,
  }));
  const content: Cluster = {
    name,
    ...application(port, proxy),
    connectTimeout: durationFromMs(pool?.tcp.connectTimeoutMs ?? connectTimeoutMs),
    circuitBreakers: circuitBreakers(pool),
    ...protocolOptions(port.protocol, pool),
    metadata: metadata({ istio: { services } }),
  };
  return encode("CDS", name, content, { owners: [...port.owners, ...(rule?.from ?? []).map(refOf)] });
}

/** The services, sorted by host, and their ports that lead to a port of the workload. */
function servedAt(mesh: Mesh, proxy: Proxy, number: number) {
  return servicesServedBy(mesh, proxy)
    .flatMap(({ service, endpoint }) =>
      [...endpoint.ports].flatMap(([port, target]) => (target === number ? [{ service, port }] : [])),
    )
    .toSorted((a, b) => (a.service.host < b.service.host ? -1 : 1));
}

function application({ number, bind, endpoint }: InboundPort, proxy: Proxy): Partial<Cluster> {
  if (endpoint === undefined) return { ...original, upstreamBindConfig: applicationBind };
  const { address, isOwn } = addressOf(endpoint, proxy);
  return {
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.STATIC },
    loadAssignment: {
      clusterName: routeNames.inbound(number),
      endpoints: [{ lbEndpoints: [{ hostIdentifier: { case: "endpoint", value: { address } } }] }],
    },
    ...(isOwn && bind === undefined ? { upstreamBindConfig: applicationBind } : {}),
  };
}

/** `127.0.0.1:8080`, `0.0.0.0:8080` for the proxy's own address, `unix:///path`. */
function addressOf(
  text: string,
  proxy: Proxy,
): { readonly address: Init<typeof AddressSchema>; readonly isOwn: boolean } {
  if (text.startsWith("unix://"))
    return { address: { address: { case: "pipe", value: { path: text.slice("unix://".length) } } }, isOwn: false };
  const colon = text.lastIndexOf(":");
  const host = text.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
  const isOwn = host === "0.0.0.0" || host === "::";
  return { address: socketAddress(isOwn ? proxy.ip : host, Number(text.slice(colon + 1))), isOwn };
}

// Ports that a Sidecar opens on an address of their own (captureMode NONE) for callers of the proxy's application.
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { Cluster_DiscoveryType } from "../gen/envoy/config/cluster/v3/cluster_pb.js";
import type { AddressSchema } from "../gen/envoy/config/core/v3/address_pb.js";
import type { Mesh } from "../model/mesh.ts";
import { routeNames } from "../model/names.ts";
import type { Ref } from "../model/object.ts";
import type { Proxy } from "../model/proxy.ts";
import type { Resource } from "../model/resource.ts";
import { servicesServedBy } from "../model/select.ts";
import { destinationRuleFor } from "../model/select-rules.ts";
import { isHttp } from "../model/service.ts";
import type { IngressListener } from "../model/sidecar.ts";
import { shortName } from "./clusters.ts";
import { metadata, socketAddress } from "./common.ts";
import { encode, type Init } from "./encode.ts";
import { httpFilterChain } from "./hcm.ts";
import { boundListener, tcpFilterChain } from "./listener.ts";
import { routeConfig } from "./route-config.ts";
import { inboundRoute } from "./routes.ts";
import { circuitBreakers, connectTimeoutMs, policyFor, protocolOptions } from "./traffic-policy.ts";

export interface Inbound {
  readonly mesh: Mesh;
  readonly proxy: Proxy;
  readonly listener: IngressListener;
  /** The Sidecar. */
  readonly owner: Ref;
}

/** Listener, cluster and, where the port speaks HTTP, routes. */
export function inboundResources(inbound: Inbound): readonly Resource[] {
  const { proxy, listener } = inbound;
  const { number: port, protocol } = listener.port;
  const address = listener.bind ?? proxy.ip;
  const name = routeNames.inbound(port);
  const statPrefix = `inbound_${address}_${port}`;
  const filters = isHttp(protocol)
    ? httpFilterChain({ side: "inbound", statPrefix, routeName: name })
    : tcpFilterChain(name);
  return [
    boundListener({ address, port, direction: "inbound", filters }),
    cluster(inbound, name),
    ...(isHttp(protocol) ? [routes(inbound, name)] : []),
  ];
}

function routes({ listener: { port }, owner }: Inbound, name: string): Resource {
  const route = inboundRoute(name, { isGrpc: port.protocol === "GRPC" });
  const host = { name: `inbound|http|${port.number}`, domains: ["*"], routes: [route] };
  return routeConfig({ name, hosts: [host], owners: [owner], ignoresPort: false });
}

/**
 * The application. Its limits are those that the service's DestinationRule sets for callers, as in Istio: else a server
 * would hold back, by Envoy's defaults, what its clients may send.
 */
function cluster(inbound: Inbound, name: string): Resource {
  const { mesh, proxy, listener, owner } = inbound;
  const served = servedAt(inbound);
  const rule = served[0] && destinationRuleFor(mesh, proxy, served[0].service);
  const pool = rule && served[0] && policyFor(served[0].port, rule.spec.trafficPolicy).connectionPool;
  const endpoint = { address: applicationAddress(listener, proxy) };
  const services = served.map(({ service }) => ({
    host: service.host,
    name: shortName(service),
    namespace: service.ref.namespace,
  }));
  return encode(
    "CDS",
    name,
    {
      name,
      clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.STATIC },
      connectTimeout: durationFromMs(pool?.tcp.connectTimeoutMs ?? connectTimeoutMs),
      circuitBreakers: circuitBreakers(pool),
      ...protocolOptions(listener.port.protocol, pool),
      loadAssignment: {
        clusterName: name,
        endpoints: [{ lbEndpoints: [{ hostIdentifier: { case: "endpoint", value: endpoint } }] }],
      },
      metadata: metadata({ istio: { services } }),
    },
    { owners: [owner, ...(rule?.from ?? [])] },
  );
}

/** The services, sorted by host, and their ports that lead to an ingress port. */
function servedAt({ mesh, proxy, listener }: Inbound) {
  return servicesServedBy(mesh, proxy)
    .flatMap(({ service, endpoint }) =>
      [...endpoint.ports].flatMap(([port, target]) => (target === listener.port.number ? [{ service, port }] : [])),
    )
    .toSorted((a, b) => (a.service.host < b.service.host ? -1 : 1));
}

/** `127.0.0.1:8080`, `0.0.0.0:8080` for the proxy's own address, `unix:///path`; by default the same port of loopback. */
function applicationAddress({ defaultEndpoint, port }: IngressListener, proxy: Proxy): Init<typeof AddressSchema> {
  const text = defaultEndpoint ?? `127.0.0.1:${port.number}`;
  if (text.startsWith("unix://")) return { address: { case: "pipe", value: { path: text.slice("unix://".length) } } };
  const colon = text.lastIndexOf(":");
  const host = text.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
  return socketAddress(host === "0.0.0.0" || host === "::" ? proxy.ip : host, Number(text.slice(colon + 1)));
}

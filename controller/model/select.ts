// Which objects of a mesh concern a proxy. Pure; the rules are Istio's (istio/istio pilot/pkg/model: push_context.go,
// sidecar.go, destination_rule.go), so that the YAML of a running mesh means the same here.

import { memo } from "./memo.ts";
import type { Endpoint, Mesh, MeshService, Routing } from "./mesh.ts";
import { resolveHost } from "./names.ts";
import { type MeshObject, matches } from "./object.ts";
import type { Proxy } from "./proxy.ts";
import { virtualServicesFor } from "./select-routes.ts";
import type { EgressListener } from "./sidecar.ts";
import { imports, isExported } from "./visibility.ts";

/**
 * The Sidecar that configures a proxy: of its namespace one whose selector fits, else one without selector; else the
 * root namespace's without selector. Gateways have none.
 */
export function sidecarFor(
  mesh: Pick<Mesh, "sidecars" | "settings">,
  proxy: Pick<Proxy, "type" | "namespace" | "labels">,
): MeshObject<"Sidecar"> | undefined {
  if (proxy.type === "router") return undefined;
  const own = mesh.sidecars.filter(({ meta }) => meta.namespace === proxy.namespace);
  const wide = ({ spec }: MeshObject<"Sidecar">): boolean => spec.workloadSelector === undefined;
  return (
    own.find(({ spec }) => spec.workloadSelector !== undefined && matches(spec.workloadSelector, proxy.labels)) ??
    own.find(wide) ??
    mesh.sidecars.find((object) => object.meta.namespace === mesh.settings.rootNamespace && wide(object))
  );
}

/** The Gateways whose selector fits a gateway proxy, in order of precedence. */
export function gatewaysFor(mesh: Pick<Mesh, "gateways">, proxy: Proxy): readonly MeshObject<"Gateway">[] {
  if (proxy.type !== "router") return [];
  return mesh.gateways.filter(({ spec }) => matches(spec.selector, proxy.labels));
}

/** A service that a proxy's own workload serves, and the workload's endpoint in it. */
export interface ServedService {
  readonly service: MeshService;
  readonly endpoint: Endpoint;
}

const served = memo<Mesh["endpoints"], ReadonlyMap<string, readonly ServedService[]>>();

/** The services that lead to a proxy's own workload: endpoints with its address, namespace and labels. */
export function servicesServedBy(
  { services, endpoints }: Pick<Mesh, "services" | "endpoints">,
  proxy: Proxy,
): readonly ServedService[] {
  const make = (): ReadonlyMap<string, readonly ServedService[]> => {
    const all = [...services.values()].flatMap((service) =>
      (endpoints.get(service.host) ?? []).map((endpoint) => ({ service, endpoint })),
    );
    return Map.groupBy(all, ({ endpoint }) => endpoint.address);
  };
  const byAddress = served(endpoints, "", make, [services]);
  const own = (byAddress.get(proxy.ip) ?? []).filter(
    ({ endpoint: { namespace, labels } }) => namespace === proxy.namespace && matches(labels, proxy.labels),
  );
  return own.filter(({ service }, i) => own.findIndex((other) => other.service === service) === i);
}

/**
 * The services that a proxy may call, sorted by host, as far as exportTo and its Sidecar allow; what the
 * VirtualServices that it sees lead to is included.
 *
 * @param egress only what this listener of its Sidecar brings. A listener with a port, unless that is an HTTP proxy,
 *               brings only this port of the services. Absent: everything.
 */
export function servicesVisibleTo(mesh: Routing, proxy: Proxy, egress?: EgressListener): readonly MeshService[] {
  const listeners = egress ? [egress] : (sidecarFor(mesh, proxy)?.spec.egress ?? [undefined]);
  const found = new Map<string, MeshService>();
  for (const listener of listeners) {
    for (const service of listenerServices(mesh, proxy, listener)) {
      const known = found.get(service.host);
      found.set(service.host, known ? withPortsOf(known, service) : service);
    }
  }
  return [...found.values()].toSorted((a, b) => (a.host < b.host ? -1 : 1));
}

function listenerServices(mesh: Routing, proxy: Proxy, listener: EgressListener | undefined): MeshService[] {
  const visible = [...mesh.services.values()].filter(({ exportTo, ref }) =>
    isExported(exportTo, { from: ref.namespace, to: proxy.namespace }),
  );
  if (!listener) return visible;
  const routed = new Set(
    virtualServicesFor(mesh, proxy, listener).flatMap(({ object }) => destinationHosts(object, mesh.settings.domain)),
  );
  const chosen = visible.filter(
    ({ host, ref }) => imports(listener, proxy, { host, namespace: ref.namespace }) || routed.has(host),
  );
  const { port } = listener;
  if (port === undefined || port.number === 0 || port.protocol === "HTTP_PROXY") return chosen;
  return chosen.flatMap((service) => {
    const ports = service.ports.filter(({ number }) => number === port.number);
    return ports.length > 0 ? [{ ...service, ports }] : [];
  });
}

function withPortsOf(service: MeshService, other: MeshService): MeshService {
  const added = other.ports.filter(({ number }) => !service.ports.some((port) => port.number === number));
  return added.length === 0 ? service : { ...service, ports: [...service.ports, ...added] };
}

function destinationHosts({ meta, spec }: MeshObject<"VirtualService">, domain: string): string[] {
  return spec.http.flatMap(({ route }) =>
    route.map(({ destination }) => resolveHost(destination.host, meta.namespace, domain)),
  );
}

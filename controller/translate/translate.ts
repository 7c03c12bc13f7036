import { codes } from "../model/codes.ts";
import type { Mesh } from "../model/mesh.ts";
import { refOf } from "../model/object.ts";
import type { Problem } from "../model/problem.ts";
import type { Proxy } from "../model/proxy.ts";
import type { Resource, Snapshot, XdsType } from "../model/resource.ts";
import { gatewaysFor, servicesVisibleTo, sidecarFor } from "../model/select.ts";
import { pluginsFor } from "../model/select-plugins.ts";
import { virtualServicesFor, virtualServicesForGateway } from "../model/select-routes.ts";
import { destinationRuleFor } from "../model/select-rules.ts";
import { clustersOf, fixedClusters } from "./clusters.ts";
import { gatewayPart } from "./gateway.ts";
import { join, type Part } from "./part.ts";
import { ratelimited } from "./retry.ts";
import type { RouteContext } from "./routes.ts";
import { inboundResources } from "./sidecar-inbound.ts";
import { sidecarOutbound } from "./sidecar-outbound.ts";
import { type PortView, slots } from "./slots.ts";

export interface Translation {
  readonly resources: Snapshot;
  /** In no particular order; the same for every proxy that an object concerns alike. */
  readonly problems: readonly Problem[];
}

/**
 * All that a proxy should have in a state of the mesh, but for its secrets. Pure: equal content gives equal bytes and versions, in every
 * process. An HTTP listener's bytes depend only on where it listens, what it speaks and which mutual TLS it takes; routes,
 * endpoints, plugins and secrets vary in RDS, EDS, ECDS and SDS, since a changed listener drains its connections.
 *
 * With interception a sidecar takes what is redirected to it; without, it listens where its Sidecar opens a port. A
 * gateway listens where a Gateway does.
 */
export function translate(mesh: Mesh, proxy: Proxy): Translation {
  const context: RouteContext = {
    proxy,
    services: mesh.services,
    domain: mesh.settings.domain,
    endable: pluginsFor(mesh, proxy, "outbound").some(({ plugin }) => plugin.module?.attach.includes("upstream")),
  };
  const listening = proxy.type === "router" ? gateway(mesh, context) : sidecar(mesh, context);
  const { resources, problems } = join([
    { resources: clusters(mesh, proxy), problems: context.endable ? strippedConditions(mesh, proxy) : [] },
    listening.part,
    slots(mesh, proxy, listening.view),
  ]);
  return { resources: snapshot(resources), problems };
}

function clusters(mesh: Mesh, proxy: Proxy): readonly Resource[] {
  const captured = proxy.type === "sidecar" && proxy.interception !== "NONE";
  const { settings } = mesh;
  const ofServices = servicesVisibleTo(mesh, proxy).flatMap((visible) => {
    const service = mesh.services.get(visible.host) ?? visible;
    const rule = destinationRuleFor(mesh, proxy, service);
    const ports = visible.ports.filter(({ protocol }) => protocol !== "UDP");
    return ports.flatMap((port) => clustersOf({ service, port, rule, settings, captured }));
  });
  return [...ofServices, ...fixedClusters];
}

interface Listening {
  readonly part: Part;
  readonly view: PortView;
}

function gateway(mesh: Mesh, context: RouteContext): Listening {
  const part = gatewayPart(mesh, context);
  return { part, view: { proxied: [], gateway: part.ports } };
}

function sidecar(mesh: Mesh, context: RouteContext): Listening {
  const { proxy } = context;
  const object = sidecarFor(mesh, proxy);
  const inbound = { resources: inboundResources(mesh, proxy, object), problems: [] };
  const { parts, proxied } = sidecarOutbound(mesh, context, object);
  return { part: join([inbound, ...parts]), view: { proxied } };
}

/** With `envoy-ratelimited` among its conditions Envoy would go on where a plugin says that there are no more retries. */
function strippedConditions(mesh: Mesh, proxy: Proxy): readonly Problem[] {
  const bound =
    proxy.type === "router"
      ? gatewaysFor(mesh, proxy).flatMap((one) => virtualServicesForGateway(mesh, proxy, one))
      : virtualServicesFor(mesh, proxy);
  return [...new Set(bound.map(({ object }) => object))].flatMap((object) =>
    object.spec.http.flatMap((http, index) => {
      if (!http.retries?.retryOn?.includes(ratelimited)) return [];
      const message = `has ${ratelimited}, which is left out: a plugin on the same proxies ends retries by that mark`;
      const path = ["spec", "http", index, "retries", "retryOn"];
      return [{ severity: "info", code: codes.strippedCondition, object: refOf(object), path, message } as const];
    }),
  );
}

/** The first of several resources of one name counts. */
function snapshot(resources: readonly Resource[]): Snapshot {
  const byType: Record<XdsType, Map<string, Resource>> = {
    CDS: new Map(),
    LDS: new Map(),
    EDS: new Map(),
    RDS: new Map(),
    ECDS: new Map(),
    SDS: new Map(),
  };
  for (const resource of resources) {
    const known = byType[resource.type];
    if (!known.has(resource.name)) known.set(resource.name, resource);
  }
  return byType;
}

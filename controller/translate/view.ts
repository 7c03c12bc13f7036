// What a proxy has for calls to others depends on little of the proxy itself: where it is, and which of the objects that
// choose by labels choose it. All proxies alike in that share one view, which is made once a mesh.
import { memo } from "../model/memo.ts";
import type { Mesh } from "../model/mesh.ts";
import { type Labels, matches, refOf, refText } from "../model/object.ts";
import type { Problem } from "../model/problem.ts";
import type { Proxy } from "../model/proxy.ts";
import type { Snapshot } from "../model/resource.ts";
import { servicesVisibleTo, sidecarFor } from "../model/select.ts";
import { pluginsFor } from "../model/select-plugins.ts";
import { destinationRuleFor } from "../model/select-rules.ts";
import { clustersOf, fixedClusters } from "./clusters.ts";
import { join } from "./part.ts";
import type { RouteContext } from "./routes.ts";
import { sidecarOutbound } from "./sidecar-outbound.ts";
import { snapshot } from "./snapshot.ts";

export interface View {
  readonly resources: Snapshot;
  readonly problems: readonly Problem[];
  /** Ports of the listeners that are HTTP proxies. */
  readonly proxied: readonly number[];
}

const views = memo<Mesh, View>();

/** Clusters and their endpoints; for sidecars also the listeners and routes of calls. */
export function viewOf(mesh: Mesh, proxy: Proxy): View {
  return views(mesh, viewKey(mesh, proxy), () => {
    const sidecar = sidecarFor(mesh, proxy);
    const context = routeContext(mesh, proxy);
    const outbound = proxy.type === "router" ? { parts: [], proxied: [] } : sidecarOutbound(mesh, context, sidecar);
    const { resources, problems } = join([{ resources: clusters(mesh, proxy), problems: [] }, ...outbound.parts]);
    return { resources: snapshot(resources), problems, proxied: outbound.proxied };
  });
}

export function routeContext(mesh: Mesh, proxy: Proxy): RouteContext {
  const { services, settings } = mesh;
  const endable = pluginsFor(mesh, proxy, "outbound").some(({ plugin }) => plugin.module?.attach.includes("upstream"));
  return { proxy, services, domain: settings.domain, endable };
}

const selectors = memo<Mesh, readonly Labels[]>();

/** Of all that `viewOf` reads of a proxy; two proxies with one key must get equal views. */
function viewKey(mesh: Mesh, proxy: Proxy): string {
  const { type, namespace, labels, interception } = proxy;
  const sidecar = sidecarFor(mesh, proxy);
  const chosen = selectors(mesh, "", () => [
    ...mesh.destinationRules.flatMap(({ spec }) => (spec.workloadSelector ? [spec.workloadSelector] : [])),
    ...mesh.virtualServices.flatMap(({ spec }) =>
      spec.http.flatMap(({ match }) => match.map(({ sourceLabels }) => sourceLabels)),
    ),
  ]).map((selector) => (matches(selector, labels) ? 1 : 0));
  const { endable } = routeContext(mesh, proxy);
  const named = sidecar && refText(refOf(sidecar));
  return JSON.stringify([type, namespace, interception, named, endable, chosen.join("")]);
}

function clusters(mesh: Mesh, proxy: Proxy) {
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

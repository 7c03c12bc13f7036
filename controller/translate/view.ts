// What a proxy has for calls to others depends on little of the proxy itself: where it is, and which of the objects that
// choose by labels choose it. All proxies alike in that share one view, which is made once a mesh. Most of it does not even
// change with the mesh: who may call what, and how, stays as it is while pods come and go.
import { memo } from "../model/memo.ts";
import { type Mesh, type Routing, routingParts } from "../model/mesh.ts";
import { type Labels, matches, refOf, refText } from "../model/object.ts";
import type { Problem } from "../model/problem.ts";
import type { Proxy } from "../model/proxy.ts";
import type { Snapshot } from "../model/resource.ts";
import { servicesVisibleTo, sidecarFor } from "../model/select.ts";
import { pluginsFor } from "../model/select-plugins.ts";
import { destinationRuleFor } from "../model/select-rules.ts";
import { podPart } from "./captured-pods.ts";
import type { TcpPort } from "./captured-tcp.ts";
import { clustersOf, fixedClusters, type PortClusters } from "./clusters.ts";
import { join } from "./part.ts";
import type { RouteContext } from "./routes.ts";
import { type SidecarOutbound, sidecarOutbound } from "./sidecar-outbound.ts";
import { merge, snapshot } from "./snapshot.ts";
import { routeTracing, spansClusters } from "./tracing.ts";

export interface View {
  readonly resources: Snapshot;
  readonly problems: readonly Problem[];
  /** Ports of the listeners that are HTTP proxies. */
  readonly proxied: readonly number[];
  /** Ports that TCP chains of calls are for. */
  readonly tcp: readonly number[];
}

const views = memo<Mesh, View>();

/** Clusters and their endpoints; for sidecars also the listeners and routes of calls. */
export function viewOf(mesh: Mesh, proxy: Proxy): View {
  const key = viewKey(mesh, proxy);
  return views(mesh, key, () => {
    const { resources, problems, clusters, pods, ...ports } = callsOf(mesh, routeContext(mesh, proxy), key);
    const ofServices = clusters.flatMap((one) => clustersOf(one, mesh.endpoints.get(one.service.host) ?? []));
    const ofPods = podPart(pods, mesh.endpoints);
    return {
      resources: merge(
        resources,
        snapshot([...ofServices, ...fixedClusters, ...spansClusters(mesh, proxy), ...ofPods.resources]),
      ),
      problems: [...problems, ...ofPods.problems],
      ...ports,
    };
  });
}

export function routeContext(mesh: Mesh, proxy: Proxy): RouteContext {
  const { services, settings } = mesh;
  const endable = pluginsFor(mesh, proxy, "outbound").some(({ plugin }) => plugin.module?.attach.includes("upstream"));
  return { proxy, services, domain: settings.domain, endable, tracing: routeTracing(mesh, proxy, "outbound") };
}

const selectors = memo<Mesh["destinationRules"], readonly Labels[]>();

/** Of all that a view reads of a proxy; two proxies with one key must get equal views. */
function viewKey(mesh: Mesh, proxy: Proxy): string {
  const { type, namespace, labels, interception } = proxy;
  const { destinationRules, virtualServices } = mesh;
  const sidecar = sidecarFor(mesh, proxy);
  const all = (): readonly Labels[] => [
    ...destinationRules.flatMap(({ spec }) => (spec.workloadSelector ? [spec.workloadSelector] : [])),
    ...virtualServices.flatMap(({ spec }) =>
      spec.http.flatMap(({ match }) => match.map(({ sourceLabels }) => sourceLabels)),
    ),
  ];
  const chosen = selectors(destinationRules, "", all, [virtualServices]).map((selector) =>
    matches(selector, labels) ? 1 : 0,
  );
  const { endable, tracing } = routeContext(mesh, proxy);
  const named = sidecar && refText(refOf(sidecar));
  const traced = [routeTracing(mesh, proxy, "inbound"), tracing];
  return JSON.stringify([type, namespace, interception, named, endable, traced, chosen.join("")]);
}

/** What of a view stays the same whoever serves. */
interface Calls extends View {
  readonly clusters: readonly PortClusters[];
  readonly pods: readonly TcpPort[];
}

const calls = memo<Mesh["services"], Calls>();

/** Made once for all meshes with the same parts. */
function callsOf(mesh: Routing, context: RouteContext, key: string): Calls {
  const make = (): Calls => {
    const { parts, ...outbound } = outboundOf(mesh, context);
    const { resources, problems } = join(parts);
    const clusters = portClusters(mesh, context.proxy);
    return { ...outbound, resources: snapshot(resources), problems, clusters };
  };
  const from = routingParts.map((part) => mesh[part]);
  return calls(mesh.services, key, make, from);
}

function outboundOf(mesh: Routing, context: RouteContext): SidecarOutbound {
  const { proxy } = context;
  if (proxy.type === "router") return { parts: [], pods: [], proxied: [], tcp: [] };
  return sidecarOutbound(mesh, context, sidecarFor(mesh, proxy));
}

function portClusters(mesh: Routing, proxy: Proxy): readonly PortClusters[] {
  const captured = proxy.type === "sidecar" && proxy.interception !== "NONE";
  const { settings } = mesh;
  return servicesVisibleTo(mesh, proxy).flatMap((visible) => {
    const service = mesh.services.get(visible.host) ?? visible;
    const rule = destinationRuleFor(mesh, proxy, service);
    const ports = visible.ports.filter(({ protocol }) => protocol !== "UDP");
    return ports.map((port) => ({ service, port, rule, settings, captured }));
  });
}

import type { RouteSchema } from "../gen/envoy/config/route/v3/route_components_pb.js";
import { memo } from "../model/memo.ts";
import type { MeshService } from "../model/mesh.ts";
import { clusterName, configPath, resolveHost } from "../model/names.ts";
import { type MeshObject, matches, refOf } from "../model/object.ts";
import type { Proxy } from "../model/proxy.ts";
import { isGatewayName, meshGateway } from "../model/select-routes.ts";
import type { Destination, HttpMatch, HttpRoute } from "../model/virtual-service.ts";
import { metadata } from "./common.ts";
import type { Init } from "./encode.ts";
import { headerOperations } from "./header-operations.ts";
import { inboundRetries, outboundRetries, type Retries } from "./retry.ts";
import {
  destinations,
  forFilters,
  limits,
  type RouteAction,
  redirect,
  rewrite,
  type Target,
  type Times,
  weighted,
} from "./route-action.ts";
import { isCatchAll, routeMatch } from "./route-match.ts";
import type { RouteTracing } from "./tracing.ts";

export type Route = Init<typeof RouteSchema>;

/** For whom routes are made. */
export interface RouteContext {
  readonly proxy: Proxy;
  /** Every service of the mesh, by host. */
  readonly services: ReadonlyMap<string, MeshService>;
  readonly domain: string;
  /** Whether a plugin on this proxy may end the retries of a request. */
  readonly endable: boolean;
  /** Of requests to others; absent: they are not traced. */
  readonly tracing?: RouteTracing | undefined;
}

/** Where a VirtualService's routes stand: the port that `match.port` is compared with, and the gateway. */
export interface RoutePlace {
  readonly port: number;
  readonly gateway: MeshObject<"Gateway"> | typeof meshGateway;
}

const made = memo<MeshObject, readonly Route[]>();

/**
 * The routes of a VirtualService at one place, in order, up to the first that takes every request. Empty where none of
 * them is meant for this place or proxy. Made once for all places and proxies that the same of them are meant for.
 */
export function virtualServiceRoutes(
  context: RouteContext,
  object: MeshObject<"VirtualService">,
  place: RoutePlace,
): readonly Route[] {
  const { domain, endable, services } = context;
  const matches = object.spec.http.flatMap((http) =>
    (http.match.length > 0 ? http.match : [undefined]).map((match) => ({ http, match })),
  );
  const meant = matches.map(({ match }) => !match || isMeantFor(match, { context, object, place }));
  const key = JSON.stringify([place.port, domain, endable, meant.map(Number)]);
  const from = object.spec.http.flatMap(({ route }) =>
    route.map(({ destination }) => services.get(resolveHost(destination.host, object.meta.namespace, domain))),
  );
  const make = (): readonly Route[] => {
    const own = matches.filter((_, i) => meant[i]);
    const last = own.findIndex(({ match }) => isCatchAll(routeMatch(match)));
    const reached = last < 0 ? own : own.slice(0, last + 1);
    return reached.map((one) => virtualServiceRoute(context, { object, ...one, port: place.port }));
  };
  return made(object, key, make, from);
}

interface MatchPlace {
  readonly context: RouteContext;
  readonly object: MeshObject;
  readonly place: RoutePlace;
}

function isMeantFor(match: HttpMatch, { context: { proxy }, object, place: { gateway, port } }: MatchPlace): boolean {
  const isOfGateway = (name: string): boolean =>
    gateway === meshGateway ? name === meshGateway : isGatewayName(name, object.meta.namespace, gateway);
  return (
    (match.port === undefined || match.port === port) &&
    (match.gateways === undefined || match.gateways.some(isOfGateway)) &&
    matches(match.sourceLabels, proxy.labels) &&
    (match.sourceNamespace === undefined || match.sourceNamespace === proxy.namespace)
  );
}

interface RouteSource {
  readonly object: MeshObject<"VirtualService">;
  readonly http: HttpRoute;
  readonly match: HttpMatch | undefined;
  readonly port: number;
}

function virtualServiceRoute(context: Omit<RouteContext, "proxy">, { object, http, match, port }: RouteSource): Route {
  const istio = { config: configPath({ ...refOf(object), kind: "VirtualService" }) };
  const route = {
    name: [http.name, match?.name].filter((part) => part !== undefined && part !== "").join("."),
    match: routeMatch(match),
    metadata: metadata({ istio }),
    ...headerOperations(http.headers),
  };
  if (http.redirect) return { ...route, action: { case: "redirect", value: redirect(http.redirect) } };
  if (http.directResponse) {
    const { status, body } = http.directResponse;
    const content = body === undefined ? {} : { body: { specifier: { case: "inlineString" as const, value: body } } };
    return { ...route, action: { case: "directResponse", value: { status, ...content } } };
  }
  const targetOf = (destination: Destination): Target => target(destination, { context, object, port });
  const [only, ...others] = weighted(http.route);
  return {
    ...route,
    ...(others.length === 0 ? headerOperations(http.headers, only?.headers) : {}),
    ...forwarding(
      { ...destinations(http.route, targetOf), ...rewrite(http) },
      { retries: outboundRetries(http.retries, context), istio, ...timesOf(http) },
    ),
  };
}

/** A destination without port: the service's only one, else the port that the request came for. */
function target(
  destination: Destination,
  { context, object, port }: { context: Omit<RouteContext, "proxy">; object: MeshObject; port: number },
): Target {
  const host = resolveHost(destination.host, object.meta.namespace, context.domain);
  const [only, ...others] = context.services.get(host)?.ports ?? [];
  return { host, port: destination.port ?? (only && others.length === 0 ? only.number : port) };
}

function timesOf({ timeoutMs = 0, deadline = {} }: HttpRoute): Times {
  return { timeoutMs, deadline };
}

interface Forwarding extends Times {
  readonly retries: Retries;
  readonly istio?: { config: string };
}

/** Where requests go, within which limits, and what filters must know of these. */
export function forwarding(
  action: RouteAction,
  { retries, istio, ...times }: Forwarding,
): Pick<Route, "action" | "metadata"> {
  return {
    action: { case: "route", value: { ...action, ...limits(retries, times.timeoutMs) } },
    metadata: metadata({ ...(istio ? { istio } : {}), "dev.sluice": forFilters(retries, times) }),
  };
}

const defaults = memo<MeshService, readonly Route[]>();

/** To a service that no VirtualService speaks of: one route for all requests. Made once for all proxies. */
export function defaultRoutes(service: MeshService, port: number): readonly Route[] {
  return defaults(service, `${port}`, () => {
    const cluster = clusterName({ direction: "outbound", subset: "", host: service.host, port });
    const action = { clusterSpecifier: { case: "cluster", value: cluster } } as const;
    const own = forwarding(action, { retries: outboundRetries(), timeoutMs: 0 });
    return [{ name: "default", match: routeMatch(), ...own }];
  });
}

/** To the proxy's own application. */
export function inboundRoute(cluster: string, { isGrpc }: { isGrpc: boolean }): Route {
  return {
    name: "default",
    match: routeMatch(),
    ...forwarding(
      { clusterSpecifier: { case: "cluster", value: cluster } },
      { retries: inboundRetries({ isGrpc }), timeoutMs: 0 },
    ),
  };
}

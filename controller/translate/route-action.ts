// What becomes of a request that a route takes.
import type { JsonObject } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import {
  RedirectAction_RedirectResponseCode,
  type RedirectActionSchema,
  type RouteActionSchema,
} from "../gen/envoy/config/route/v3/route_components_pb.js";
import { clusterName } from "../model/names.ts";
import type { HttpDestination, HttpRedirect, HttpRoute, RouteDeadline } from "../model/virtual-service.ts";
import type { Init } from "./encode.ts";
import { authorityOf, headerOperations } from "./header-operations.ts";
import { type Retries, retryOnText, retryPolicy } from "./retry.ts";

export type RouteAction = Init<typeof RouteActionSchema>;

/** A full host name and port. */
export interface Target {
  readonly host: string;
  readonly port: number;
}

/**
 * The destinations that get requests, of those with a weight above 0; Envoy refuses a sum of 0, for which the first
 * stands.
 */
export function weighted(route: readonly HttpDestination[]): readonly HttpDestination[] {
  const positive = route.filter(({ weight }) => weight > 0);
  return positive.length > 0 ? positive : route.slice(0, 1);
}

/** A cluster that does not exist answers 503, Istio's choice (Envoy's flag NC). */
export function destinations(
  route: readonly HttpDestination[],
  targetOf: (destination: HttpDestination["destination"]) => Target,
): Pick<RouteAction, "clusterSpecifier"> {
  const clusterOf = ({ destination }: HttpDestination): string =>
    clusterName({ direction: "outbound", subset: destination.subset ?? "", ...targetOf(destination) });
  const [first, ...others] = weighted(route);
  if (first === undefined) return {};
  if (others.length === 0) return { clusterSpecifier: { case: "cluster", value: clusterOf(first) } };
  const clusters = [first, ...others].map((one) => ({
    name: clusterOf(one),
    weight: one.weight,
    ...headerOperations(one.headers),
    ...hostRewrite(authorityOf(one.headers)),
  }));
  return { clusterSpecifier: { case: "weightedClusters", value: { clusters } } };
}

/** The route's own authority counts before that of its only destination. */
export function rewrite({
  rewrite: rule,
  headers,
  route,
}: HttpRoute): Pick<RouteAction, "prefixRewrite" | "hostRewriteSpecifier"> {
  const [only, ...others] = weighted(route);
  const ofDestination = others.length === 0 ? authorityOf(only?.headers) : undefined;
  return {
    ...(rule?.uri ? { prefixRewrite: rule.uri } : {}),
    ...hostRewrite(rule?.authority ?? authorityOf(headers) ?? ofDestination),
  };
}

function hostRewrite(authority: string | undefined): {
  hostRewriteSpecifier?: { case: "hostRewriteLiteral"; value: string };
} {
  return authority ? { hostRewriteSpecifier: { case: "hostRewriteLiteral", value: authority } } : {};
}

/** A timeout of 0 is none; left out, Envoy's would be 15 s. */
export function limits(retries: Retries, timeoutMs: number): Pick<RouteAction, "timeout" | "retryPolicy"> {
  const policy = retryPolicy(retries);
  return { timeout: durationFromMs(timeoutMs), ...(policy ? { retryPolicy: policy } : {}) };
}

/** How long a route's requests may take, and what the deadline filter is told of that. */
export interface Times {
  /** 0: any time. */
  readonly timeoutMs: number;
  readonly deadline?: RouteDeadline;
}

/** What the filters must know of a route, which they can't see themselves: metadata `dev.sluice`. */
export function forFilters(retries: Retries, { timeoutMs, deadline }: Times): JsonObject {
  return { retryOn: retryOnText(retries), attempts: retries.attempts, timeoutMs, ...deadline };
}

const redirectCodes = {
  301: RedirectAction_RedirectResponseCode.MOVED_PERMANENTLY,
  302: RedirectAction_RedirectResponseCode.FOUND,
  303: RedirectAction_RedirectResponseCode.SEE_OTHER,
  307: RedirectAction_RedirectResponseCode.TEMPORARY_REDIRECT,
  308: RedirectAction_RedirectResponseCode.PERMANENT_REDIRECT,
} as const;

/** A scheme's own port is not written into the location. */
export function redirect(rule: HttpRedirect): Init<typeof RedirectActionSchema> {
  const isUsual = rule.port === ((rule.scheme ?? "http") === "https" ? 443 : 80);
  return {
    hostRedirect: rule.authority ?? "",
    portRedirect: rule.port === undefined || isUsual ? 0 : rule.port,
    responseCode: redirectCodes[rule.redirectCode],
    ...(rule.uri ? { pathRewriteSpecifier: { case: "pathRedirect", value: rule.uri } } : {}),
    ...(rule.scheme ? { schemeRewriteSpecifier: { case: "schemeRedirect", value: rule.scheme } } : {}),
  };
}

import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  HeaderMatcherSchema,
  QueryParameterMatcherSchema,
  RouteMatchSchema,
} from "../gen/envoy/config/route/v3/route_components_pb.js";
import type { StringMatcherSchema } from "../gen/envoy/type/matcher/v3/string_pb.js";
import type { HttpMatch, StringMatch } from "../model/virtual-service.ts";
import { type Init, sorted } from "./encode.ts";

type RouteMatch = Init<typeof RouteMatchSchema>;
type HeaderMatcher = Init<typeof HeaderMatcherSchema>;

/** A match in Envoy's terms; absent: every request. Ports, sources and gateways are not a matter of the request. */
export function routeMatch(match?: HttpMatch): RouteMatch {
  if (!match) return { pathSpecifier: { case: "prefix", value: "/" } };
  const pseudo = { ":method": match.method, ":authority": match.authority, ":scheme": match.scheme };
  return {
    pathSpecifier: pathSpecifier(match.uri),
    caseSensitive: !match.ignoreUriCase,
    headers: [
      ...sorted(match.headers).map(([name, value]) => headerMatcher(name, value)),
      ...sorted(match.withoutHeaders).map(([name, value]) => withoutHeader(name, value)),
      ...Object.entries(pseudo).flatMap(([name, value]) => (value ? [headerMatcher(name, value)] : [])),
    ],
    queryParameters: sorted(match.queryParams).map(([name, value]) => queryParameter(name, value)),
  };
}

/** Whether every request matches, so that no later route is ever reached. */
export function isCatchAll(match: MessageInitShape<typeof RouteMatchSchema>): boolean {
  const { pathSpecifier, headers = [], queryParameters = [] } = match;
  const anyPath =
    (pathSpecifier?.case === "prefix" && pathSpecifier.value === "/") ||
    (pathSpecifier?.case === "safeRegex" && pathSpecifier.value.regex === ".*");
  return anyPath && headers.length === 0 && queryParameters.length === 0;
}

/** A prefix is of characters, not of path segments, as in Istio: `/api` also matches `/apiary`. */
function pathSpecifier(uri: StringMatch | undefined): NonNullable<RouteMatch["pathSpecifier"]> {
  if (!uri) return { case: "prefix", value: "/" };
  if ("exact" in uri) return { case: "path", value: uri.exact };
  if ("prefix" in uri) return { case: "prefix", value: uri.prefix };
  return { case: "safeRegex", value: { regex: uri.regex } };
}

function headerMatcher(name: string, value: StringMatch | "present"): HeaderMatcher {
  if (isPresence(value)) return { name, headerMatchSpecifier: { case: "presentMatch", value: true } };
  return { name, headerMatchSpecifier: { case: "stringMatch", value: stringMatcher(value) } };
}

/** A request without the header passes; Envoy would otherwise never match an absent header, inverted or not. */
function withoutHeader(name: string, value: StringMatch | "present"): HeaderMatcher {
  const inverted = { ...headerMatcher(name, value), invertMatch: true };
  return isPresence(value) ? inverted : { ...inverted, treatMissingHeaderAsEmpty: true };
}

function queryParameter(name: string, value: StringMatch | "present"): Init<typeof QueryParameterMatcherSchema> {
  if (isPresence(value)) return { name, queryParameterMatchSpecifier: { case: "presentMatch", value: true } };
  return { name, queryParameterMatchSpecifier: { case: "stringMatch", value: stringMatcher(value) } };
}

/** Also `regex: "*"`, by Istio's rule, and an empty prefix, which Envoy refuses. */
function isPresence(value: StringMatch | "present"): value is "present" {
  if (value === "present") return true;
  return ("regex" in value && value.regex === "*") || ("prefix" in value && value.prefix === "");
}

function stringMatcher(match: StringMatch): Init<typeof StringMatcherSchema> {
  if ("exact" in match) return { matchPattern: { case: "exact", value: match.exact } };
  if ("prefix" in match) return { matchPattern: { case: "prefix", value: match.prefix } };
  return { matchPattern: { case: "safeRegex", value: { regex: match.regex } } };
}

import * as z from "zod";
import type { HttpDestination, HttpRedirect, HttpRetry, HttpRoute } from "../model/virtual-service.ts";
import { durationMs } from "./duration.ts";
import { type Complaint, count, defined, dnsLabel, duration, host, port, text, whole, withRule } from "./fields.ts";
import { headerOperations, readHeaders } from "./http-headers.ts";
import { httpMatch, readMatch } from "./http-match.ts";
import { show } from "./issues.ts";
import { notYet, refused } from "./walk.ts";

const destination = z.strictObject({
  host: withRule(host(), (value) => (value === "*" ? [{ message: 'is "*": must be one host' }] : [])).describe(
    "Name of a service; short names are of the VirtualService's namespace.",
  ),
  subset: dnsLabel().optional().describe("A subset of the host's DestinationRule."),
  port: z.strictObject({ number: port() }).optional().describe("Required where the service has several ports."),
});

const routeDestination = z.strictObject({
  destination: destination.describe("The service."),
  weight: count()
    .max(2_147_483_647)
    .optional()
    .describe("Part of the sum of all weights. Default: 0, or all where it is alone."),
  headers: headerOperations.optional().describe("Changes on this way alone."),
});

/** Envoy's `total_weight` has 32 bits; it refuses a whole route configuration for one sum above. */
const weightSumMax = 2 ** 32 - 1;

const routes = withRule(z.array(routeDestination), (items) => {
  const sum = items.reduce((total, { weight = 0 }) => total + weight, 0);
  if (sum > weightSumMax)
    return [
      { message: `has weights that add up to ${sum}: at most ${weightSumMax}; divide them all by the same number` },
    ];
  return items.length > 1 && sum === 0
    ? [{ message: "has weights that add up to 0: total destination weight = 0; give each destination a weight" }]
    : [];
});

const redirectCodes = [301, 302, 303, 307, 308] as const;

const redirect = withRule(
  z.strictObject({
    uri: z.string().optional().describe("New path. Default: the request's."),
    authority: z.string().optional().describe("New host. Default: the request's."),
    scheme: z.enum(["http", "https"]).optional().describe("Default: the request's."),
    port: port().optional().describe("Default: the request's."),
    redirectCode: z.literal(redirectCodes).optional().describe("Default: 301."),
    derivePort: refused("is not supported yet; write port"),
    prefixRewrite: refused("is not supported yet; write uri"),
  }),
  ({ redirectCode: _, ...rest }) =>
    Object.keys(rest).length === 0 ? [{ message: "must specify URI, authority, scheme, or port" }] : [],
);

const directResponse = z.strictObject({
  status: whole().min(200).max(599).describe("HTTP status."),
  body: z
    .strictObject({
      string: z.string().max(1_000_000).optional().describe("Text."),
      bytes: refused("is not supported yet; write string"),
    })
    .optional()
    .describe("Default: empty."),
});

const rewrite = withRule(
  z.strictObject({
    uri: z.string().optional().describe("Replaces the path, or the matched prefix."),
    authority: z.string().optional().describe("Replaces the host."),
    uriRegexRewrite: refused("is not supported yet: requests would keep their path"),
  }),
  (value) => (Object.keys(value).length === 0 ? [{ message: "must specify at least one of uri or authority" }] : []),
);

/** Envoy's retry conditions for HTTP and gRPC; status codes count as numbers. */
const retryConditions = [
  "5xx",
  "gateway-error",
  "reset",
  "reset-before-request",
  "connect-failure",
  "envoy-ratelimited",
  "retriable-4xx",
  "refused-stream",
  "retriable-status-codes",
  "retriable-headers",
  "http3-post-connect-failure",
  "cancelled",
  "deadline-exceeded",
  "internal",
  "resource-exhausted",
  "unavailable",
];

const retryOn = text((value) => {
  const wrong = conditions(value).find((one) => !retryConditions.includes(one) && !/^[1-5]\d\d$/.test(one));
  return wrong === undefined
    ? undefined
    : `${show(wrong)} is not a retry condition; known: ${retryConditions.join(", ")}, and status codes`;
});

function conditions(value: string): string[] {
  return value
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "");
}

const retries = withRule(
  z.strictObject({
    attempts: whole().min(0).optional().describe("Retries after the first attempt; 0: none."),
    perTryTimeout: duration({ zero: true })
      .optional()
      .describe("Of each attempt; 0s: none. Default: the route's timeout."),
    retryOn: retryOn.optional().describe("Envoy's conditions and status codes, separated by commas. Default: Istio's."),
    backoff: duration().optional().describe("Base interval between retries. Default: 25ms."),
    retryRemoteLocalities: notYet(),
    retryIgnorePreviousHosts: notYet(),
  }),
  ({ attempts, perTryTimeout, retryOn: on }) =>
    attempts === 0 && (perTryTimeout !== undefined || on !== undefined)
      ? [
          {
            path: ["attempts"],
            message: "is 0, which turns retries off: perTryTimeout and retryOn can't stand beside it",
          },
        ]
      : [],
);

const route = z.strictObject({
  name: z.string().optional().describe("For people. Default: none."),
  match: z.array(httpMatch).optional().describe("Any one must match. Default: everything does."),
  route: routes.optional().describe("Where requests go."),
  redirect: redirect.optional().describe("The client is sent elsewhere."),
  directResponse: directResponse.optional().describe("Answered without a service."),
  rewrite: rewrite.optional().describe("Changes the request before it goes on."),
  timeout: duration({ zero: true })
    .optional()
    .describe("Of the whole request, retries included; 0s: none. Default: none."),
  retries: retries.optional().describe("Default: Istio's, 2 retries on connection failures."),
  headers: headerOperations.optional().describe("Changes on all ways."),
  fault: notYet(),
  mirror: notYet(),
  mirrors: notYet(),
  mirrorPercent: notYet(),
  mirrorPercentage: notYet(),
  corsPolicy: notYet(),
  delegate: refused("is not supported yet; write the routes here"),
});

/** One entry of `spec.http`. */
export const httpRoute = withRule(route, (value) => {
  const actions = [
    value.route?.length ? "route" : "",
    value.redirect && "redirect",
    value.directResponse && "directResponse",
  ].filter((name) => name);
  const complaints: Complaint[] = [];
  if (actions.length === 0 && value.delegate === undefined)
    complaints.push({ message: "has no action: HTTP route, redirect or direct_response is required" });
  if (actions.length > 1)
    complaints.push({ message: `has ${actions.join(" and ")}: only one of them can be the answer` });
  if (value.rewrite && !value.route?.length)
    complaints.push({ path: ["rewrite"], message: "has an effect only on a route to a service" });
  return complaints;
});

function readDestination(input: z.output<typeof routeDestination>, alone: boolean): HttpDestination {
  const { destination: to, weight, headers } = input;
  return defined({
    destination: defined({ host: to.host.toLowerCase(), subset: to.subset, port: to.port?.number }),
    weight: alone ? 100 : (weight ?? 0),
    headers: headers && readHeaders(headers),
  });
}

function readRedirect({ uri, authority, scheme, port: number, redirectCode }: z.output<typeof redirect>): HttpRedirect {
  return defined({ uri, authority, scheme, port: number, redirectCode: redirectCode ?? 301 });
}

function readRetries({ attempts, perTryTimeout, retryOn: on, backoff }: z.output<typeof retries>): HttpRetry {
  return defined({
    attempts: attempts ?? 0,
    perTryTimeoutMs: perTryTimeout === undefined ? undefined : durationMs(perTryTimeout),
    retryOn: on === undefined || conditions(on).length === 0 ? undefined : conditions(on),
    backoffMs: backoff === undefined ? undefined : durationMs(backoff),
  });
}

export function readRoute(input: z.output<typeof route>): HttpRoute {
  const { timeout, directResponse: direct, rewrite: rewritten } = input;
  return defined({
    name: input.name,
    match: (input.match ?? []).map(readMatch),
    route: (input.route ?? []).map((one, _, { length }) => readDestination(one, length === 1)),
    redirect: input.redirect && readRedirect(input.redirect),
    directResponse: direct && defined({ status: direct.status, body: direct.body?.string }),
    rewrite: rewritten && defined({ uri: rewritten.uri, authority: rewritten.authority }),
    timeoutMs: timeout === undefined ? undefined : durationMs(timeout),
    retries: input.retries && readRetries(input.retries),
    headers: input.headers && readHeaders(input.headers),
  });
}

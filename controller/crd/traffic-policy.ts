import * as z from "zod";
import type { ConnectionPool, OutlierDetection, TrafficPolicy } from "../model/destination-rule.ts";
import { clientTls, readClientTls } from "./client-tls.ts";
import { durationMs } from "./duration.ts";
import { type Complaint, count, defined, duplicates, duration, percent, port, whole, withRule } from "./fields.ts";
import { notYet } from "./walk.ts";

const loadBalancer = z.strictObject({
  simple: z
    .enum(["UNSPECIFIED", "LEAST_CONN", "RANDOM", "PASSTHROUGH", "ROUND_ROBIN", "LEAST_REQUEST"])
    .optional()
    .describe("Default: LEAST_REQUEST."),
  consistentHash: notYet(),
  localityLbSetting: notYet(),
  zoneAwareLbSetting: notYet(),
  warmupDurationSecs: notYet(),
  warmup: notYet(),
});

const limit = () => whole().min(0).max(2_147_483_647).optional();

const tcp = z.strictObject({
  maxConnections: limit().describe("Default: no limit."),
  connectTimeout: duration().optional().describe("Default: 10s."),
  idleTimeout: duration({ zero: true }).optional().describe("Default: 1h; 0s: none."),
  maxConnectionDuration: duration().optional().describe("Default: none."),
  tcpKeepalive: notYet(),
});

const http = z.strictObject({
  http1MaxPendingRequests: limit().describe("Requests that wait for a connection. Default: no limit."),
  http2MaxRequests: limit().describe("Requests in flight. Default: no limit."),
  maxRequestsPerConnection: limit().describe("1: no keep-alive. Default: no limit."),
  maxRetries: limit().describe("Retries in flight. Default: no limit."),
  idleTimeout: duration().optional().describe("Of connections without requests. Default: 1h."),
  maxConcurrentStreams: limit().describe("Of an HTTP/2 connection."),
  h2UpgradePolicy: z.enum(["DEFAULT", "DO_NOT_UPGRADE", "UPGRADE"]).optional().describe("Default: DEFAULT."),
  useClientProtocol: notYet(),
  http2KeepAlive: notYet(),
});

const connectionPool = withRule(
  z.strictObject({
    tcp: tcp.optional().describe("Limits of connections."),
    http: http.optional().describe("Limits of requests."),
  }),
  (value) => (value.tcp || value.http ? [] : [{ message: "is empty: write tcp or http" }]),
);

/** Istio's API takes a null for such a count, which is not set then. */
const failures = count().meta({ nullable: true });

const outlierDetection = withRule(
  z.strictObject({
    consecutive5xxErrors: failures.optional().describe("0: off. Default: 5."),
    consecutiveGatewayErrors: failures.optional().describe("502, 503 and 504 in a row. Default: off."),
    consecutiveLocalOriginFailures: failures.optional().describe("Needs splitExternalLocalOriginErrors. Default: 5."),
    splitExternalLocalOriginErrors: z.boolean().optional().describe("Default: false."),
    interval: duration().optional().describe("Between two looks at the hosts. Default: 10s."),
    baseEjectionTime: duration().optional().describe("Times the number of ejections. Default: 30s."),
    maxEjectionPercent: percent().optional().describe("Of the hosts that can be ejected. Default: 10."),
    minHealthPercent: percent().optional().describe("Below it, ejection stops. Default: 0."),
    consecutiveErrors: notYet("has no effect; write consecutive5xxErrors or consecutiveGatewayErrors"),
    outlierDetectionHttpErrorCodes: notYet(),
  }),
  ({ consecutiveLocalOriginFailures: failures = 0, splitExternalLocalOriginErrors: split }) =>
    failures > 0 && split !== true
      ? [{ path: ["consecutiveLocalOriginFailures"], message: "needs splitExternalLocalOriginErrors: true" }]
      : [],
);

const policyShape = {
  loadBalancer: loadBalancer.optional().describe("Which endpoint gets a request."),
  connectionPool: connectionPool.optional().describe("Limits of each client: the circuit breaker."),
  outlierDetection: outlierDetection.optional().describe("Endpoints that fail get no requests for a while."),
  tls: clientTls.optional().describe("Default: mutual TLS with the endpoints that take it."),
};

const portPolicy = z.strictObject({
  port: z.strictObject({ number: port() }).describe("Port of the service."),
  ...policyShape,
});

const policy = z.strictObject({
  ...policyShape,
  portLevelSettings: withRule(z.array(portPolicy), (items) =>
    duplicates(
      items,
      { of: (one) => one.port.number, path: (i) => [i, "port", "number"] },
      (number) => `is ${number}: another entry has the same port`,
    ),
  )
    .optional()
    .describe("For single ports; replaces the other settings as a whole."),
  tunnel: notYet(),
  proxyProtocol: notYet(),
  retryBudget: notYet("has no effect yet; the plugin builtin://retry-budget limits retries"),
});

/** How clients treat a service, or a subset of it. */
export const trafficPolicy = withRule(policy, (value): Complaint[] =>
  Object.keys(value).length === 0 ? [{ message: "is empty: traffic policy must have at least one field" }] : [],
);

type PolicyInput = z.output<typeof policy>;
type PartsInput = Omit<z.output<typeof portPolicy>, "port">;

const maybeMs = (text: string | undefined): number | undefined => (text === undefined ? undefined : durationMs(text));

function readConnectionPool({ tcp: own, http: requests }: z.output<typeof connectionPool>): ConnectionPool {
  return {
    tcp: defined({
      maxConnections: own?.maxConnections,
      connectTimeoutMs: maybeMs(own?.connectTimeout),
      idleTimeoutMs: maybeMs(own?.idleTimeout),
      maxConnectionDurationMs: maybeMs(own?.maxConnectionDuration),
    }),
    http: defined({
      http1MaxPendingRequests: requests?.http1MaxPendingRequests,
      http2MaxRequests: requests?.http2MaxRequests,
      maxRequestsPerConnection: requests?.maxRequestsPerConnection,
      maxRetries: requests?.maxRetries,
      idleTimeoutMs: maybeMs(requests?.idleTimeout),
      maxConcurrentStreams: requests?.maxConcurrentStreams,
      h2UpgradePolicy: requests?.h2UpgradePolicy,
    }),
  };
}

function readOutlierDetection(input: z.output<typeof outlierDetection>): OutlierDetection {
  return defined({
    consecutive5xxErrors: input.consecutive5xxErrors,
    consecutiveGatewayErrors: input.consecutiveGatewayErrors,
    consecutiveLocalOriginFailures: input.consecutiveLocalOriginFailures,
    splitExternalLocalOriginErrors: input.splitExternalLocalOriginErrors ?? false,
    intervalMs: durationMs(input.interval ?? "10s"),
    baseEjectionTimeMs: durationMs(input.baseEjectionTime ?? "30s"),
    maxEjectionPercent: input.maxEjectionPercent ?? 10,
    minHealthPercent: input.minHealthPercent ?? 0,
  });
}

function readLoadBalancer(input: z.output<typeof loadBalancer> | undefined): TrafficPolicy["loadBalancer"] {
  const simple = input?.simple;
  if (simple === "UNSPECIFIED") return undefined;
  return simple === "LEAST_CONN" ? "LEAST_REQUEST" : simple; // LEAST_CONN is LEAST_REQUEST's deprecated name
}

function readParts(input: PartsInput): Omit<TrafficPolicy, "portLevelSettings"> {
  return defined({
    loadBalancer: readLoadBalancer(input.loadBalancer),
    connectionPool: input.connectionPool && readConnectionPool(input.connectionPool),
    outlierDetection: input.outlierDetection && readOutlierDetection(input.outlierDetection),
    tls: input.tls && readClientTls(input.tls),
  });
}

/** No policy: nothing set. */
export function readTrafficPolicy(input: PolicyInput = {}): TrafficPolicy {
  return defined({
    ...readParts(input),
    portLevelSettings: input.portLevelSettings?.map((one) => ({ ...readParts(one), port: one.port.number })),
  });
}

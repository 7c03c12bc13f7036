// What a DestinationRule makes of a cluster, as Istio merges and maps it.
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import type { CircuitBreakersSchema } from "../gen/envoy/config/cluster/v3/circuit_breaker_pb.js";
import type { OutlierDetectionSchema } from "../gen/envoy/config/cluster/v3/outlier_detection_pb.js";
import { HttpProtocolOptionsSchema } from "../gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js";
import type { ConnectionPool, OutlierDetection, TrafficPolicy } from "../model/destination-rule.ts";
import { isHttp, type Protocol } from "../model/service.ts";
import { any, type Init } from "./encode.ts";
import type { HttpVersion } from "./tls.ts";

/** No limit (2^32 - 1): Envoy's own limits (3 retries, 1024 connections, …) would surprise users of Istio. */
const unlimited = 0xffff_ffff;

export const connectTimeoutMs = 10_000;

/**
 * The policy for one port: a subset's parts replace the rule's; settings for the port replace all others, and what
 * they leave out is the default, not inherited.
 */
export function policyFor(port: number, rule: TrafficPolicy, subset: TrafficPolicy = {}): TrafficPolicy {
  const { portLevelSettings: _, ...base } = forPort(port, rule);
  return forPort(port, { ...base, ...subset });
}

function forPort(port: number, policy: TrafficPolicy): TrafficPolicy {
  return policy.portLevelSettings?.find((settings) => settings.port === port) ?? policy;
}

export function circuitBreakers(pool?: ConnectionPool): Init<typeof CircuitBreakersSchema> {
  return {
    thresholds: [
      {
        maxConnections: limit(pool?.tcp.maxConnections),
        maxPendingRequests: limit(pool?.http.http1MaxPendingRequests),
        maxRequests: limit(pool?.http.http2MaxRequests),
        maxRetries: limit(pool?.http.maxRetries),
        trackRemaining: true,
      },
    ],
  };
}

/** 0 is no limit, as in Istio. */
function limit(value: number | undefined): number {
  return value === undefined || value === 0 ? unlimited : value;
}

/** Ejection by success rate stays off, and only what is set above 0 ejects. */
export function outlierDetection(outlier: OutlierDetection): Init<typeof OutlierDetectionSchema> {
  const { consecutive5xxErrors, consecutiveGatewayErrors, consecutiveLocalOriginFailures: local = 0 } = outlier;
  return {
    ...(consecutive5xxErrors === undefined
      ? {}
      : { consecutive5xx: consecutive5xxErrors, enforcingConsecutive5xx: consecutive5xxErrors > 0 ? 100 : 0 }),
    ...(consecutiveGatewayErrors === undefined
      ? {}
      : {
          consecutiveGatewayFailure: consecutiveGatewayErrors,
          enforcingConsecutiveGatewayFailure: consecutiveGatewayErrors > 0 ? 100 : 0,
        }),
    ...(outlier.splitExternalLocalOriginErrors
      ? {
          splitExternalLocalOriginErrors: true,
          enforcingLocalOriginSuccessRate: 0,
          ...(local > 0 ? { consecutiveLocalOriginFailure: local, enforcingConsecutiveLocalOriginFailure: 100 } : {}),
        }
      : {}),
    interval: durationFromMs(outlier.intervalMs),
    baseEjectionTime: durationFromMs(outlier.baseEjectionTimeMs),
    maxEjectionPercent: outlier.maxEjectionPercent,
    enforcingSuccessRate: 0,
  };
}

type ProtocolOptions = Init<typeof HttpProtocolOptionsSchema>;

/** Options by which Envoy speaks HTTP to a cluster; empty where its defaults (HTTP/1.1, no limits) will do, and for TCP. */
export function protocolOptions(protocol: Protocol, pool?: ConnectionPool): ClusterProtocolOptions {
  const version = httpVersion(protocol, pool);
  if (!version) return {};
  const { http, tcp } = pool ?? { http: {}, tcp: {} };
  const isHttp2 = version === "h2";
  const idleTimeoutMs = http.idleTimeoutMs ?? tcp.idleTimeoutMs;
  const common: NonNullable<ProtocolOptions["commonHttpProtocolOptions"]> = {
    ...(idleTimeoutMs === undefined ? {} : { idleTimeout: durationFromMs(idleTimeoutMs) }),
    ...(tcp.maxConnectionDurationMs === undefined
      ? {}
      : { maxConnectionDuration: durationFromMs(tcp.maxConnectionDurationMs) }),
    ...(http.maxRequestsPerConnection ? { maxRequestsPerConnection: http.maxRequestsPerConnection } : {}),
  };
  if (!isHttp2 && Object.keys(common).length === 0) return {};
  const http2 = http.maxConcurrentStreams ? { maxConcurrentStreams: http.maxConcurrentStreams } : {};
  const options = any(HttpProtocolOptionsSchema, {
    commonHttpProtocolOptions: common,
    upstreamProtocolOptions: {
      case: "explicitHttpConfig",
      value: {
        protocolConfig: isHttp2
          ? { case: "http2ProtocolOptions", value: http2 }
          : { case: "httpProtocolOptions", value: {} },
      },
    },
  });
  return { typedExtensionProtocolOptions: { [HttpProtocolOptionsSchema.typeName]: options } };
}

/** HTTP/2 for callers that speak it, else HTTP/1.1: of what is no service nobody says what it speaks. */
export const callersProtocol: ClusterProtocolOptions = {
  typedExtensionProtocolOptions: {
    [HttpProtocolOptionsSchema.typeName]: any(HttpProtocolOptionsSchema, {
      upstreamProtocolOptions: {
        case: "useDownstreamProtocolConfig",
        value: { httpProtocolOptions: {}, http2ProtocolOptions: {} },
      },
    }),
  },
};

export interface ClusterProtocolOptions {
  typedExtensionProtocolOptions?: Record<string, ReturnType<typeof any>>;
}

/** Of HTTP which version a cluster speaks; `undefined` for what is no HTTP. */
export function httpVersion(protocol: Protocol, pool?: ConnectionPool): HttpVersion | undefined {
  if (!isHttp(protocol)) return undefined;
  const isUpgraded = protocol === "HTTP" && pool?.http.h2UpgradePolicy === "UPGRADE";
  return protocol === "HTTP2" || protocol === "GRPC" || isUpgraded ? "h2" : "http/1.1";
}

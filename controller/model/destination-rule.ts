import type { Labels } from "./object.ts";

/** Istio DestinationRule (networking.istio.io). Durations in milliseconds. */
export interface DestinationRule {
  /** As written; short names are of the rule's own namespace. */
  readonly host: string;
  readonly trafficPolicy: TrafficPolicy;
  readonly subsets: readonly Subset[];
  readonly exportTo: readonly string[];
  /** Client workloads of the same namespace; absent: all. */
  readonly workloadSelector?: Labels;
}

export interface Subset {
  readonly name: string;
  readonly labels: Labels;
  /** Only what the subset sets itself; the rest comes from the rule. */
  readonly trafficPolicy: TrafficPolicy;
}

/** Each part absent: the parent's, in the end Istio's default. */
export interface TrafficPolicy {
  readonly loadBalancer?: "LEAST_REQUEST" | "ROUND_ROBIN" | "RANDOM" | "PASSTHROUGH";
  readonly connectionPool?: ConnectionPool;
  readonly outlierDetection?: OutlierDetection;
  /** Absent: mutual TLS with the endpoints that take it, plain text with the others. */
  readonly tls?: ClientTls;
  readonly portLevelSettings?: readonly (Omit<TrafficPolicy, "portLevelSettings"> & { readonly port: number })[];
}

/** How clients encrypt. DISABLE: not at all; ISTIO_MUTUAL: with the mesh's own certificates; SIMPLE: as a browser does. */
export interface ClientTls {
  readonly mode: "DISABLE" | "ISTIO_MUTUAL" | "SIMPLE";
  /** Absent: the host (SIMPLE), the mesh's own form (ISTIO_MUTUAL). */
  readonly sni?: string;
  /** Names of which the server's certificate must have one; empty: the host (SIMPLE), the service accounts of the endpoints (ISTIO_MUTUAL). */
  readonly subjectAltNames: readonly string[];
  /** SIMPLE: a file with roots of trust on the proxy; absent: the system's. */
  readonly caCertificates?: string;
  /** SIMPLE: any certificate will do. */
  readonly insecureSkipVerify: boolean;
}

export interface ConnectionPool {
  readonly tcp: {
    readonly maxConnections?: number;
    readonly connectTimeoutMs?: number;
    readonly idleTimeoutMs?: number;
    readonly maxConnectionDurationMs?: number;
  };
  readonly http: {
    readonly http1MaxPendingRequests?: number;
    readonly http2MaxRequests?: number;
    readonly maxRequestsPerConnection?: number;
    readonly maxRetries?: number;
    readonly idleTimeoutMs?: number;
    readonly maxConcurrentStreams?: number;
    readonly h2UpgradePolicy?: "DEFAULT" | "DO_NOT_UPGRADE" | "UPGRADE";
  };
}

export interface OutlierDetection {
  /** Absent: 5; 0: off. */
  readonly consecutive5xxErrors?: number;
  /** Absent or 0: off. */
  readonly consecutiveGatewayErrors?: number;
  readonly consecutiveLocalOriginFailures?: number;
  readonly splitExternalLocalOriginErrors: boolean;
  /** Default 10 s. */
  readonly intervalMs: number;
  /** Default 30 s. */
  readonly baseEjectionTimeMs: number;
  /** 0 to 100; default 10. */
  readonly maxEjectionPercent: number;
  /** 0 to 100; default 0: no panic threshold. */
  readonly minHealthPercent: number;
}

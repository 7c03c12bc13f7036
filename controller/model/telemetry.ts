import type { Labels } from "./object.ts";

/** Istio's metrics, as Prometheus has them behind `istio_`. */
export const metricNames = [
  "requests_total",
  "request_duration_milliseconds",
  "request_bytes",
  "response_bytes",
  "request_messages_total",
  "response_messages_total",
  "tcp_sent_bytes_total",
  "tcp_received_bytes_total",
  "tcp_connections_opened_total",
  "tcp_connections_closed_total",
] as const;
export type MetricName = (typeof metricNames)[number];

const isOfConnections = (name: MetricName): boolean => name.startsWith("tcp_");

/** What the filter counts where it stands among the filters of requests, and where among those of TCP connections. */
export const metricsOf = {
  requests: metricNames.filter((name) => !isOfConnections(name)),
  connections: metricNames.filter(isOfConnections),
} as const;

/**
 * Labels of Istio's standard metrics. The telemetry filter writes them into a metric's name as `label=.=value;.;`,
 * from which these tags take them out again.
 */
export const istioLabels = [
  "reporter",
  "source_workload",
  "source_canonical_service",
  "source_canonical_revision",
  "source_workload_namespace",
  "source_principal",
  "source_app",
  "source_version",
  "source_cluster",
  "destination_workload",
  "destination_workload_namespace",
  "destination_principal",
  "destination_app",
  "destination_version",
  "destination_service",
  "destination_canonical_service",
  "destination_canonical_revision",
  "destination_service_name",
  "destination_service_namespace",
  "destination_cluster",
  "request_protocol",
  "response_code",
  "grpc_response_status",
  "response_flags",
  "connection_security_policy",
] as const;

/** Istio Telemetry (telemetry.istio.io). Each list is in the order in which it is applied. */
export interface Telemetry {
  /** Absent: all workloads of the namespace; in the root namespace without labels, of the mesh. */
  readonly selector?: Labels;
  readonly metrics: readonly MetricsRule[];
  readonly accessLogging: readonly AccessLoggingRule[];
  readonly tracing: readonly TracingRule[];
}

/** CLIENT: outbound and gateways; SERVER: inbound. */
export type WorkloadMode = "CLIENT" | "SERVER" | "CLIENT_AND_SERVER";

/** What can take each kind of telemetry. There is one of each, by Istio's name. */
export const providers = { metrics: "prometheus", accessLogging: "envoy", tracing: "zipkin" } as const;

interface Rule {
  /** Names; empty: those of the rule before, at first the only one of {@link providers}. */
  readonly providers: readonly string[];
}

export interface MetricsRule extends Rule {
  /** How often what is open is counted; absent: as the rule before says, at first every 5 s. */
  readonly reportingIntervalMs?: number;
  readonly overrides: readonly MetricsOverride[];
}

export interface MetricsOverride {
  readonly metrics: readonly MetricName[];
  readonly mode: WorkloadMode;
  /** Absent: as it is. */
  readonly disabled?: boolean;
  /** By label; CEL, or none for a label that is left out. */
  readonly tags: ReadonlyMap<string, { readonly value: string } | "REMOVE">;
}

export interface AccessLoggingRule extends Rule {
  readonly mode: WorkloadMode;
  readonly disabled: boolean;
  /** CEL: only requests and connections of which it is true. */
  readonly filter?: string;
}

/** What is absent stays as the rule before says. */
export interface TracingRule extends Rule {
  readonly mode: WorkloadMode;
  /** 0 to 100, of the requests about which nobody has decided yet. */
  readonly samplingPercent?: number;
  readonly disableSpanReporting?: boolean;
  /** By name; they replace those of the rule before. */
  readonly customTags?: ReadonlyMap<string, CustomTag>;
  readonly enableIstioTags?: boolean;
}

/** The value itself, one of Envoy's format strings, or where it comes from: the proxy's environment or a header of the request. */
export type CustomTag =
  | { readonly from: "literal" | "format"; readonly value: string }
  | { readonly from: "environment" | "header"; readonly name: string; readonly defaultValue: string };

// Istio's labels in Istio's order. The bootstrap of every proxy has a stats tag for each of them.

export const LABELS: string[] = [
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
];

const SOURCE = 1;
const DESTINATION = 9;
/** So many labels say who the peers are. */
export const PEERS = 20;
/** Place of `response_code`. */
export const OUTCOME = 21;
/** Place of `response_flags`. */
export const FLAGS = 23;
const SECURITY = 24;

/** Takes the place of values that there were too many of. */
const OTHER = "other";

/**
 * Replaces what the values say of the other end: the caller's labels at the server, the destination's at the client; and what
 * expressions say, which is mostly of the caller.
 */
export function forgetPeer(values: string[], isInbound: bool): void {
  if (isInbound) values.fill(OTHER, SOURCE, DESTINATION);
  else values.fill(OTHER, DESTINATION, PEERS);
  values.fill(OTHER, LABELS.length);
}

/** Replaces response code, gRPC status and flags. */
export function forgetOutcome(values: string[]): void {
  values.fill(OTHER, OUTCOME, SECURITY);
}

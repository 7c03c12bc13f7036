import type { Labels } from "./object.ts";

// The names under which telemetry and graphs know a workload, by Istio's rule (istio/istio pkg/model canonical names).

/** Name of the service a workload is a part of: its label, else the workload's own name. */
export function canonicalService(labels: Labels, workload: string): string {
  return labels["service.istio.io/canonical-name"] ?? labels["app.kubernetes.io/name"] ?? labels["app"] ?? workload;
}

/** Version of that service; `latest` where no label says. */
export function canonicalRevision(labels: Labels): string {
  return (
    labels["service.istio.io/canonical-revision"] ??
    labels["app.kubernetes.io/version"] ??
    labels["version"] ??
    "latest"
  );
}

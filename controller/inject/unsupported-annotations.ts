import type { Texts } from "./pod.ts";

const ownStatistics = "the proxy's statistics and their labels are the mesh's";

/** Istio's that have no effect, and what is so instead: what they ask for would be missed in silence otherwise. */
const unsupported: Texts = {
  "prometheus.istio.io/merge-metrics": "nothing merges metrics; those of the application are scraped at its own port",
  "proxy.istio.io/config":
    "the proxy's settings are the mesh's; the application waits for its proxy where it is a native sidecar",
  "sidecar.istio.io/agentLogLevel": "there is no agent",
  "sidecar.istio.io/bootstrapOverride": "the proxy starts with what the mesh gives it",
  "sidecar.istio.io/capNetBindService": "the proxy has no capabilities",
  "sidecar.istio.io/proxyImageType": "the image is the mesh's, or that of sidecar.istio.io/proxyImage",
  "sidecar.istio.io/statsCompression": ownStatistics,
  "sidecar.istio.io/statsHistogramBuckets": ownStatistics,
  "sidecar.istio.io/statsInclusionPrefixes": ownStatistics,
  "sidecar.istio.io/statsInclusionRegexps": ownStatistics,
  "sidecar.istio.io/statsInclusionSuffixes": ownStatistics,
  "status.sidecar.istio.io/port": "the proxy says on port 15021 whether it is ready",
};

/** A sentence for each of Istio's annotations that has no effect here. */
export function unsupportedAnnotations(annotations: Texts): readonly string[] {
  return Object.entries(unsupported)
    .filter(([name]) => name in annotations)
    .map(([name, instead]) => `annotation ${name} is not supported: ${instead}`);
}

// How Envoy names and keeps its statistics: Istio's labels, so that dashboards and graphs built for Istio work.
import { listItems } from "../model/network.ts";
import { istioLabels } from "../model/telemetry.ts";
import type { Texts } from "./pod.ts";

/**
 * Labels of the metrics of other filters, in the same form: `scope` is what a retry budget belongs to, `result` what became of a
 * request, `component` and `tag` what runs. Envoy knows a tag by its name only: another label stays part of the metric's name
 * where the pod does not list it.
 */
const filterLabels = ["scope", "result", "component", "tag"] as const;

/** Labels that Istio's documentation adds to its metrics by a `Telemetry`, so that they can be added to pods that run. */
const addedLabels = ["request_host", "request_method", "request_operation", "destination_port"] as const;

/** What is kept of Envoy's own statistics: enough to see delivery, retries and limits, and few for each cluster. */
const kept = {
  prefix: [
    "wasm",
    "cluster_manager",
    "listener_manager",
    "server",
    "control_plane",
    "sds",
    "extension_config_discovery",
    "overload",
    "http.inbound",
    "http.outbound",
  ],
  suffix: [
    "downstream_cx_active",
    "downstream_cx_total",
    "update_success",
    "update_rejected",
    "upstream_cx_overflow",
    "upstream_rq_pending_overflow",
    "upstream_rq_retry",
    "upstream_rq_retry_overflow",
    "upstream_rq_timeout",
    "ejections_active",
  ],
} as const;

/** Upper bounds of the buckets of the filters' histograms: milliseconds or bytes. */
const buckets = [
  ...[0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000],
  ...[30000, 60000, 300000, 600000, 1800000, 3600000],
];

/** Istio's annotation for labels of filters' metrics, with commas between them. */
export const statTagsAnnotation = "sidecar.istio.io/extraStatTags";

export const isLabel = (text: string): boolean => /^[A-Za-z_]\w*$/.test(text);

/**
 * A label in a filter's metric: the first one or after another, so that `app` is none in `source_app`. Envoy tries an expression that
 * begins so with names that begin so only (its `TagExtractorImplBase::extractRegexPrefix`), else with each of its statistics, of which
 * every cluster has some.
 */
const labelRegex = (label: string): string => `^wasmcustom\\.(?:[\\s\\S]*?;\\.;)??(${label}=\\.=([\\s\\S]*?);\\.;)`;

/** The labels that a pod names; what is none is left out. */
export function statTagsOf(annotations: Texts): readonly string[] {
  return listItems(annotations[statTagsAnnotation] ?? "").filter(isLabel);
}

/** Labels beside Istio's own that an Envoy of this bootstrap knows. @param more those that the pod names */
export function extraLabels(more: readonly string[]): readonly string[] {
  return [...new Set([...filterLabels, ...addedLabels, ...more])];
}

/**
 * `stats_config` of a bootstrap.
 *
 * @param domain last part of service names, `cluster.local`
 * @param more labels of filters' metrics; letters, digits and `_`
 */
export function statsConfig(domain: string, more: readonly string[]): Readonly<Record<string, unknown>> {
  const suffix = domain.replaceAll(".", "\\.");
  const own = {
    cluster_name: `^cluster\\.((.+?(\\..+?\\.svc\\.${suffix})?)\\.)`,
    tcp_prefix: "^tcp\\.((.*?)\\.)\\w+?$",
    response_code_class: "_rq(_(\\dxx))$",
    http_conn_manager_prefix: "^http\\.((((?:in|out)bound_([0-9]{1,3}\\.{0,1}){4}_\\d{0,5})|([^\\.]+))\\.)",
    listener_address: "^listener\\.(((?:[_.[:digit:]]*|[_\\[\\]aAbBcCdDeEfF[:digit:]]*))\\.)",
  };
  const labels = new Set<string>([...istioLabels, ...extraLabels(more)]);
  return {
    use_all_default_tags: false,
    stats_tags: [
      ...Object.entries(own).map(([name, regex]) => ({ tag_name: name, regex })),
      ...[...labels].map((label) => ({ tag_name: label, regex: labelRegex(label) })),
    ],
    stats_matcher: {
      inclusion_list: {
        patterns: Object.entries(kept).flatMap(([kind, texts]) => texts.map((text) => ({ [kind]: text }))),
      },
    },
    histogram_bucket_settings: [{ match: { prefix: "wasmcustom" }, buckets }],
  };
}

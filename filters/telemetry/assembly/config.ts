import { Config, Expression } from "@sluice/sdk/assembly";

@config
export class TelemetryConfig {
  /** Sets of label values that a worker keeps apart; in those beyond, the peer is `other`. */
  @range(1, 100_000) readonly seriesMax: i32 = 1000;
  /** Changes of Istio's metrics, one after the other, as in Istio's stats filter. */
  readonly metrics: MetricChange[];
}

/** What is changed of one metric, or of all. */
@config
export class MetricChange {
  /** Istio's name for it without `istio_`; empty: all metrics. */
  @oneOf(
    "",
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
  )
  readonly name: string = "";
  /** CEL expressions over Envoy's attributes, by the label that has the result: one of Istio's, or another one. */
  readonly dimensions: Map<string, string>;
  /** Labels of Istio's that it does not have. */
  readonly tags_to_remove: string[] = [];
  /** It is not counted at all. */
  readonly drop: bool = false;

  check(config: Config): void {
    checkExpressions(config, "dimensions", this.dimensions);
  }
}

/** Refuses what is no CEL, by its field's path. */
function checkExpressions(config: Config, name: string, texts: Map<string, string>): void {
  if (!texts.size) return;
  const fields = config.object(name);
  const names = texts.keys();
  for (let i = 0; i < names.length; i++) {
    if (!fields.has(names[i])) continue;
    const expression = Expression.compile(texts.get(names[i]));
    if (expression == null) fields.reject(names[i], "it is no CEL expression; Envoy's log says why at level info");
    else expression.delete();
  }
}

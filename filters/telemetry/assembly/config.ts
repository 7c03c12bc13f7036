import { Config, Duration, Expression } from "@sluice/sdk/assembly";
import { marked } from "./expressions";

@config
export class TelemetryConfig {
  /** Sets of label values that a worker keeps apart; in those beyond, the peer is `other`. */
  @range(1, 10_000) readonly seriesMax: i32 = 1000;
  /** Changes of Istio's metrics, one after the other, as in Istio's stats filter. */
  readonly metrics: MetricChange[];
  /** How often open connections, and the messages of open gRPC calls, are counted; Istio's name. */
  @range("1ms", "24h") readonly tcp_reporting_duration: Duration = "5s";
  /** A line of JSON for each request and connection; absent: none. */
  readonly accessLog: AccessLogConfig | null = null;
}

@config
export class AccessLogConfig {
  /** A CEL expression: only what it is true of is logged; absent: all. */
  readonly filter: string | null = null;
  /** CEL expressions over Envoy's attributes, by the name of the field that has the result. */
  readonly fields: Map<string, string>;

  check(config: Config): void {
    if (!this.fields.size) config.reject("fields", "say what a line has, such as path: request.path");
    if (this.filter != null && !compiles(this.filter!)) config.reject("filter", NO_EXPRESSION);
    checkExpressions(config, "fields", this.fields);
  }
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

const NO_EXPRESSION = "it is no CEL expression; Envoy's log says why at level info";

/** Refuses what is no CEL, by its field's path. */
function checkExpressions(config: Config, name: string, texts: Map<string, string>): void {
  if (!texts.size) return;
  const fields = config.object(name);
  const names = texts.keys();
  for (let i = 0; i < names.length; i++) {
    const text = texts.get(names[i]);
    // Alone it is an expression, and as it is read it does not nest too deep.
    if (fields.has(names[i]) && !(compiles(text) && compiles(marked(text)))) fields.reject(names[i], NO_EXPRESSION);
  }
}

function compiles(text: string): bool {
  const expression = Expression.compile(text);
  if (expression == null) return false;
  expression.delete();
  return true;
}

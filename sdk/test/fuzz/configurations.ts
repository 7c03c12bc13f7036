// Configurations that the filters take, with all their settings: what is only made of random values is mostly refused.
import fc from "fast-check";

type Fields = Readonly<Record<string, fc.Arbitrary<unknown>>>;

/** Some of these fields. */
function some(fields: Fields): fc.Arbitrary<Readonly<Record<string, unknown>>> {
  return fc.record(fields, { requiredKeys: [], noNullPrototype: true });
}

export const retryBudgetConfigs = some({
  window: fc.constantFrom("1s", "10s", "10m"),
  percent: fc.constantFrom(0, 1, 50, 1000),
  minRetries: fc.constantFrom(0, 1, 1_000_000),
  per: fc.constantFrom("destination", "route", "proxy"),
  retryHeader: fc.constantFrom("x-again", ""),
});

export const deadlineConfigs = some({
  default: fc.constantFrom("1ms", "1s", "24h"),
  max: fc.constantFrom("1s", "24h"),
  minimum: fc.constantFrom("1ms", "1s", "1h"),
  header: fc.constantFrom("x-request-timeout-ms", "x-at"),
  absoluteHeader: fc.constantFrom("x-at", ""),
  skew: fc.constantFrom("0ms", "1m"),
  correlate: fc.constantFrom("x-request-id", "traceparent", "off"),
  tick: fc.constantFrom("10ms", "1s"),
});

/** Of attributes, of what has no value, of all types, and what is no expression. */
const cel = fc.constantFrom(
  ...["request.path", "request.headers['x-a']", "request.headers['x-a'] + '!'", "request.time", "request.duration"],
  ...["response.code", "response.flags", "response.grpc_status", "response.code >= 500", "upstream.address"],
  ...["connection.mtls", "xds.cluster_name", "xds.node", "filter_state['wasm.sluice.access-log']", "plugin_name"],
  ...["'a'", "b'\\xff'", "1.5", "-1", "2u", "true", "[1, 'a']", "{'a': 1}", "1 / 0", "'\\u0000;.;'", "duration('5s')"],
  ...["", "request.", "((("],
);

/** Labels of Istio's, one that the proxy knows, and one that it does not. */
const label = fc.constantFrom(
  "reporter",
  "source_app",
  "response_code",
  "destination_service",
  "tenant",
  "unheard",
  "",
);

const metric = some({
  name: fc.constantFrom("", "requests_total", "request_bytes", "request_messages_total", "tcp_sent_bytes_total"),
  dimensions: fc.dictionary(label, cel, { maxKeys: 3, noNullPrototype: true }),
  tags_to_remove: fc.array(label, { maxLength: 3 }),
  drop: fc.boolean(),
});

export const telemetryConfigs = some({
  seriesMax: fc.constantFrom(1, 2, 20),
  tcp_reporting_duration: fc.constantFrom("1ms", "5s", "24h"),
  metrics: fc.array(metric, { maxLength: 3 }),
  accessLog: fc.record(
    {
      filter: cel,
      fields: fc.dictionary(fc.string({ unit: "binary", maxLength: 5 }), cel, {
        minKeys: 1,
        maxKeys: 4,
        noNullPrototype: true,
      }),
    },
    { requiredKeys: ["fields"], noNullPrototype: true },
  ),
});

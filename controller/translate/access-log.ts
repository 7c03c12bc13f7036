// Access logs: the telemetry filter leaves a line in filter state, and a logger that every connection manager and tcp_proxy
// has from the start prints it to Envoy's stdout. Where there is no line it prints nothing, so that to log is no listener's
// change.
import { StdoutAccessLogSchema } from "../gen/envoy/extensions/access_loggers/stream/v3/stream_pb.js";
import { any } from "./encode.ts";

/** What every chain ends with has it. The line brings its newline. */
export const lineLogger = [
  {
    name: "envoy.access_loggers.stdout",
    configType: {
      case: "typedConfig",
      value: any(StdoutAccessLogSchema, {
        accessLogFormat: {
          case: "logFormat",
          value: {
            format: {
              case: "textFormatSource",
              value: { specifier: { case: "inlineString", value: "%FILTER_STATE(wasm.sluice.access-log:PLAIN)%" } },
            },
            omitEmptyValues: true,
          },
        },
      }),
    },
  },
] as const;

/** Istio's default fields, under Istio's names: CEL over Envoy's attributes. */
export const istioFields: Readonly<Record<string, string>> = {
  start_time: "request.time",
  route_name: "xds.route_name",
  method: "request.method",
  path: "'x-envoy-original-path' in request.headers ? request.headers['x-envoy-original-path'] : request.path",
  protocol: "request.protocol",
  response_code: "response.code",
  response_flags: "response.flags",
  response_code_details: "response.code_details",
  connection_termination_details: "connection.termination_details",
  bytes_received: "request.size",
  bytes_sent: "response.size",
  duration: "request.duration",
  upstream_service_time: "response.headers['x-envoy-upstream-service-time']",
  x_forwarded_for: "request.headers['x-forwarded-for']",
  user_agent: "request.useragent",
  request_id: "request.id",
  authority: "request.host",
  upstream_host: "upstream.address",
  upstream_cluster: "xds.cluster_name",
  upstream_local_address: "upstream.local_address",
  downstream_local_address: "destination.address",
  downstream_remote_address: "source.address",
  requested_server_name: "connection.requested_server_name",
  upstream_transport_failure_reason: "upstream.transport_failure_reason",
};

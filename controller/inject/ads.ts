import type { Json } from "./pod.ts";

/** Where a proxy's configuration comes from. */
export interface XdsServer {
  /** IP or DNS name. */
  readonly address: string;
  readonly port: number;
  /** Absent: plaintext, and nobody is asked who they are. */
  readonly secure?: {
    /** PEM file of the roots that the server's certificate is held against; read when Envoy starts. */
    readonly rootCertFile: string;
    /** The proxy's token; read again at each new stream. */
    readonly tokenFile: string;
    /** The name in the server's certificate, where `address` is another. */
    readonly serverName?: string;
  };
}

/** Largest message from the controller: gRPC's own 4 MB would end the stream at a larger module. */
const messageBytesMax = 64 << 20;

/** How long gRPC tries one address, in ms: a pod that is gone answers nothing, and by default 20 s are spent on it. */
const connectMsMax = 2000;

/** Between two attempts, in ms, after a controller has been away for long; by default gRPC waits up to 120 s, Envoy 30. */
const reconnectMsMax = 5000;

/**
 * Delta ADS by Google's gRPC client, which reads a token file again at each stream, so that nothing but Envoy is needed.
 *
 * @see envoy.config.core.v3.ApiConfigSource
 */
export function adsConfig({ address, port, secure }: XdsServer): Json {
  const args = {
    "grpc.max_receive_message_length": { int_value: messageBytesMax },
    "grpc.keepalive_time_ms": { int_value: 30_000 },
    "grpc.keepalive_timeout_ms": { int_value: 10_000 },
    "grpc.http2.max_pings_without_data": { int_value: 0 },
    "grpc.min_reconnect_backoff_ms": { int_value: connectMsMax },
    "grpc.max_reconnect_backoff_ms": { int_value: reconnectMsMax },
    ...(secure?.serverName !== undefined && {
      "grpc.ssl_target_name_override": { string_value: secure.serverName },
    }),
  };
  return {
    api_type: "DELTA_GRPC",
    transport_api_version: "V3",
    set_node_on_first_message_only: true,
    grpc_services: [
      {
        retry_policy: { retry_back_off: { base_interval: "0.5s", max_interval: `${reconnectMsMax / 1000}s` } },
        google_grpc: {
          target_uri: `${address}:${port}`,
          stat_prefix: "xds-grpc",
          ...(secure && credentials(secure)),
          channel_args: { args },
        },
      },
    ],
  };
}

const fileCredentials = "envoy.grpc_credentials.file_based_metadata";

function credentials({ rootCertFile, tokenFile }: NonNullable<XdsServer["secure"]>): Json {
  return {
    channel_credentials: { ssl_credentials: { root_certs: { filename: rootCertFile } } },
    credentials_factory_name: fileCredentials,
    call_credentials: [
      {
        from_plugin: {
          name: fileCredentials,
          typed_config: {
            "@type": "type.googleapis.com/envoy.config.grpc_credential.v3.FileBasedMetadataConfig",
            secret_data: { filename: tokenFile },
            header_key: "authorization",
            header_prefix: "Bearer ",
          },
        },
      },
    ],
  };
}

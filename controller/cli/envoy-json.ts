// What Envoy's admin prints, as far as the commands read it. In protobuf's JSON a field with its default value may be
// left out, so every field is optional; the names are those of the .proto files.

export interface Cluster {
  readonly name?: string;
  readonly type?: string;
  readonly metadata?: Metadata;
}

export interface Metadata {
  readonly filter_metadata?: { readonly istio?: { readonly config?: unknown } };
}

export interface Address {
  readonly socket_address?: { readonly address?: string; readonly port_value?: number };
  readonly pipe?: { readonly path?: string };
  readonly envoy_internal_address?: { readonly server_listener_name?: string; readonly endpoint_id?: string };
}

export interface Listener {
  readonly name?: string;
  readonly address?: Address;
  readonly additional_addresses?: readonly { readonly address?: Address }[];
  readonly filter_chains?: readonly FilterChain[];
  readonly default_filter_chain?: FilterChain;
}

export interface FilterChain {
  readonly filter_chain_match?: FilterChainMatch;
  readonly filters?: readonly NetworkFilter[];
}

export interface FilterChainMatch {
  readonly destination_port?: number;
  readonly prefix_ranges?: readonly { readonly address_prefix?: string; readonly prefix_len?: number }[];
  readonly server_names?: readonly string[];
  readonly transport_protocol?: string;
  readonly application_protocols?: readonly string[];
}

/** The fields of the HTTP connection manager and of the TCP proxy; `@type` tells which it is. */
export interface NetworkFilter {
  readonly typed_config?: {
    readonly "@type"?: string;
    readonly cluster?: string;
    readonly weighted_clusters?: unknown;
    readonly rds?: { readonly route_config_name?: string };
    readonly route_config?: RouteConfiguration;
  };
}

export interface RouteConfiguration {
  readonly name?: string;
  readonly virtual_hosts?: readonly VirtualHost[];
}

export interface VirtualHost {
  readonly name?: string;
  readonly domains?: readonly string[];
  readonly routes?: readonly Route[];
}

export interface Route {
  readonly match?: RouteMatch;
  readonly route?: { readonly cluster?: string };
  readonly metadata?: Metadata;
}

export interface RouteMatch {
  readonly prefix?: string;
  readonly path?: string;
  readonly path_separated_prefix?: string;
  readonly safe_regex?: { readonly regex?: string };
}

export interface ClusterLoadAssignment {
  readonly cluster_name?: string;
  readonly endpoints?: readonly LocalityLbEndpoints[];
}

export interface LocalityLbEndpoints {
  readonly locality?: { readonly region?: string; readonly zone?: string; readonly sub_zone?: string };
  readonly lb_endpoints?: readonly LbEndpoint[];
}

export interface LbEndpoint {
  readonly endpoint?: {
    readonly address?: Address;
    readonly additional_addresses?: readonly { readonly address?: Address }[];
  };
  readonly health_status?: string;
}

export interface TypedExtensionConfig {
  readonly name?: string;
  readonly typed_config?: TypedConfig;
}

/** The fields of ExtensionWithMatcher, Wasm and ExecuteFilterAction; `@type` tells which it is. */
export interface TypedConfig {
  readonly "@type"?: string;
  readonly xds_matcher?: Matcher;
  readonly config?: {
    readonly name?: string;
    readonly vm_config?: { readonly vm_id?: string; readonly code?: WasmCode };
  };
  readonly filter_chain?: { readonly typed_config?: readonly TypedExtensionConfig[] };
  readonly typed_config?: TypedExtensionConfig;
}

export interface WasmCode {
  readonly local?: { readonly inline_bytes?: string; readonly filename?: string };
  readonly remote?: { readonly sha256?: string };
}

export interface Matcher {
  readonly matcher_list?: { readonly matchers?: readonly { readonly on_match?: OnMatch }[] };
  readonly matcher_tree?: { readonly exact_match_map?: { readonly map?: Readonly<Record<string, OnMatch>> } };
  readonly on_no_match?: OnMatch;
}

export interface OnMatch {
  readonly matcher?: Matcher;
  readonly action?: { readonly typed_config?: TypedConfig };
}

/** One row of `/clusters?format=json`. */
export interface ClusterStatus {
  readonly name?: string;
  readonly host_statuses?: readonly HostStatus[];
}

export interface HostStatus {
  readonly address?: Address;
  readonly health_status?: { readonly eds_health_status?: string; readonly failed_outlier_check?: boolean };
}

export interface Node {
  readonly metadata?: { readonly ISTIO_VERSION?: unknown; readonly ISTIO_PROXY_SHA?: unknown };
  readonly user_agent_build_version?: {
    readonly version?: { readonly major_number?: number; readonly minor_number?: number; readonly patch?: number };
    readonly metadata?: Readonly<Record<string, unknown>>;
  };
}

/** A row of `dynamic_active_secrets`; private keys are `[redacted]` in it. */
export interface DynamicSecret {
  readonly name?: string;
  /** `uninitialized` until it has come. */
  readonly version_info?: string;
  readonly secret?: {
    readonly tls_certificate?: { readonly certificate_chain?: DataSource };
    readonly validation_context?: { readonly trusted_ca?: DataSource };
  };
}

export interface DataSource {
  /** base64 */
  readonly inline_bytes?: string;
  readonly inline_string?: string;
}

import type * as Envoy from "./envoy-json.ts";

/** `/config_dump`, with or without `?include_eds`. */
export interface ConfigDump {
  readonly configs: readonly { readonly "@type"?: string }[];
}

/** `/clusters?format=json` */
export interface ClusterStatuses {
  readonly cluster_statuses: readonly Envoy.ClusterStatus[];
}

/** The parts of a dump (envoy/admin/v3/config_dump.proto), as far as the commands read them. */
interface Sections {
  readonly BootstrapConfigDump: { readonly bootstrap?: { readonly node?: Envoy.Node } };
  readonly ClustersConfigDump: {
    readonly dynamic_active_clusters?: readonly { readonly cluster?: Envoy.Cluster }[];
    readonly static_clusters?: readonly { readonly cluster?: Envoy.Cluster }[];
  };
  readonly ListenersConfigDump: {
    readonly dynamic_listeners?: readonly { readonly active_state?: { readonly listener?: Envoy.Listener } }[];
    readonly static_listeners?: readonly { readonly listener?: Envoy.Listener }[];
  };
  readonly RoutesConfigDump: {
    readonly dynamic_route_configs?: readonly { readonly route_config?: Envoy.RouteConfiguration }[];
    readonly static_route_configs?: readonly { readonly route_config?: Envoy.RouteConfiguration }[];
  };
  readonly EndpointsConfigDump: {
    readonly dynamic_endpoint_configs?: readonly { readonly endpoint_config?: Envoy.ClusterLoadAssignment }[];
    readonly static_endpoint_configs?: readonly { readonly endpoint_config?: Envoy.ClusterLoadAssignment }[];
  };
  readonly SecretsConfigDump: {
    readonly dynamic_active_secrets?: readonly Envoy.DynamicSecret[];
    readonly dynamic_warming_secrets?: readonly Envoy.DynamicSecret[];
  };
  readonly EcdsConfigDump: {
    readonly ecds_filters?: readonly { readonly ecds_filter?: Envoy.TypedExtensionConfig }[];
  };
}

/** `undefined` where the text is not a config dump. */
export function parseConfigDump(text: string): ConfigDump | undefined {
  const value = parseObject(text);
  return value !== undefined && Array.isArray(value["configs"]) ? (value as unknown as ConfigDump) : undefined;
}

/** `undefined` where the text is not that of `/clusters?format=json`. */
export function parseClusterStatuses(text: string): ClusterStatuses | undefined {
  const value = parseObject(text);
  return value !== undefined && Array.isArray(value["cluster_statuses"])
    ? (value as unknown as ClusterStatuses)
    : undefined;
}

/** One part of a dump; empty where Envoy left it out. */
export function section<Name extends keyof Sections>(dump: ConfigDump, name: Name): Partial<Sections[Name]> {
  const type = `type.googleapis.com/envoy.admin.v3.${name}`;
  return (dump.configs.find((config) => config["@type"] === type) ?? {}) as Partial<Sections[Name]>;
}

/** The last part of a type URL: `envoy.extensions.filters.http.wasm.v3.Wasm`. */
export function typeName(config: { readonly "@type"?: string } | undefined): string {
  return (config?.["@type"] ?? "").replace(/^type\.googleapis\.com\//, "");
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  const value = parseJson(text);
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
}

/** `undefined` where the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

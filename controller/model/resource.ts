import type { Ref } from "./object.ts";

/** xDS services with the type of their resources. */
export const typeUrls = {
  CDS: "type.googleapis.com/envoy.config.cluster.v3.Cluster",
  LDS: "type.googleapis.com/envoy.config.listener.v3.Listener",
  EDS: "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
  RDS: "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
  ECDS: "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
  SDS: "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
} as const;

export type XdsType = keyof typeof typeUrls;

/** One Envoy resource, encoded. Shared by all proxies whose resource has the same content. */
export interface Resource {
  readonly type: XdsType;
  readonly name: string;
  /** By content: equal bodies have equal versions, in every process. */
  readonly version: string;
  /** The message in protobuf's wire format (the `value` of its Any). */
  readonly body: Uint8Array;
  /** The objects that a NACK of this resource concerns. An ECDS slot without owners has no plugins. */
  readonly owners: readonly Ref[];
  /**
   * Stands in for what this process can't compute, such as a plugin that was never good since it started: only for
   * proxies that have no version of the resource, or one that this process made. One of an earlier process stays.
   */
  readonly stopgap?: true;
}

/** All that one proxy should have. */
export type Snapshot = Readonly<Record<XdsType, ReadonlyMap<string, Resource>>>;

/** What one proxy has made of one resource. */
export type Delivery =
  | { readonly state: "sent"; readonly version: string; readonly nonce: string; readonly sentAtMs: number }
  | { readonly state: "acked"; readonly version: string; readonly ackedAtMs: number }
  /** `version` was refused for `reason`; `live` is what still serves, absent if nothing does. */
  | { readonly state: "nacked"; readonly version: string; readonly reason: string; readonly live?: string };

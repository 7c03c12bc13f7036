// Properties that need no request: the plugin, the node, the listener.

import { localityMessage, metadataOf } from "./attributes.ts";
import type { ByteString } from "./bytes.ts";
import { Message, type PropertyObject, type PropertyValue, walk } from "./property-value.ts";
import type { LocalityInit, Metadata } from "./request.ts";
import type { Plugin } from "./scope.ts";

/** The node of this Envoy's bootstrap. */
export interface NodeInit {
  /** Default "". */
  readonly id?: string;
  /** Default "". */
  readonly cluster?: string;
  readonly metadata?: PropertyObject;
  readonly locality?: LocalityInit;
}

/** The listener that has the plugin. */
export interface ListenerInit {
  /** Default "outbound". */
  readonly direction?: "inbound" | "outbound";
  readonly metadata?: Metadata;
  /** Default "". */
  readonly filterChain?: string;
  /**
   * Bytes of a body that may be buffered. Default 1 MiB for HTTP/1.1 (per_connection_buffer_limit_bytes), 16 MiB for HTTP/2
   * (initial_stream_window_size).
   */
  readonly bufferLimitBytes?: number;
  /**
   * Envoy's filter grpc_stats stands between plugins and router, with `emit_filter_state`, as in every chain of Sluice: it
   * counts gRPC messages, `1,3`, in `filter_state['envoy.filters.http.grpc_stats']`. Default false.
   */
  readonly grpcStats?: boolean;
}

/** @param protocol of the downstream connection, such as "HTTP/1.1", the default */
export function bufferLimit({ bufferLimitBytes }: ListenerInit, protocol = "HTTP/1.1"): number {
  const mebibyte = 1024 * 1024;
  return bufferLimitBytes ?? (protocol.startsWith("HTTP/1") ? mebibyte : 16 * mebibyte);
}

/** `plugin_*` and `xds.node`: every context has them. */
export function pluginProperty(
  path: readonly ByteString[],
  { plugin, vmId, node }: { readonly plugin: Plugin | undefined; readonly vmId: string; readonly node: NodeInit },
): PropertyValue | undefined {
  const [first, second, ...rest] = path;
  if (first === "plugin_name" && second === undefined) return plugin?.name;
  if (first === "plugin_root_id" && second === undefined) return plugin?.rootId;
  if (first === "plugin_vm_id" && second === undefined) return vmId;
  return first === "xds" && second === "node" ? walk(nodeMessage(node), rest) : undefined;
}

/** `xds.listener_*` and `xds.filter_chain_name`: every stream has them. */
export function listenerProperty(path: readonly ByteString[], listener: ListenerInit): PropertyValue | undefined {
  const [first, second, ...rest] = path;
  if (first !== "xds") return undefined;
  if (second === "listener_direction") return listener.direction === "inbound" ? 1n : 2n;
  if (second === "listener_metadata") return walk(metadataOf(listener.metadata), rest);
  if (second === "filter_chain_name") return listener.filterChain ?? "";
  return undefined;
}

/** A field that is not set reads as its default. */
function nodeMessage({ id = "", cluster = "", metadata = {}, locality = {} }: NodeInit): Message {
  return new Message({ id, cluster, metadata, locality: localityMessage(locality) });
}

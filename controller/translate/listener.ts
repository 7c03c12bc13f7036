import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { TrafficDirection } from "../gen/envoy/config/core/v3/base_pb.js";
import type {
  FilterChainSchema,
  FilterSchema,
  ListenerFilterSchema,
} from "../gen/envoy/config/listener/v3/listener_components_pb.js";
import { HttpInspectorSchema } from "../gen/envoy/extensions/filters/listener/http_inspector/v3/http_inspector_pb.js";
import { OriginalDstSchema } from "../gen/envoy/extensions/filters/listener/original_dst/v3/original_dst_pb.js";
import { TlsInspectorSchema } from "../gen/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.js";
import { TcpProxySchema } from "../gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js";
import type { ConnectionPool } from "../model/destination-rule.ts";
import { listenerName, type NetworkSlot, specialClusters } from "../model/names.ts";
import type { Resource } from "../model/resource.ts";
import { lineLogger } from "./access-log.ts";
import { socketAddress } from "./common.ts";
import { any, encode, type Init } from "./encode.ts";
import { networkSlotFilters } from "./network-slot.ts";

export type NetworkFilter = Init<typeof FilterSchema>;
export type ListenerFilter = Init<typeof ListenerFilterSchema>;
export type FilterChain = Init<typeof FilterChainSchema>;

export interface ListenerOptions {
  readonly address: string;
  readonly port: number;
  readonly direction: "inbound" | "outbound";
  /** Each connection takes the one whose match is the most specific; it is closed where none fits. */
  readonly chains: readonly FilterChain[];
  /** For connections that no chain fits. */
  readonly otherwise?: FilterChain;
  /** What looks at a connection before a chain is chosen. */
  readonly inspectors?: readonly ListenerFilter[];
  /**
   * How long inspectors wait for the first bytes of a client, in ms, before a connection goes on as one of which nothing is
   * known. Absent: for ever, since a request that is late must not pass by its chain.
   */
  readonly inspectMs?: number;
  /** It opens no port: the listener on 15001 hands over what was meant for this address. */
  readonly captured?: boolean;
}

/**
 * A listener with the name of its address. It has no owners: its bytes say only where it listens, what it speaks and
 * which mutual TLS it takes, which no single object decides.
 */
export function listener(options: ListenerOptions): Resource {
  const { address, port, captured } = options;
  return namedListener(listenerName(address, port), options, captured ? { bindToPort: false } : {});
}

/** The listeners on 15001 and 15006, which have names of their own. */
export function namedListener(
  name: string,
  { address, port, direction, chains, otherwise, inspectors = [], inspectMs }: ListenerOptions,
  own: { readonly bindToPort?: boolean; readonly useOriginalDst?: boolean } = {},
): Resource {
  return encode("LDS", name, {
    name,
    address: socketAddress(address, port),
    filterChains: [...chains],
    ...(otherwise ? { defaultFilterChain: otherwise } : {}),
    trafficDirection: direction === "inbound" ? TrafficDirection.INBOUND : TrafficDirection.OUTBOUND,
    ...(inspectors.length > 0
      ? {
          listenerFilters: [...inspectors],
          listenerFiltersTimeout: durationFromMs(inspectMs ?? 0),
          continueOnListenerFiltersTimeout: inspectMs !== undefined,
        }
      : {}),
    ...own,
  });
}

/** Gives a connection the address that it was meant for before it was redirected. */
export const originalDestination = inspector("envoy.filters.listener.original_dst", any(OriginalDstSchema, {}));
/** Tells TLS from other bytes, and the names and protocols that a client asks for. */
export const tlsInspector = inspector("envoy.filters.listener.tls_inspector", any(TlsInspectorSchema, {}));
/** Tells HTTP from other bytes. */
export const httpInspector = inspector("envoy.filters.listener.http_inspector", any(HttpInspectorSchema, {}));

function inspector(name: string, value: ReturnType<typeof any>): ListenerFilter {
  return { name, configType: { case: "typedConfig", value } };
}

export interface TcpChainOptions extends Pick<NetworkSlot, "direction" | "port"> {
  readonly cluster: string;
  /** Of a DestinationRule. TCP has no route that could carry them, so that a change drains the listener. */
  readonly limits?: ConnectionPool["tcp"] | undefined;
}

/** The slots of network plugins, then the way to a cluster. */
export function tcpFilterChain({ cluster, limits, ...of }: TcpChainOptions): NetworkFilter[] {
  return [...networkSlotFilters(of), tcpProxy(cluster, limits)];
}

/** A chain for connections that lead nowhere: no plugin sees them. */
export function closedFilterChain(): NetworkFilter[] {
  return [tcpProxy(specialClusters.blackHole)];
}

function tcpProxy(cluster: string, limits: ConnectionPool["tcp"] = {}): NetworkFilter {
  const { idleTimeoutMs, maxConnectionDurationMs } = limits;
  const proxy = any(TcpProxySchema, {
    statPrefix: cluster,
    clusterSpecifier: { case: "cluster", value: cluster },
    accessLog: [...lineLogger],
    ...(idleTimeoutMs === undefined ? {} : { idleTimeout: durationFromMs(idleTimeoutMs) }),
    ...(maxConnectionDurationMs === undefined
      ? {}
      : { maxDownstreamConnectionDuration: durationFromMs(maxConnectionDurationMs) }),
  });
  return { name: "envoy.filters.network.tcp_proxy", configType: { case: "typedConfig", value: proxy } };
}

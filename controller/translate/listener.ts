import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { TrafficDirection } from "../gen/envoy/config/core/v3/base_pb.js";
import type { FilterSchema } from "../gen/envoy/config/listener/v3/listener_components_pb.js";
import { TcpProxySchema } from "../gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js";
import type { ConnectionPool } from "../model/destination-rule.ts";
import { listenerName } from "../model/names.ts";
import type { Resource } from "../model/resource.ts";
import { socketAddress } from "./common.ts";
import { any, encode, type Init } from "./encode.ts";

export type NetworkFilter = Init<typeof FilterSchema>;

export interface ListenerOptions {
  readonly address: string;
  readonly port: number;
  readonly direction: "inbound" | "outbound";
  readonly filters: NetworkFilter[];
}

/**
 * A listener on an address of its own, with one chain. It has no owners: its bytes say only where it listens and what it
 * speaks, which no single object decides.
 */
export function boundListener({ address, port, direction, filters }: ListenerOptions): Resource {
  const name = listenerName(address, port);
  return encode("LDS", name, {
    name,
    address: socketAddress(address, port),
    filterChains: [{ filters }],
    trafficDirection: direction === "inbound" ? TrafficDirection.INBOUND : TrafficDirection.OUTBOUND,
  });
}

/** @param limits of a DestinationRule; TCP has no route that could carry them, so that a change drains the listener */
export function tcpFilterChain(cluster: string, limits: ConnectionPool["tcp"] = {}): NetworkFilter[] {
  const { idleTimeoutMs, maxConnectionDurationMs } = limits;
  const proxy = any(TcpProxySchema, {
    statPrefix: cluster,
    clusterSpecifier: { case: "cluster", value: cluster },
    ...(idleTimeoutMs === undefined ? {} : { idleTimeout: durationFromMs(idleTimeoutMs) }),
    ...(maxConnectionDurationMs === undefined
      ? {}
      : { maxDownstreamConnectionDuration: durationFromMs(maxConnectionDurationMs) }),
  });
  return [{ name: "envoy.filters.network.tcp_proxy", configType: { case: "typedConfig", value: proxy } }];
}

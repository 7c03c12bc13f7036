// What Envoy knows of one request, as filters see it in properties and tests in the reply.
import { type ByteString, toText } from "./bytes.ts";
import type { EnvoyObject } from "./filter-state.ts";
import type { PropertyObject } from "./property-value.ts";
import type { ClusterInit, ConnectionInit, Endpoint, RouteInit } from "./request.ts";

/** Bits of `response.flags`. @see Envoy envoy/stream_info/stream_info.h */
export const Flag = {
  LH: 1,
  UH: 2,
  UT: 4,
  LR: 8,
  UR: 16,
  UF: 32,
  UC: 64,
  UO: 128,
  NR: 256,
  DC: 16384,
  URX: 32768,
  NC: 16777216,
} as const;
/** Short name of a response flag that the host sets: LH, UH, UT, LR, UR, UF, UC, UO, NR, DC, URX, NC. */
export type FlagName = keyof typeof Flag;
const allFlags = Object.keys(Flag) as FlagName[];

/** One store and one record for a request, or connection of TCP, shared by all its filters and attempts. */
export interface StreamInfo {
  readonly startedAtNs: bigint;
  readonly startedRealtimeNs: bigint;
  /** undefined: no route matched. */
  route: RouteInit | undefined;
  /** undefined: Envoy does not know it. */
  readonly cluster: ClusterInit | undefined;
  /** How far a connection of TCP has come: until tcp_proxy has it, no cluster is chosen. Undefined of a request. */
  tcp: "accepted" | "proxied" | undefined;
  readonly connection: ConnectionInit;
  readonly connectionId: bigint;
  /** Properties that the test sets, by path joined with dots; they win. */
  readonly properties: PropertyObject;
  readonly filterState: Map<ByteString, ByteString>;
  /** Envoy's own objects in the filter state. */
  readonly envoyObjects: Map<ByteString, EnvoyObject>;
  requestBodyBytes: number;
  responseBodyBytes: number;
  attempts: number;
  endpoint: Endpoint | undefined;
  /** The attempt has its connection. */
  isConnected: boolean;
  responseCode: number | undefined;
  details: ByteString | undefined;
  flags: number;
  /** undefined until the router asks for a connection. */
  transportFailure: string | undefined;
  /** Set when the request is over. */
  durationNs: bigint | undefined;
  backendLatencyNs: bigint | undefined;
}

/** The cluster, once it is chosen, by the route or by tcp_proxy, and known. */
export function chosenCluster({ route, tcp, cluster }: StreamInfo): ClusterInit | undefined {
  if (tcp === undefined ? route === undefined || route.directResponse !== undefined : tcp !== "proxied")
    return undefined;
  return cluster;
}

/** Short names of the flags that are set, in the order of the bits. */
export function flagNames(flags: number): FlagName[] {
  return allFlags.filter((name) => (flags & Flag[name]) !== 0);
}

/** What filters left by proxy_set_property, by key without Envoy's prefix `wasm.`. */
export function leftIn({ filterState }: StreamInfo): ReadonlyMap<string, string> {
  return new Map([...filterState].map(([key, value]) => [toText(key), toText(value)]));
}

// The proxy-wasm host: runs a module as Envoy 1.40 does, with time and network in the test's hand.
export type { UpstreamAttempt } from "./attempt.ts";
export type { Connection, ConnectionEnd } from "./connection.ts";
export type { Duration } from "./duration.ts";
export { ConfigRefused, EnvoyBug, type LoadStage, NotEmulated } from "./errors.ts";
export type { GrpcCall, GrpcEnd, GrpcHandler, GrpcPeer } from "./grpc-calls.ts";
export type { HeadersInit, HeaderView } from "./header-map.ts";
export { Host, type HostOptions, type SharedDataView, type Upstream } from "./host.ts";
export type { HostcallCounter } from "./hostcall-counter.ts";
export type { HttpCall, HttpCallAnswer, HttpCallFailure, HttpCallHandler, HttpPeer } from "./http-calls.ts";
export type { ConfigInit, PluginOptions } from "./load.ts";
export type { LogLevel, LogLine, ThreadName } from "./log.ts";
export type { MetricStore } from "./metrics.ts";
export type { ListenerInit, NodeInit } from "./node.ts";
export { type Preflight, preflight } from "./preflight.ts";
export type { PropertyValue } from "./property-value.ts";
export type * from "./request.ts";
export type { Reply, Stream } from "./stream.ts";
export type { FlagName } from "./stream-info.ts";

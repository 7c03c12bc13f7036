// Encoded resources in protobuf's JSON form, as Envoy's own files have it.
import {
  create,
  createRegistry,
  type DescMessage,
  fromBinary,
  type JsonObject,
  type MessageInitShape,
  toJson,
} from "@bufbuild/protobuf";
import { StringValueSchema } from "@bufbuild/protobuf/wkt";
import { ZipkinConfigSchema } from "../../gen/envoy/config/trace/v3/zipkin_pb.js";
import { StdoutAccessLogSchema } from "../../gen/envoy/extensions/access_loggers/stream/v3/stream_pb.js";
import { ExtensionWithMatcherSchema } from "../../gen/envoy/extensions/common/matching/v3/extension_matcher_pb.js";
import {
  CompositeSchema,
  ExecuteFilterActionSchema,
} from "../../gen/envoy/extensions/filters/http/composite/v3/composite_pb.js";
import { FilterConfigSchema as GrpcStatsSchema } from "../../gen/envoy/extensions/filters/http/grpc_stats/v3/config_pb.js";
import { HeaderMutationSchema } from "../../gen/envoy/extensions/filters/http/header_mutation/v3/header_mutation_pb.js";
import { RBACSchema } from "../../gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.js";
import { RouterSchema } from "../../gen/envoy/extensions/filters/http/router/v3/router_pb.js";
import { UpstreamCodecSchema } from "../../gen/envoy/extensions/filters/http/upstream_codec/v3/upstream_codec_pb.js";
import { WasmSchema } from "../../gen/envoy/extensions/filters/http/wasm/v3/wasm_pb.js";
import { HttpInspectorSchema } from "../../gen/envoy/extensions/filters/listener/http_inspector/v3/http_inspector_pb.js";
import { OriginalDstSchema } from "../../gen/envoy/extensions/filters/listener/original_dst/v3/original_dst_pb.js";
import { TlsInspectorSchema } from "../../gen/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.js";
import { HttpConnectionManagerSchema } from "../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import { RBACSchema as NetworkRBACSchema } from "../../gen/envoy/extensions/filters/network/rbac/v3/rbac_pb.js";
import { TcpProxySchema } from "../../gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js";
import { WasmSchema as NetworkWasmSchema } from "../../gen/envoy/extensions/filters/network/wasm/v3/wasm_pb.js";
import { DestinationPortInputSchema } from "../../gen/envoy/extensions/matching/common_inputs/network/v3/network_inputs_pb.js";
import { UuidRequestIdConfigSchema } from "../../gen/envoy/extensions/request_id/uuid/v3/uuid_pb.js";
import { PreviousHostsPredicateSchema } from "../../gen/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb.js";
import {
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
} from "../../gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.js";
import { HttpProtocolOptionsSchema } from "../../gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js";
import { HttpRequestHeaderMatchInputSchema } from "../../gen/envoy/type/matcher/v3/http_inputs_pb.js";
import type { Resource, Snapshot, XdsType } from "../../model/resource.ts";
import { schemas } from "../encode.ts";

const registry = createRegistry(
  CompositeSchema,
  DestinationPortInputSchema,
  DownstreamTlsContextSchema,
  ExecuteFilterActionSchema,
  ExtensionWithMatcherSchema,
  GrpcStatsSchema,
  HeaderMutationSchema,
  HttpConnectionManagerSchema,
  HttpInspectorSchema,
  HttpProtocolOptionsSchema,
  HttpRequestHeaderMatchInputSchema,
  NetworkRBACSchema,
  NetworkWasmSchema,
  OriginalDstSchema,
  PreviousHostsPredicateSchema,
  RBACSchema,
  RouterSchema,
  StdoutAccessLogSchema,
  StringValueSchema,
  TcpProxySchema,
  TlsInspectorSchema,
  UpstreamCodecSchema,
  UpstreamTlsContextSchema,
  UuidRequestIdConfigSchema,
  WasmSchema,
  ZipkinConfigSchema,
);

/** Fields as proto files name them: `load_assignment`. */
export function json({ type, body }: Resource): JsonObject {
  const schema: DescMessage = schemas[type];
  return toJson(schema, fromBinary(schema, body), form) as JsonObject;
}

/** The same of a part of a resource. */
export function messageJson<D extends DescMessage>(schema: D, message: MessageInitShape<D>): JsonObject {
  return toJson(schema, create(schema, message), form) as JsonObject;
}

const form = { registry, useProtoFieldName: true } as const;

/** All resources of one type, by name. */
export function jsonOf(snapshot: Snapshot, type: XdsType): JsonObject[] {
  return [...snapshot[type].values()].toSorted((a, b) => (a.name < b.name ? -1 : 1)).map(json);
}

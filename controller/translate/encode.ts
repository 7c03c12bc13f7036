import { createHash } from "node:crypto";
import { create, type DescMessage, type Message, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type Any, anyPack } from "@bufbuild/protobuf/wkt";
import { ClusterSchema } from "../gen/envoy/config/cluster/v3/cluster_pb.js";
import { TypedExtensionConfigSchema } from "../gen/envoy/config/core/v3/extension_pb.js";
import { ClusterLoadAssignmentSchema } from "../gen/envoy/config/endpoint/v3/endpoint_pb.js";
import { ListenerSchema } from "../gen/envoy/config/listener/v3/listener_pb.js";
import { RouteConfigurationSchema } from "../gen/envoy/config/route/v3/route_pb.js";
import { SecretSchema } from "../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js";
import type { Resource, XdsType } from "../model/resource.ts";

/** The message that a resource of each type carries. */
export const schemas = {
  CDS: ClusterSchema,
  LDS: ListenerSchema,
  EDS: ClusterLoadAssignmentSchema,
  RDS: RouteConfigurationSchema,
  ECDS: TypedExtensionConfigSchema,
  SDS: SecretSchema,
} as const;

/** A message as it is written down: plain objects, nothing of what `create` adds. */
export type Init<D extends DescMessage> = Exclude<MessageInitShape<D>, Message>;

export type Body<T extends XdsType> = Init<(typeof schemas)[T]>;

/** Hex digits of a version: enough that two contents of one name never share one. */
const versionLength = 16;

/**
 * A resource from its message. Equal messages give equal bytes: fields are written in the order of their numbers and
 * maps in the order in which their keys were inserted, which builders take from {@link sorted}.
 */
export function encode<T extends XdsType>(
  type: T,
  name: string,
  message: Body<T>,
  about: Partial<Pick<Resource, "owners" | "stopgap">> = {},
): Resource {
  return resource(type, name, bytesOf<DescMessage>(schemas[type], message as Init<DescMessage>), about);
}

/** A message in protobuf's wire format. Those of one type behind each other are the message with the fields of all. */
export function bytesOf<D extends DescMessage>(schema: D, message: Init<D>): Uint8Array {
  return toBinary(schema, create(schema, message));
}

/** A resource from the bytes of its message. */
export function resource(
  type: XdsType,
  name: string,
  body: Uint8Array,
  about: Partial<Pick<Resource, "owners" | "stopgap">> = {},
): Resource {
  const version = createHash("sha256").update(body).digest("hex").slice(0, versionLength);
  return { type, name, version, body, owners: [], ...about };
}

/** A message inside an Any. */
export function any<D extends DescMessage>(schema: D, message: Init<D>): Any {
  return anyPack(schema, create(schema, message));
}

/** Entries of a map in the order of their keys, so that its bytes don't depend on how it came about. */
export function sorted<V>(map: Readonly<Record<string, V>>): [string, V][] {
  return Object.entries(map).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

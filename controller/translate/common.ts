// Pieces of configuration that stand in many resources.
import type { JsonObject } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import type { AddressSchema } from "../gen/envoy/config/core/v3/address_pb.js";
import type { MetadataSchema } from "../gen/envoy/config/core/v3/base_pb.js";
import type { ConfigSourceSchema } from "../gen/envoy/config/core/v3/config_source_pb.js";
import { ApiVersion } from "../gen/envoy/config/core/v3/config_source_pb.js";
import type { Init } from "./encode.ts";

/**
 * From the stream that everything comes by. Without a time limit: what a new listener or cluster names is waited for
 * while the old one serves; with one, Envoy would go on without it (500 for every request, if it is a filter).
 */
export const ads: Init<typeof ConfigSourceSchema> = {
  configSourceSpecifier: { case: "ads", value: {} },
  resourceApiVersion: ApiVersion.V3,
  initialFetchTimeout: durationFromMs(0),
};

/** An IP address or, in clusters that Envoy resolves, a DNS name. */
export function socketAddress(address: string, port: number): Init<typeof AddressSchema> {
  return {
    address: { case: "socketAddress", value: { address, portSpecifier: { case: "portValue", value: port } } },
  };
}

/** What tools and filters read of a resource, by namespace: `istio`, `dev.sluice`. */
export function metadata(content: Record<string, JsonObject>): Init<typeof MetadataSchema> {
  return { filterMetadata: content };
}

import { create, toBinary } from "@bufbuild/protobuf";
import { DeltaDiscoveryResponseSchema } from "../gen/envoy/service/discovery/v3/discovery_pb.js";
import { concat } from "../model/concat.ts";
import { type Resource, typeUrls } from "../model/resource.ts";
import type { Response } from "./outbox.ts";

/** A resource as it stands in any response that holds it; one encoding for all proxies, for as long as it is used. */
const encoded = new WeakMap<Resource, Uint8Array>();

/**
 * A DeltaDiscoveryResponse in protobuf's wire format. Encoded messages of one type can be put behind each other: the
 * result is the message with the repeated fields of all (protobuf encoding, "Last One Wins"). So each resource is the
 * encoding of a response that holds nothing else.
 *
 * @param identifier control_plane.identifier, shown by Envoy's `control_plane.identifier` stat
 */
export function encodeResponse({ typeUrl, nonce, resources, removed }: Response, identifier: string): Uint8Array {
  const head = create(DeltaDiscoveryResponseSchema, {
    typeUrl,
    nonce,
    removedResources: [...removed],
    controlPlane: { identifier },
  });
  return concat([toBinary(DeltaDiscoveryResponseSchema, head), ...resources.map(encodeResource)]);
}

function encodeResource(resource: Resource): Uint8Array {
  const known = encoded.get(resource);
  if (known !== undefined) return known;
  const { type, name, version, body } = resource;
  const any = { typeUrl: typeUrls[type], value: body };
  const bytes = toBinary(
    DeltaDiscoveryResponseSchema,
    create(DeltaDiscoveryResponseSchema, { resources: [{ name, version, resource: any }] }),
  );
  encoded.set(resource, bytes);
  return bytes;
}

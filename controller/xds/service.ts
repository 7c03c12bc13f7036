// envoy/service/discovery/v3/ads.proto as gRPC takes it, messages as bytes: responses are encoded by the caller, so that
// proxies can share the encoding; requests are decoded by it, so that of one whose peer is not known little has to be.
import { fromBinary } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { NodeSchema } from "../gen/envoy/config/core/v3/base_pb.js";
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
} from "../gen/envoy/service/discovery/v3/discovery_pb.js";
import { type ParsedNode, parseNode } from "./node.ts";

/** Envoy 1.40's has 61 kB, most of it the names of its extensions. */
const nodeBytesMax = 128 << 10;

/** What is decoded of it: labels are most of that, of which 100 fit in. Made up to be slow, it takes tens of ms. */
const knownBytesMax = 16 << 10;
const known = ["id", "metadata", "userAgentVersion", "userAgentBuildVersion"] as const;
const knownFields: ReadonlySet<number> = new Set(known.map((name) => NodeSchema.field[name].number));

const bytes = {
  serialize: (message: Uint8Array) => Buffer.from(message.buffer, message.byteOffset, message.byteLength),
  deserialize: (message: Buffer): Uint8Array => message,
};

export const service = {
  DeltaAggregatedResources: {
    path: "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources",
    requestStream: true,
    responseStream: true,
    requestSerialize: bytes.serialize,
    requestDeserialize: bytes.deserialize,
    responseSerialize: bytes.serialize,
    responseDeserialize: bytes.deserialize,
  },
} as const;

/** Nothing is kept of fields that no schema has: decoded, two bytes would take 180. */
const reading = { readUnknownFields: false };

/** `undefined` where it is none. */
export function decodeRequest(request: Uint8Array): DeltaDiscoveryRequest | undefined {
  try {
    return fromBinary(DeltaDiscoveryRequestSchema, request, reading);
  } catch {
    return undefined;
  }
}

/**
 * Whose stream it is by its first request. Anybody can send that, and decoding takes 5 µs for every two bytes of some, so
 * that only what counts is decoded of a node, which must be the request's first field, as Envoy writes it.
 */
export function proxyOf(request: Uint8Array): ParsedNode {
  try {
    const node = nodeIn(request);
    if (node === undefined) return { problem: "the first request of a stream does not begin with a node" };
    if (node.length > nodeBytesMax) return tooLarge("node", node.length, nodeBytesMax);
    const counts = only(knownFields, node);
    if (counts.length > knownBytesMax) return tooLarge("node: id, metadata and version", counts.length, knownBytesMax);
    return parseNode(fromBinary(NodeSchema, counts, reading));
  } catch {
    return { problem: "the first request of a stream is no DeltaDiscoveryRequest" };
  }
}

function tooLarge(what: string, bytes: number, bytesMax: number): { readonly problem: string } {
  return { problem: `${what}: ${bytes} bytes, expected no more than ${bytesMax}` };
}

function nodeIn(request: Uint8Array): Uint8Array | undefined {
  if (request.length === 0) return undefined;
  const reader = new BinaryReader(request);
  const [field, type] = reader.tag();
  const isNode = field === DeltaDiscoveryRequestSchema.field.node.number && type === WireType.LengthDelimited;
  return isNode ? reader.bytes() : undefined;
}

/** A message with these fields of it, the last of each. */
function only(fields: ReadonlySet<number>, message: Uint8Array): Uint8Array {
  const reader = new BinaryReader(message);
  const parts = new Map<number, Uint8Array>();
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [field, type] = reader.tag();
    reader.skip(type, field);
    if (fields.has(field)) parts.set(field, message.subarray(start, reader.pos));
  }
  return Buffer.concat([...parts.values()]);
}

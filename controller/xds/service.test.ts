import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { DeltaDiscoveryRequestSchema } from "../gen/envoy/service/discovery/v3/discovery_pb.js";
import { decodeRequest, proxyOf } from "./service.ts";
import { sidecar } from "./test-support/client.ts";

type Init = MessageInitShape<typeof DeltaDiscoveryRequestSchema>;
const bytesOf = (init: Init) => toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, init));
const request = bytesOf({ node: sidecar() });
/** Field 100, which no request has, a varint. */
const unknown = Buffer.from([0xa0, 0x06, 1]);
/** A resource's name that says it is longer than all there is. */
const broken = Buffer.from([0x1a, 0x7f, 1]);

test("a request says whose stream it is, whatever else it says", () => {
  const extensions = Array.from({ length: 500 }, (_, n) => ({ name: `envoy.extension.number.${n}` }));
  const metadata = { LABELS: { app: "web" }, SERVICE_ACCOUNT: "web" };
  const userAgentVersionType = { case: "userAgentVersion", value: "1.40.0" } as const;
  const long = bytesOf({ node: { ...sidecar(), extensions, metadata, userAgentVersionType } });
  expect(proxyOf(Buffer.concat([long, broken]))).toMatchObject({
    proxy: { name: "web-1", namespace: "shop", labels: { app: "web" }, serviceAccount: "web", version: "1.40.0" },
  });
});

test.each<[string, Init["node"], string]>([
  ["a node", { clientFeatures: ["x".repeat(1 << 20)] }, "node: 1048580 bytes, expected no more than 131072"],
  [
    "what is decoded of it",
    { id: "x".repeat(17_000) },
    "node: id, metadata and version: 17004 bytes, expected no more than 16384",
  ],
])("%s may not be larger than any proxy's", (_, node, problem) => {
  expect(proxyOf(bytesOf({ node }))).toEqual({ problem });
});

test("fields that no request has are not kept", () => {
  expect(decodeRequest(Buffer.concat([request, unknown]))).toEqual(decodeRequest(request));
});

test("what can't be read is a problem, not an exception", () => {
  expect(decodeRequest(Buffer.concat([request, broken]))).toBeUndefined();
  expect(proxyOf(Buffer.from([0x0a, 0x7f, 1]))).toEqual({
    problem: "the first request of a stream is no DeltaDiscoveryRequest",
  });
  for (const bytes of [unknown, Buffer.alloc(0)]) {
    expect(proxyOf(bytes)).toEqual({ problem: "the first request of a stream does not begin with a node" });
  }
});

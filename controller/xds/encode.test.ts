import { fromBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { DeltaDiscoveryResponseSchema } from "../gen/envoy/service/discovery/v3/discovery_pb.js";
import { typeUrls } from "../model/resource.ts";
import { encodeResponse } from "./encode.ts";
import { resource } from "./test-support/harness.ts";

test("a response decodes to what went in, the body as the value of its Any", () => {
  const a = resource("CDS", "a", "1");
  const b = resource("CDS", "b", "2");
  const response = { typeUrl: typeUrls.CDS, nonce: "7", resources: [a, b], removed: ["c"] };
  for (const nonce of ["7", "8"]) {
    const message = fromBinary(DeltaDiscoveryResponseSchema, encodeResponse({ ...response, nonce }, "sluice-1"));
    expect(message).toMatchObject({ typeUrl: typeUrls.CDS, nonce, removedResources: ["c"] });
    expect(message.controlPlane?.identifier).toBe("sluice-1");
    expect(message.resources.map(({ name, version }) => `${name}@${version}`)).toEqual(["a@1", "b@2"]);
    expect(message.resources[1]?.resource).toMatchObject({ typeUrl: typeUrls.CDS, value: b.body });
  }
});

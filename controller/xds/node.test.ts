import { create, type JsonObject, type MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { NodeSchema } from "../gen/envoy/config/core/v3/base_pb.js";
import { parseNode } from "./node.ts";

const id = "sidecar~10.0.0.7~web-1.shop~shop.svc.cluster.local";

function parse(init: MessageInitShape<typeof NodeSchema>): ReturnType<typeof parseNode> {
  return parseNode(create(NodeSchema, { id, ...init }));
}

test("Istio's id and metadata make a proxy", () => {
  const metadata = {
    NAME: "web-1",
    NAMESPACE: "shop",
    SERVICE_ACCOUNT: "web",
    WORKLOAD_NAME: "web",
    LABELS: { app: "web", version: "v1" },
    INTERCEPTION_MODE: "NONE",
    STAT_TAGS: "scope,tenant",
  };
  const version = { version: { majorNumber: 1, minorNumber: 40, patch: 0 } };
  const userAgentVersionType = { case: "userAgentBuildVersion", value: version } as const;
  expect(parse({ metadata, userAgentVersionType })).toEqual({
    proxy: {
      id,
      type: "sidecar",
      ip: "10.0.0.7",
      name: "web-1",
      namespace: "shop",
      labels: { app: "web", version: "v1" },
      serviceAccount: "web",
      workload: "web",
      interception: "NONE",
      statTags: ["scope", "tenant"],
      version: "1.40.0",
    },
  });
});

test("an id is enough: REDIRECT, no labels, no version", () => {
  expect(parse({ id: "router~10.0.0.8~gw.istio-system~istio-system.svc.cluster.local" })).toMatchObject({
    proxy: { type: "router", name: "gw", labels: {}, interception: "REDIRECT", version: "" },
  });
});

test.each<{ init: { id?: string; metadata?: JsonObject }; problem: string }>([
  { init: { id: "web-1" }, problem: 'node.id is "web-1": expected sidecar|router~<ip>~<name>.<namespace>~<namespace>' },
  { init: { id: "" }, problem: 'node.id is ""' },
  { init: { metadata: { NAMESPACE: "prod" } }, problem: 'node.metadata.NAMESPACE is "prod", but node.id says "shop"' },
  { init: { metadata: { NAME: 7 } }, problem: "node.metadata.NAME is 7: expected a string" },
  { init: { metadata: { LABELS: "app=web" } }, problem: 'node.metadata.LABELS is "app=web": expected an object' },
  { init: { metadata: { LABELS: { app: 1 } } }, problem: 'node.metadata.LABELS is {"app":1}: expected an object' },
  { init: { metadata: { INTERCEPTION_MODE: "none" } }, problem: 'is "none": expected REDIRECT, TPROXY, NONE' },
])("$problem", ({ init, problem }) => {
  const parsed = parse(init);
  expect("problem" in parsed ? parsed.problem : "").toContain(problem);
});

test("all problems are told at once", () => {
  const parsed = parse({ metadata: { NAMESPACE: "prod", LABELS: [] } });
  expect("problem" in parsed ? parsed.problem.split("; ") : []).toHaveLength(2);
});

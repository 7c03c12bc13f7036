import { expect, test } from "vitest";
import type { PodNamespace } from "../inject/decide.ts";
import { defaultSettings } from "../model/mesh.ts";
import type { AdmissionRequest } from "./admission-review.ts";
import { inject } from "./inject.ts";

const request: AdmissionRequest = {
  uid: "u1",
  operation: "CREATE",
  namespace: "shop",
  name: "",
  subresource: "",
  object: {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { generateName: "web-" },
    spec: { containers: [{ name: "app", image: "app:1" }] },
  },
  oldObject: {},
};
const labelled: PodNamespace = { name: "shop", labels: { "istio-injection": "enabled" } };
const plain: PodNamespace = { name: "shop", labels: {} };

/** Whether the pod gets a proxy, and how often the API server is asked for the namespace. */
async function outcome(one: AdmissionRequest, known: PodNamespace | undefined, now: PodNamespace) {
  let reads = 0;
  const verdict = await inject(one, {
    settings: defaultSettings,
    images: { sluice: "sluice:1", envoy: "envoy:1" },
    known: () => known,
    read: () => {
      reads += 1;
      return Promise.resolve(now);
    },
  });
  return [verdict.allowed ? JSON.stringify(verdict.patch ?? []).includes("istio-proxy") : "refused", reads];
}

test.each([
  ["known to be in the mesh", request, labelled, labelled, [true, 0]],
  ["labelled a moment ago", request, plain, labelled, [true, 1]],
  ["made a moment ago", request, undefined, labelled, [true, 1]],
  ["not in the mesh", request, plain, plain, [false, 1]],
])("a pod of a namespace that is %s", async (_, one, known, now, expected) => {
  expect(await outcome(one, known, now)).toEqual(expected);
});

test("an update of a pod changes nothing", async () => {
  expect(await outcome({ ...request, operation: "UPDATE" }, labelled, labelled)).toEqual([false, 0]);
});

test("a pod whose annotations can't be read is refused", async () => {
  const annotations = { "traffic.sidecar.istio.io/excludeInboundPorts": "http" };
  const object = { ...request.object, metadata: { name: "web", annotations } };
  expect(await outcome({ ...request, object }, labelled, labelled)).toEqual(["refused", 0]);
});

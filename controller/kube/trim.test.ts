import { expect, test } from "vitest";
import { ObjectSet } from "./object-set.ts";
import { trim } from "./trim.ts";

const meta = {
  name: "a",
  namespace: "shop",
  uid: "u1",
  resourceVersion: "7",
  generation: 2,
  creationTimestamp: "2026-01-01T00:00:00Z",
  labels: { app: "a" },
  managedFields: [{ manager: "kubectl" }],
};

const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { ...meta, ownerReferences: [{ kind: "ReplicaSet", name: "a-1", controller: true }] },
  spec: {
    serviceAccountName: "web",
    nodeName: "n1",
    containers: [{ name: "app", image: "app:1", env: [{ name: "A", value: "b" }], ports: [{ containerPort: 80 }] }],
  },
  status: {
    phase: "Running",
    podIP: "10.0.0.1",
    conditions: [
      { type: "Ready", status: "True", lastTransitionTime: "2026-01-01T00:00:00Z" },
      { type: "Initialized", status: "True" },
    ],
    containerStatuses: [{ restartCount: 3 }],
  },
};

const { managedFields: _, resourceVersion: __, ...kept } = meta;

test("of a pod stays what the mesh reads", () => {
  expect(trim(pod)).toEqual({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { ...kept, ownerReferences: pod.metadata.ownerReferences },
    spec: { serviceAccountName: "web", containers: [{ name: "app", ports: [{ containerPort: 80 }] }] },
    status: { phase: "Running", podIP: "10.0.0.1", conditions: [{ type: "Ready", status: "True" }] },
  });
});

test("of init containers stay those that go on and have ports", () => {
  const ports = [{ name: "web", containerPort: 81 }];
  const proxy = { name: "proxy", image: "proxy:1", restartPolicy: "Always", ports };
  const initContainers = [{ name: "init", ports }, proxy, { name: "logs", restartPolicy: "Always" }];
  expect(trim({ ...pod, spec: { ...pod.spec, initContainers } })["spec"]).toEqual({
    serviceAccountName: "web",
    containers: [{ name: "app", ports: [{ containerPort: 80 }] }],
    initContainers: [{ name: "proxy", restartPolicy: "Always", ports }],
  });
});

test("of a custom resource stays all but its status; kubectl's copy of it goes", () => {
  const annotations = { "kubectl.kubernetes.io/last-applied-configuration": "{}", "sluice.dev/x": "y" };
  const plugin = {
    apiVersion: "extensions.istio.io/v1alpha1",
    kind: "WasmPlugin",
    metadata: { ...meta, annotations },
    spec: { url: "file:///a.wasm", pluginConfig: { status: { a: [1] } } },
    status: { conditions: [] },
  };
  expect(trim(plugin)).toEqual({
    apiVersion: plugin.apiVersion,
    kind: "WasmPlugin",
    metadata: { ...kept, annotations: { "sluice.dev/x": "y" } },
    spec: plugin.spec,
  });
});

test("of an EndpointSlice, which has no spec, stays everything", () => {
  const slice = { apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", metadata: kept, endpoints: [], ports: [] };
  expect(trim(slice)).toEqual(slice);
});

test.each([
  ["another version and a kubelet's report", { status: { ...pod.status, containerStatuses: [] } }, false],
  ["another readiness", { status: { ...pod.status, conditions: [] } }, true],
  ["another uid: it was made anew", { metadata: { ...pod.metadata, uid: "u2" } }, true],
])("%s: is the set another? %j", (_what, change, changed) => {
  const set = new ObjectSet();
  expect(set.replace([pod])).toBe(true);
  const [before] = set.objects;
  const next = { ...pod, ...change };
  const version = { ...next, metadata: { ...next.metadata, resourceVersion: "8" } };
  expect(set.take("MODIFIED", version)).toBe(changed);
  expect(set.objects[0] === before).toBe(!changed);
  expect(set.replace([version])).toBe(false);
  expect(set.replace([])).toBe(true);
});

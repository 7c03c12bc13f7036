import { expect, test } from "vitest";
import { stringify } from "yaml";
import { defaultSettings } from "../model/mesh.ts";
import type { AnyObject } from "../model/object.ts";
import type { Sidecar } from "../model/sidecar.ts";
import { documentsOf, type PlacedPod } from "./objects.ts";
import { gatewayPlan, planOf } from "./plan.ts";
import { container, deployment, meta, service } from "./test-support/objects.ts";

const settings = defaultSettings;
const ports = [{ name: "http", containerPort: 3000 }, { containerPort: 9000 }];
const web = deployment("web", { containers: [container({ ports })] });

function placed(ready: boolean): PlacedPod {
  const [plan] = planOf([web]).pods;
  if (!plan) throw new Error("no pod");
  const appPorts = new Map([
    [3000, 41234],
    [9000, 9000],
  ]);
  return { plan, uid: "u-1", ip: "127.0.18.2", appPorts, ready, intercepted: false };
}

function documents(pod: PlacedPod, ...objects: AnyObject[]): string {
  const all = documentsOf(pod, { objects, settings, gatewayPort: 30000 });
  return all.map((document) => stringify(document)).join("---\n");
}

function sidecar(spec: Partial<Sidecar>, namespace = "shop"): AnyObject {
  return { kind: "Sidecar", meta: meta("own", namespace), spec };
}

const hosts = [{ captureMode: "DEFAULT", hosts: ["./*", "istio-system/*"] }] as const;

test("a pod, and the Sidecar that opens its ports; what a port speaks comes from its Service", () => {
  expect(documents(placed(true), service("web", "http"))).toMatchInlineSnapshot(`
    "apiVersion: v1
    kind: Pod
    metadata:
      name: web-v2974j74mz-qc7ql
      namespace: shop
      uid: u-1
      labels:
        app: web
        pod-template-hash: v2974j74mz
        sluice.dev/pod: v2974j74mz-qc7ql
        security.istio.io/tlsMode: istio
      annotations: {}
      ownerReferences:
        - apiVersion: apps/v1
          kind: ReplicaSet
          name: web-v2974j74mz
          controller: true
    spec:
      serviceAccountName: web
      containers:
        - name: web
          ports:
            - name: http
              containerPort: 3000
            - containerPort: 9000
    status:
      phase: Running
      podIP: 127.0.18.2
      conditions:
        - type: Ready
          status: "True"
    ---
    apiVersion: networking.istio.io/v1
    kind: Sidecar
    metadata:
      name: web-v2974j74mz-qc7ql
      namespace: shop
      creationTimestamp: 1970-01-01T00:00:00Z
    spec:
      workloadSelector:
        labels:
          sluice.dev/pod: v2974j74mz-qc7ql
      ingress:
        - port:
            number: 3000
            protocol: HTTP
            name: http-3000
          bind: 127.0.18.2
          captureMode: NONE
          defaultEndpoint: 127.0.0.1:41234
        - port:
            number: 9000
            protocol: TCP
            name: tcp-9000
          bind: 127.0.18.2
          captureMode: NONE
          defaultEndpoint: 127.0.0.1:9000
      egress:
        - port:
            number: 15007
            protocol: HTTP_PROXY
            name: http-proxy
          bind: 127.0.18.2
          captureMode: NONE
          hosts:
            - "*/*"
    "
  `);
});

test("a pod that is not ready says so", () => {
  expect(documents(placed(false))).toMatch(/type: Ready\n +status: "False"/);
});

test.each([
  ["selects the pod and has ingress", sidecar({ workloadSelector: { app: "web" }, ingress: [] }), undefined],
  ["selects the pod and only limits its hosts", sidecar({ workloadSelector: { app: "web" }, egress: hosts }), "own"],
  ["is of the namespace", sidecar({ egress: hosts }), "own"],
  ["is of the root namespace", sidecar({ egress: hosts }, "istio-system"), "own"],
  ["selects other pods", sidecar({ workloadSelector: { app: "other" }, ingress: [], egress: hosts }), "all"],
  ["is of another namespace", sidecar({ egress: hosts }, "elsewhere"), "all"],
])("a user's Sidecar that %s", (_, own, egress) => {
  const text = documents(placed(true), own);
  expect(text.includes("kind: Sidecar")).toBe(egress !== undefined);
  expect(text.includes("istio-system/*")).toBe(egress === "own");
  expect(text.includes("*/*")).toBe(egress === "all");
});

test("the gateway: a Service on port 80 and its pod", () => {
  const plan = gatewayPlan("istio-system");
  const text = documents({ plan, uid: "u-1", ip: "127.0.0.1", appPorts: new Map(), ready: true, intercepted: false });
  expect(text).toMatch(
    /kind: Service\n(.*\n)*.*port: 80\n +targetPort: 30000\n(.*\n)*kind: Pod\n(.*\n)*.*podIP: 127.0.0.1/,
  );
  expect(text).not.toContain("Sidecar");
});

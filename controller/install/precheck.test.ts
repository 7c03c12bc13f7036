import { expect, test } from "vitest";
import { crds } from "../crd/definitions.ts";
import type { KubeObject } from "../kube/api.ts";
import { gateway } from "./gateway.ts";
import { precheck } from "./precheck.ts";
import { precheckText } from "./precheck-finding.ts";
import { defaultInstallSettings } from "./settings.ts";
import { type MemoryApiOptions, memoryApi } from "./test-support/memory-api.ts";

const success = [
  "✔ No issues found when checking the cluster. Sluice is safe to install or upgrade!",
  "  To get started: sluice install --set profile=default -y",
];

const withWarnings = ["! Sluice can be installed or upgraded; mind the warnings", success[1]];

async function linesOf(options: MemoryApiOptions): Promise<readonly string[]> {
  const { text, safe } = precheckText(await precheck("1.2.3", memoryApi(options)));
  expect(safe).toBe(text.includes("To get started"));
  return text.trimEnd().split("\n");
}

const service = (name: string, nodePort: number): KubeObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace: "shop" },
  spec: { ports: [{ nodePort }] },
});

const definition = (kind: string, version: string): KubeObject => {
  const found = crds().find(({ spec }) => spec.names.kind === kind);
  const { apiVersion, metadata, spec } = found as NonNullable<typeof found>;
  return {
    apiVersion,
    kind: "CustomResourceDefinition",
    metadata,
    spec: { ...spec, versions: [{ name: version, served: true }] },
  };
};

const isPlugin = ({ kind }: KubeObject): string | undefined =>
  kind === "WasmPlugin" ? "spec.url: no such scheme" : undefined;

test.each`
  cluster                                                                                   | lines
  ${{}}                                                                                     | ${success}
  ${{ minor: "30+" }}                                                                       | ${success}
  ${{ minor: "29" }}                                                                        | ${["Error [IST0142] The Kubernetes version v1.29.0 is lower than the minimum version: 1.30"]}
  ${{ forbidden: ["create customresourcedefinitions", "patch customresourcedefinitions"] }} | ${["Error [IST0141] Missing required permission to create, patch customresourcedefinitions.apiextensions.k8s.io"]}
  ${{ forbidden: ["create networkpolicies"] }}                                              | ${["Error [IST0141] Missing required permission to create networkpolicies.networking.k8s.io in namespace istio-system"]}
  ${{ forbidden: ["delete roles"] }}                                                        | ${["Error [IST0141] Missing required permission to delete roles.rbac.authorization.k8s.io in namespace istio-system"]}
  ${{ forbidden: ["list sidecars"] }}                                                       | ${["Error [IST0141] Missing required permission to list sidecars.networking.istio.io"]}
  ${{ forbidden: ["grant clusterroles"] }}                                                  | ${["Error [IST0141] (ClusterRole sluice-istio-system) Missing required permission to grant what the control plane may do: have all of it, or escalate and bind roles and clusterroles (clusterroles is forbidden: eve cannot grant)"]}
  ${{ objects: [service("web", 30000), service("api", 30001)] }}                            | ${["Error [SLU0502] (Service shop/web) has node port 30000, which the ingress gateway needs; --set gatewayNodePort=<port> gives it another, --set profile=minimal installs without one"]}
  ${{ objects: [definition("Sidecar", "v1")] }}                                             | ${["Info [SLU0503] (CustomResourceDefinition sidecars.networking.istio.io) is there already and is used as it is", ...success]}
  ${{ objects: [definition("Sidecar", "v2")] }}                                             | ${["Error [SLU0503] (CustomResourceDefinition sidecars.networking.istio.io) serves v2; one of v1, v1beta1, v1alpha3 is needed"]}
  ${{ objects: [definition("WasmPlugin", "v1alpha1")], refuse: isPlugin }}                  | ${["Warning [SLU0503] (CustomResourceDefinition wasmplugins.extensions.istio.io) is there already, is used as it is, and refuses builtin filters (spec.url: no such scheme); write url: file:///sluice/build/<filter>.wasm, or let Sluice install its own after deleting this one, with which its objects go", ...withWarnings]}
`("$cluster: $lines", async ({ cluster, lines }) => expect(await linesOf(cluster)).toEqual(lines));

test("an own installation is nothing in the way", async () => {
  expect(await linesOf({ objects: gateway(defaultInstallSettings("1.2.3")) })).toEqual(success);
});

test("one who may not even look is told what is missing, and what was not looked at", async () => {
  expect(await linesOf({ forbidden: ["get services", "list services"] })).toEqual([
    "Error [IST0141] Missing required permission to get, list services in namespace istio-system",
    "Error [IST0141] Not everything could be checked: services is forbidden: eve cannot get",
    "Error [IST0141] Not everything could be checked: services is forbidden: eve cannot list",
  ]);
});

const theirs = (apiVersion: string, kind: string, name: string, more: object = {}): KubeObject => ({
  apiVersion,
  kind,
  metadata: { name, namespace: "istio-system" },
  ...more,
});

test("what others have under our names is in the way, each object of it", async () => {
  const objects = [
    theirs("v1", "ServiceAccount", "istio-ingressgateway-service-account"),
    theirs("apps/v1", "Deployment", "sluice"),
    theirs("v1", "Namespace", "istio-system"),
  ];
  expect(await linesOf({ objects })).toEqual([
    "Error [SLU0504] (Deployment sluice.istio-system) is there already, and Sluice did not install it: remove it first",
    "Error [SLU0504] (ServiceAccount istio-ingressgateway-service-account.istio-system) is there already, and Sluice did not install it: remove it first; --set profile=minimal installs without it",
  ]);
});

test("what Helm installed is Helm's", async () => {
  const objects = gateway(defaultInstallSettings("1.2.3")).map((object) => ({
    ...object,
    metadata: { ...object.metadata, annotations: { "meta.helm.sh/release-name": "mesh" } },
  }));
  expect(await linesOf({ objects })).toEqual([
    "Error [SLU0504] Sluice is installed as Helm release mesh: bring it up to date by helm upgrade",
  ]);
});

test("users' objects that would do nothing here are counted, with what that means", async () => {
  const objects = [
    theirs("security.istio.io/v1", "AuthorizationPolicy", "a"),
    theirs("security.istio.io/v1", "AuthorizationPolicy", "b"),
    theirs("networking.istio.io/v1beta1", "ProxyConfig", "a"),
  ];
  expect(await linesOf({ objects })).toEqual([
    "Warning [SLU0003] (AuthorizationPolicy) 2 objects have no effect here: no request is denied by them, so what they protect is open",
    "Warning [SLU0003] (ProxyConfig) 1 object has no effect here: Sluice does not know the kind",
    ...withWarnings,
  ]);
});

test("what is wrong with users' objects is told, ten problems at most", async () => {
  const plugin = (name: string) =>
    theirs("extensions.istio.io/v1alpha1", "WasmPlugin", name, { spec: { url: "oci://ghcr.io/x" } });
  const problem = (name: string) =>
    `Warning [IST0106] (WasmPlugin istio-system/${name}) spec.url is "oci://ghcr.io/x": url contains unsupported scheme: oci; write file:///folder/module.wasm or builtin://<filter>`;
  expect(await linesOf({ objects: [plugin("a")] })).toEqual([problem("a"), ...withWarnings]);
  const names = Array.from({ length: 12 }, (_, i) => `p${i}`);
  expect(await linesOf({ objects: names.map(plugin) })).toEqual([
    ...names.slice(0, 10).map(problem),
    "Warning [SLU0003] 2 more problems of existing objects; sluice install and then kubectl describe shows those of an object",
    ...withWarnings,
  ]);
});

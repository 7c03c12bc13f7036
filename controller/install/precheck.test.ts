import { expect, test } from "vitest";
import { crds } from "../crd/definitions.ts";
import type { KubeObject } from "../kube/api.ts";
import { gateway } from "./gateway.ts";
import { precheck, precheckText } from "./precheck.ts";
import { defaultInstallSettings } from "./settings.ts";
import { type MemoryApiOptions, memoryApi } from "./test-support/memory-api.ts";

const success = [
  "✔ No issues found when checking the cluster. Sluice is safe to install or upgrade!",
  "  To get started: sluice install --set profile=default -y",
];

async function linesOf(options: MemoryApiOptions): Promise<readonly string[]> {
  const { text, safe } = precheckText(await precheck("1.2.3", memoryApi(options)));
  expect(safe).toBe(text.includes("✔"));
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
  ${{ forbidden: ["get roles"] }}                                                           | ${["Error [IST0141] Missing required permission to get roles.rbac.authorization.k8s.io in namespace istio-system"]}
  ${{ objects: [service("web", 30000), service("api", 30001)] }}                            | ${["Error [SLU0502] (Service shop/web) has node port 30000, which the ingress gateway needs; --set profile=minimal installs without one"]}
  ${{ objects: [definition("Sidecar", "v1")] }}                                             | ${["Info [SLU0503] (CustomResourceDefinition sidecars.networking.istio.io) is there already and is used as it is", ...success]}
  ${{ objects: [definition("Sidecar", "v2")] }}                                             | ${["Error [SLU0503] (CustomResourceDefinition sidecars.networking.istio.io) serves v2; one of v1, v1beta1, v1alpha3 is needed"]}
  ${{ objects: [definition("WasmPlugin", "v1alpha1")], refuse: isPlugin }}                  | ${["Warning [SLU0503] (CustomResourceDefinition wasmplugins.extensions.istio.io) is there already, is used as it is, and refuses builtin filters (spec.url: no such scheme); write url: file:///sluice/build/<filter>.wasm, or let Sluice install its own after deleting this one, with which its objects go", ...success]}
`("$cluster: $lines", async ({ cluster, lines }) => expect(await linesOf(cluster)).toEqual(lines));

test("an own installation is nothing in the way", async () => {
  expect(await linesOf({ objects: gateway(defaultInstallSettings("1.2.3")) })).toEqual(success);
});

// A cluster whose kinds Istio itself has defined: they are used as they are, and left as they were.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { KubeObject } from "../../controller/kube/api.ts";
import { call } from "../support/http.ts";
import { inContainer } from "../support/kube/marks.ts";
import { type KubeMesh, shopNamespace, startKubeMesh } from "../support/kube/mesh.ts";
import { markModule } from "../support/modules.ts";

const definitionsPath = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const pluginPath = `/apis/extensions.istio.io/v1alpha1/namespaces/${shopNamespace}/wasmplugins/mark`;

let mesh: KubeMesh;

beforeAll(async () => {
  mesh = await startKubeMesh({ istioDefinitions: true });
});
afterAll(() => mesh?.close());

/** As they stand, with the version of each: equal to an earlier answer where nobody has written since. */
async function definitions(): Promise<readonly KubeObject[]> {
  return (await mesh.api.get<{ items: KubeObject[] }>(definitionsPath)).items;
}

test("all of them are Istio's: none is changed or labelled by the installation", async () => {
  const managers = (await definitions()).flatMap(({ metadata }) => metadata["managedFields"] as { manager: string }[]);
  expect(new Set(managers.map(({ manager }) => manager))).toEqual(new Set(["kubectl-create", "kube-apiserver"]));
});

test("precheck says that they are used, and what Istio's WasmPlugin does not take", async () => {
  const { code, stdout } = await mesh.attemptSluice("x", "precheck");
  expect(code).toBe(0);
  expect(stdout).toContain(
    "Info [SLU0503] (CustomResourceDefinition virtualservices.networking.istio.io) is there already and is used as it is\n",
  );
  expect(stdout).toMatch(
    /^Warning \[SLU0503\] \(CustomResourceDefinition wasmplugins\.extensions\.istio\.io\) .* refuses builtin filters/m,
  );
});

test("a VirtualService and a PeerAuthentication have their effect", async () => {
  const page = { ...mesh.gateway, path: "/api/catalog" };
  await mesh.waitFor(async () => (await call(page)).status === 200, "the shop to answer");
  const ip = await mesh.shop("get", "pod", "-l", "app=catalog", "-o", "jsonpath={..podIP}");
  const inTheClear = { host: ip, port: 3000, path: "/items" };
  await mesh.waitFor(async () => (await call(inTheClear)).status === 200, "catalog to answer in the clear");
  const spec = { mtls: { mode: "STRICT" } };
  const metadata = { name: "default", namespace: shopNamespace };
  await mesh.kubectl.apply(
    JSON.stringify({ apiVersion: "security.istio.io/v1", kind: "PeerAuthentication", metadata, spec }),
  );
  const isRefused = () =>
    call(inTheClear).then(
      () => false,
      () => true,
    );
  await mesh.waitFor(isRefused, "catalog to refuse what is in the clear");
  expect((await call(page)).status).toBe(200);
});

test("a WasmPlugin has the conditions that it has with our own definition", async () => {
  const spec = {
    selector: { matchLabels: { app: "catalog" } },
    url: inContainer(await markModule("a")),
    pluginConfig: { mark: "1" },
  };
  const metadata = { name: "mark", namespace: shopNamespace };
  await mesh.kubectl.apply(
    JSON.stringify({ apiVersion: "extensions.istio.io/v1alpha1", kind: "WasmPlugin", metadata, spec }),
  );
  await mesh.shop("wait", "--for=condition=Programmed", "wasmplugin/mark", "--timeout=60s");
  const { status } = await mesh.api.get<{ status: { conditions: { type: string; status: string }[] } }>(pluginPath);
  expect(status.conditions.map((one) => `${one.type} ${one.status}`).toSorted()).toEqual([
    "Accepted True",
    "Degraded False",
    "Programmed True",
  ]);
  expect(status).toMatchObject({ observedGeneration: 1 });
});

test("after the uninstallation they are as they were, with the users' objects", async () => {
  const before = await definitions();
  await mesh.sluice("uninstall", "-y");
  expect(await definitions()).toEqual(before);
  const objects = await mesh.shop("get", "wasmplugins,peerauthentications,virtualservices,gateways", "-o", "name");
  expect(objects.trim().split("\n")).toHaveLength(4);
});

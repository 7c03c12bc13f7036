import { expect, test } from "vitest";
import type { Labels, MeshObject } from "./object.ts";
import { telemetriesOf } from "./select-telemetry.ts";
import { make, mesh } from "./test-support/meshes.ts";

function telemetry(key: string, selector?: Labels): MeshObject<"Telemetry"> {
  return make("Telemetry", key, { metrics: [], accessLogging: [], tracing: [], ...(selector && { selector }) });
}

const web = { app: "web" };
const ofMesh = telemetry("istio-system/mesh");
const ofNamespace = telemetry("shop/ns");
const ofWeb = telemetry("shop/web", web);

test.each`
  which                                       | telemetries                                                                                      | names
  ${"none"}                                   | ${[]}                                                                                            | ${[]}
  ${"from the widest to the nearest"}         | ${[ofWeb, ofNamespace, ofMesh]}                                                                  | ${["mesh", "ns", "web"]}
  ${"not those of other namespaces"}          | ${[telemetry("bank/ns"), telemetry("bank/w", web)]}                                              | ${[]}
  ${"not those of other workloads"}           | ${[telemetry("shop/x", { app: "x" })]}                                                           | ${[]}
  ${"not one of the root that selects"}       | ${[telemetry("istio-system/w", web)]}                                                            | ${[]}
  ${"with an empty selector the namespace's"} | ${[telemetry("shop/a", {}), ofWeb]}                                                              | ${["a", "web"]}
  ${"of two at one level the older"}          | ${[ofNamespace, telemetry("shop/b"), ofWeb, telemetry("shop/c", { app: "web", version: "v1" })]} | ${["ns", "web"]}
`("of a workload web in namespace shop: $which", ({ telemetries, names }) => {
  const found = telemetriesOf(mesh({ telemetries }), { namespace: "shop", labels: { ...web, version: "v1" } });
  expect(found.map(({ meta }) => meta.name)).toEqual(names);
});

test("of a workload in the root namespace the mesh's comes once", () => {
  expect(telemetriesOf(mesh({ telemetries: [ofMesh] }), { namespace: "istio-system", labels: web })).toEqual([ofMesh]);
});

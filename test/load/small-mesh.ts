import { call } from "../support/http.ts";
import { startMesh, type TestMesh } from "../support/mesh.ts";
import { gatewayTo, workload } from "../support/yaml.ts";

/** A mesh of three proxies, the gateway and the sidecars of webapp and catalog, once both applications answer. */
export async function smallMesh(
  resources: AsyncDisposableStack,
  more: Readonly<Record<string, string>> = {},
): Promise<TestMesh> {
  const mesh = await startMesh({
    "catalog.yaml": workload("catalog"),
    "webapp.yaml": workload("webapp"),
    "gateway.yaml": gatewayTo("webapp"),
    ...more,
  });
  resources.defer(async () => void (await mesh.stop()));
  const proxy = await mesh.httpProxy("webapp");
  for (const name of ["catalog", "webapp"])
    await mesh.waitFor(
      async () => (await call({ ...proxy, path: `http://${name}.shop/` })).status === 200,
      `${name} to answer`,
    );
  return mesh;
}
